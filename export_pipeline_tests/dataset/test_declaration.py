import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.dataset.tables import Column, Dataset, Table
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline_tests.dataset.declaring import FLIGHTS, changed, mistakes_in

DEMO = Path(__file__).parents[2] / "export_pipeline" / "demo" / "flights.toml"


def test_a_declaration_becomes_a_dataset(tmp_path: Path) -> None:
    file = tmp_path / "flights.toml"
    file.write_text(FLIGHTS)
    flights = Table(
        name="flights",
        relation="ops.flights",
        columns=(
            Column(
                name="time_hour",
                display_name="Scheduled Hour",
                type=ColumnType(Kind.TIMESTAMP),
                nullable=False,
            ),
            Column(name="carrier", display_name="carrier", type=ColumnType(Kind.STRING)),
        ),
        time_column="time_hour",
        order_by=("time_hour", "carrier"),
        tenant_column="carrier",
    )
    assert load_dataset(file) == Dataset(url_variable="FLIGHTS_URL", tables={"flights": flights})


def test_the_demo_is_declared_well() -> None:
    assert [len(table.columns) for table in load_dataset(DEMO).tables.values()] == [19, 15]


def test_a_table_is_selected_from_the_relation_of_its_name_unless_it_says_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "flights.toml"
    file.write_text(changed('relation = "ops.flights"\n', ""))
    assert load_dataset(file).table("flights").relation == "flights"


@pytest.mark.parametrize("text", ["\ufeff" + FLIGHTS, FLIGHTS.replace("\n", "\r\n")], ids=["BOM", "CRLF"])
def test_what_windows_editors_write_is_read_too(tmp_path: Path, text: str) -> None:
    file = tmp_path / "flights.toml"
    file.write_bytes(text.encode())
    assert load_dataset(file).url_variable == "FLIGHTS_URL"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"timestamp"\n', '"timestam\n', "13:17: this is not TOML (Illegal character '\\n'); correct"),
        ('type = "string"\n', 'type = "string', "18:15: this is not TOML (Unterminated string); correct"),
        ("[source]\n", "a = [\n", "2:1: this is not TOML (Invalid value); correct"),
        ('url_variable = "FLIGHTS_URL"', "", "1:2: source: url_variable is missing; name the"),
        ("[source]", "[sauce]", "1:1: source is missing; add [source]"),
        ("[source]", "[sauce]", "1:2: sauce: there is no such key here; did you mean 'source'?"),
        (
            "relation",
            "relatoin",
            "5:1: tables.flights.relatoin: there is no such key here; did you mean 'rel",
        ),
        (
            "display_name",
            "label",
            "12:1: tables.flights.columns[0].label: there is no such key here; did you",
        ),
        ('time_column = "time_hour"\n', "", "4:2: tables.flights: time_column is missing; name the column"),
        ("order_by = [", "order = [", "4:2: tables.flights: order_by is missing; name columns that"),
        ('type = "string"', "", "16:3: tables.flights.columns[1]: type is missing; write its type, like"),
        ('name = "carrier"', "", "16:3: tables.flights.columns[1]: name is missing; write what the"),
        ('"ops.flights"', "3", '5:12: tables.flights.relation: has to be text, like "...", and is a number'),
        ("= false", '= "no"', "14:12: tables.flights.columns[0].nullable: has to be true or false, and is t"),
        ("= false", "= 0", "14:12: tables.flights.columns[0].nullable: has to be true or false, and is a n"),
        ('["time_hour", "carrier"]', '"carrier"', "7:12: tables.flights.order_by: has to be a list of names"),
        (
            ', "carrier"]',
            ", 07:30:00]",
            "7:26: tables.flights.order_by[1]: has to be a name, and is a date or",
        ),
        ("[source]", "source = 1.5\n[s]", "1:10: source: has to be a table of keys, and is a number"),
        ('"string"', '"int99"', "18:8: tables.flights.columns[1].type: 'int99' is not a type; the types are"),
        ('"string"', '"decimal(39,2)"', "18:8: tables.flights.columns[1].type: decimal(39,2): a decimal has"),
        (
            '= "carrier"\ntype',
            '= "Time_Hour"\ntype',
            "17:8: tables.flights.columns[1].name: 'Time_Hour' is dec",
        ),
        (
            '= "carrier"\ntype',
            '= "time_hour"\ntype',
            "17:8: tables.flights.columns[1].name: 'time_hour' is dec",
        ),
        (
            '= "carrier"\ntype',
            '= "a b"\ntype',
            "17:8: tables.flights.columns[1].name: 'a b' cannot be a colu",
        ),
        (
            '= "carrier"\ntype',
            f'= "{"c" * 129}"\ntype',
            "17:8: tables.flights.columns[1].name: 'ccccccccccccc",
        ),
        ("[tables.flights]", "[tables.Flights]", "4:2: tables.Flights: 'Flights' cannot be a table's name: "),
        (
            "[tables.flights]",
            '[tables."a b"]',
            "4:2: tables.'a b': 'a b' cannot be a table's name: begin with one of a-z",
        ),
        ('"ops.flights"', '"a.b.c"', "5:12: tables.flights.relation: 'a.b.c' is not a table or view; write"),
        (
            'time_column = "time_hour"',
            'time_column = "hour"',
            "6:15: tables.flights.time_column: there is no",
        ),
        (
            '["time_hour", "carrier"]',
            '["x", "carier"]',
            "7:18: tables.flights.order_by[1]: there is no column",
        ),
        (
            'tenant_column = "carrier"',
            'tenant_column = "T"',
            "8:17: tables.flights.tenant_column: there is no",
        ),
        (
            'tenant_column = "carrier"',
            'tenant_column = "carrier"\nfor_every_tenant = true',
            "9:20: tables.flights.for_every_tenant: each tenant has rows of its own",
        ),
        (
            'tenant_column = "carrier"',
            'for_every_tenant = "yes"',
            "8:20: tables.flights.for_every_tenant: has to be true or false",
        ),
        (
            'time_column = "time_hour"',
            'time_column = "carrier"',
            "6:15: tables.flights.time_column: 'carrier'",
        ),
        (
            "nullable = false\n",
            "",
            "6:15: tables.flights.time_column: 'time_hour' may be NULL, and such a row",
        ),
        ('["time_hour", "carrier"]', "[]", "7:12: tables.flights.order_by: is empty; name columns that tog"),
        (
            '", "carrier"]',
            '", "time_hour"]',
            "7:26: tables.flights.order_by[1]: 'time_hour' is named twice; r",
        ),
        ('"Scheduled Hour"', '" "', "12:16: tables.flights.columns[0].display_name: is empty; write what"),
        (
            '"Scheduled Hour"',
            '"a\\nb"',
            "12:16: tables.flights.columns[0].display_name: 'a\\nb' holds a line",
        ),
        ('"Scheduled Hour"', '"carrier"', "16:3: tables.flights.columns[1].display_name: 'time_hour' is cal"),
        ('"FLIGHTS_URL"', '"FLIGHTS URL"', "2:16: source.url_variable: is not the name of an environment"),
        (
            '"FLIGHTS_URL"',
            '""',
            "2:16: source.url_variable: is not the name of an environment variable; write",
        ),
    ],
)
def test_a_mistake_is_pointed_at(tmp_path: Path, old: str, new: str, expected: str) -> None:
    found = mistakes_in(tmp_path, changed(old, new))
    assert any(line.startswith(f"flights.toml:{expected}") for line in found), found


