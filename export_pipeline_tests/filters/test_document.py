"""`docs/filters.md`: every filter in it passes the rows that it says, every command prints what it says."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.cli.__main__ import main
from export_pipeline.dataset.types import Kind
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import MAX_FILTERS
from export_pipeline.filters import limits
from export_pipeline.filters.checking import OPERATORS
from export_pipeline.filters.meaning import holds
from export_pipeline.filters.named import NamedFilters
from export_pipeline.filters.sql import where_clause
from export_pipeline.filters.text import filter_from
from export_pipeline_tests.builders import a_column, a_table

DOCUMENT = (Path(__file__).parents[2] / "docs" / "filters.md").read_text()

VISITS = a_table(
    name="visits",
    columns=(
        a_column("id", "int64"),
        a_column("city"),
        a_column("clicks", "int32"),
        a_column("ratio", "float64"),
    ),
)
NAMED = NamedFilters({"FRENCH": "true"})


def table_after(heading: str) -> list[list[str]]:
    """The cells of every table with that heading, without the backticks of code."""
    tables = re.findall(rf"^\| {re.escape(heading)} \|\n\|[-|]+\|\n((?:\|.*\|\n)+)", DOCUMENT, re.MULTILINE)
    assert tables, heading
    return [
        [cell.strip().removeprefix("`").removesuffix("`") for cell in line.strip("|").split(" | ")]
        for table in tables
        for line in table.splitlines()
    ]


def value(cell: str) -> Any:
    if cell == "null":
        return None
    try:
        return float(cell)
    except ValueError:
        return cell


ROWS: list[Mapping[str, Any]] = [
    dict(zip(("id", "city", "clicks", "ratio"), map(value, cells), strict=True))
    for cells in table_after("id | city | clicks | ratio")
]


@pytest.fixture(scope="module")
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(sa.text("create table visits (id integer, city text, clicks integer, ratio real)"))
        for row in ROWS:
            connection.execute(sa.insert(sa.table("visits", *map(sa.column, row))), dict(row))
        yield connection
    engine.dispose()


@pytest.mark.parametrize(("text", "passing"), table_after("filter | passes"))
def test_a_filter_passes_the_rows_it_is_said_to(connection: sa.Connection, text: str, passing: str) -> None:
    expected = [int(number) for number in passing.split()]
    filter_ = filter_from(text, VISITS, NAMED)
    assert [row["id"] for row in ROWS if holds(filter_, row)] == expected
    # SQLite takes NaN for null.
    if "ratio" not in text:
        source = sa.table("visits", *(sa.column(column.name) for column in VISITS.columns))
        query = sa.select(source.c.id).where(where_clause(filter_, VISITS, source)).order_by(source.c.id)
        assert list(connection.execute(query).scalars()) == expected


@pytest.mark.parametrize(("text", "said"), table_after("filter | error"))
def test_a_mistake_is_answered_as_it_is_said(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        filter_from(text, VISITS, NAMED)
    assert str(refused.value) == said


@pytest.mark.parametrize("cells", table_after("literal | examples"), ids=lambda cells: cells[0])
def test_every_literal_is_one(cells: list[str]) -> None:
    examples = re.findall(r"`([^`]+)`", f"`{cells[1]}`")
    assert len(examples) > 1
    for example in examples:
        filter_from(f"a == {example}", a_table(columns=(a_column("a", type_of(example)),)))


def type_of(literal: str) -> str:
    bare = literal.strip("'\"")
    for pattern, type_ in {
        r"\d{4}-\d\d-\d\d": "date",
        r"\d\d:\d\d:\d\d": "time",
        r"\d{4}-.*T.*": "timestamp",
        r"[-\d.e]+": "float64",
        r"true|false": "boolean",
    }.items():
        if re.fullmatch(pattern, bare):
            return type_
    return "string"


def test_the_operators_of_every_type_are_said() -> None:
    said: dict[str, set[str]] = {}
    for types, _, operators in table_after("column | literal | operators besides null tests"):
        for name in re.findall(r"[a-z_0-9]+", types.replace("(p,s)", "")):
            said[name] = set() if operators == "none" else set(operators.split())
    assert said["string"] == {"all"}
    said["string"] = set(OPERATORS[Kind.STRING])
    assert said == {kind.value: set(OPERATORS[kind]) for kind in Kind}


def test_the_limits_are_said() -> None:
    assert [int(cells[-1].replace(",", "")) for cells in table_after("limit | at most")] == [
        limits.MAX_TEXT,
        limits.MAX_DEPTH,
        limits.MAX_CONDITIONS,
        limits.MAX_VALUES,
        limits.MAX_DIGITS,
        limits.MAX_LETTERS,
        limits.MAX_FOLDED,
        limits.MAX_DEPTH,
        MAX_FILTERS,
    ]


DECLARATION = """
[source]
url_variable = "SOURCE_URL"
"""
for name, number in (("searches", "results"), ("clicks", "rank")):
    DECLARATION += f"""
[tables.{name}]
time_column = "at"
order_by = ["id"]
columns = [
    {{ name = "at", type = "timestamp", nullable = false }},
    {{ name = "id", type = "int64", nullable = false }},
    {{ name = "city", type = "string" }},
    {{ name = "{number}", type = "int32" }},
]
"""


def arguments_of(command: str) -> list[str]:
    """What a shell makes of the command of the document."""
    shell = "export-pipeline() { printf '%s\\0' \"$@\"; }"
    said = subprocess.run(["bash", "-euc", f"{shell}\n{command}"], capture_output=True, text=True, check=True)
    return said.stdout.split("\0")[:-1]


def test_the_commands_print_what_they_are_said_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dataset.toml").write_text(DECLARATION)
    for name in [name for name in os.environ if name.startswith("EXPORT_PIPELINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EXPORT_PIPELINE_HOME", str(tmp_path))
    steps = [
        step
        for block in re.findall(r"^```console\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
        for step in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]
    assert len(steps) == 9
    for command, said in steps:
        code = main(arguments_of(command))
        told = "".join(capsys.readouterr())
        pattern = re.escape(said).replace(r"\.\.\." + "\\\n", r"(?:.*\n)*")
        assert re.fullmatch(pattern, told), (command, told)
        assert (code == 2) == said.startswith("error: ")