def test_every_mistake_is_reported_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = changed('"FLIGHTS_URL"', '"a b"').replace('"timestamp"', '"int99"').replace("relation", "relatoin")
    assert [line.split(": ")[0] for line in mistakes_in(tmp_path, text)] == [
        "flights.toml:2:16",
        "flights.toml:5:1",
        "flights.toml:13:8",
    ]


def test_one_mistake_is_reported_once(tmp_path: Path) -> None:
    # The column of unknown type is still a column: what names it is right.
    assert len(mistakes_in(tmp_path, changed('"timestamp"', '"int99"'))) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tables]", "flights.toml:1:1: source is missing; add [source] with url_variable ="),
        ("[source]", "flights.toml:1:1: tables is missing; declare a table, beginning with a line like ["),
        ("[tables]", "flights.toml:1:2: tables: there are no tables; declare one"),
        ("[tables]\nflights = 3", "flights.toml:2:11: tables.flights: has to be a table of keys, and is a n"),
        ("[tables.f]", "flights.toml:1:2: tables.f: columns is missing; declare each column, beginning wi"),
        ("[tables.f]\ncolumns = []", "flights.toml:2:11: tables.f.columns: there are no columns; declare"),
        ("[tables.f]\ncolumns = {}", "flights.toml:2:11: tables.f.columns: has to be a list of tables, writ"),
        ("[tables.f]\ncolumns = [1]", "flights.toml:2:12: tables.f.columns[0]: has to be a table of keys, a"),
        ("[tables.f]\n[tables.F]", "flights.toml:2:2: tables.F: 'f' and 'F' differ only by case; rename one"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_asked_for(tmp_path: Path, text: str, expected: str) -> None:
    found = mistakes_in(tmp_path, text)
    assert any(line.startswith(expected) for line in found), found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"FLIGHTS_URL"', '"postgresql://u:geheim@h/db"'),
        ('"FLIGHTS_URL"', '"host=h password=geheim"'),
        ('"FLIGHTS_URL"', '"u:geheim@h"'),
        ('"FLIGHTS_URL"', "postgresql://u:geheim@h/db"),
        ("url_variable", '"postgresql://u:geheim@h/db"'),
        ('"ops.flights"', '"postgresql://u:geheim.y.z@h/db"'),
        ('"string"', '"postgresql://u:geheim@h/db"'),
        ('"carrier"\ntype', '"postgresql://u:geheim@h/db"\ntype'),
        ("[tables.flights]", '[tables."postgresql://u:geheim@h/db"]'),
    ],
)
def test_a_password_in_the_file_is_not_repeated(tmp_path: Path, old: str, new: str) -> None:
    assert "geheim" not in "\n".join(mistakes_in(tmp_path, changed(old, new)))


def test_a_url_instead_of_a_variable_is_recognized(tmp_path: Path) -> None:
    (line,) = mistakes_in(tmp_path, changed('"FLIGHTS_URL"', '"postgresql://u:geheim@h/db"'))
    assert line.startswith("flights.toml:2:16: source.url_variable: this is the URL itself")


def test_where_only_contributed_records_are_exported_nothing_is_declared(tmp_path: Path) -> None:
    file = tmp_path / "dataset.toml"
    file.write_text("# nothing of our own\n")
    dataset = load_dataset(file)

    assert (dataset.url_variable, dataset.tables) == (None, {})
    with pytest.raises(NotFound, match="there is no table 'flights'; there are none"):
        dataset.table("flights")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"nowhere\.toml: there is no such file; write the dataset's"):
        load_dataset(tmp_path / "nowhere.toml")


def test_a_folder_is_no_declaration(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        load_dataset(tmp_path)


def test_a_file_that_is_not_utf_8_is_pointed_into(tmp_path: Path) -> None:
    file = tmp_path / "flights.toml"
    file.write_bytes(b"# Fl\xc3\xbcge\n# Fl\xfcge\n")
    with pytest.raises(InvalidRequest, match=r"flights\.toml:2:5: this is not UTF-8; save"):
        load_dataset(file)


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000, "a = " + "9" * 5_000], ids=["nesting", "digits"])
def test_what_python_will_not_read_is_refused(tmp_path: Path, text: str) -> None:
    assert mistakes_in(tmp_path, text)[0].startswith("flights.toml:1:1: ")


_numbers = itertools.count()
_fragments = st.sampled_from(
    ["[source]", "[tables]", "[tables.a]", "[[tables.a.columns]]", "[tables.a.columns]", "url_variable = ",
     "time_column = ", "order_by = ", "columns = ", "name = ", "type = ", "nullable = ", '"a"', '"A"', "'''",
     '"timestamp"', '["a"]', "[{}]", "{a.b = 1}", "3", "true", "1979-05-27", "\n", "\n", "# ü\n",
     '"\\u00e9" = ', "a.b."]
)  # fmt: skip


def is_read_or_refused(file: Path, text: str) -> bool:
    """Whether the text is a dataset with tables, or refused with lines that each name the file."""
    file.write_text(text, encoding="utf-8", newline="")
    try:
        dataset = load_dataset(file)
        return bool(dataset.tables) == (dataset.url_variable is not None)
    except InvalidRequest as error:
        return all(line.startswith(str(file)) for line in str(error).splitlines())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.lists(_fragments, max_size=30).map("".join)))
def test_any_text_is_a_dataset_or_a_refusal(tmp_path: Path, text: str) -> None:
    assert is_read_or_refused(tmp_path / f"{next(_numbers)}.toml", text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(0, len(FLIGHTS)),
    length=st.integers(0, 12),
    inserted=st.one_of(st.text(max_size=4), _fragments),
)
def test_any_slip_of_the_hand_is_a_dataset_or_a_refusal(
    tmp_path: Path, start: int, length: int, inserted: str
) -> None:
    text = FLIGHTS[:start] + inserted + FLIGHTS[start + length :]
    assert is_read_or_refused(tmp_path / f"{next(_numbers)}.toml", text)


def test_a_table_may_be_for_every_tenant(tmp_path: Path) -> None:
    file = tmp_path / "flights.toml"
    file.write_text(changed('tenant_column = "carrier"', "for_every_tenant = true"))
    table = load_dataset(file).table("flights")
    assert (table.tenant_column, table.for_every_tenant) == (None, True)
