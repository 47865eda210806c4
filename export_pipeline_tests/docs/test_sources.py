"""docs/sources.md: its tables are what the behaviour suite of the readers tests.

`python -m export_pipeline_tests.docs.test_sources` prints them as they have to be.
"""

from collections.abc import Iterator
from datetime import datetime

import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.extract.schema import ARROW_TYPES
from export_pipeline_tests.docs.pages import page, tables
from export_pipeline_tests.extract.engines import ENGINES, EngineKind, Native, Refused

ORDER = ("postgresql", "mariadb", "sqlite", "duckdb")


def kinds() -> Iterator[list[str]]:
    """For each type that is declared: what it is in each database, and in Arrow."""
    for kind in Kind:
        declared = "decimal(p,s)" if kind is Kind.DECIMAL else kind.value
        arrow = "decimal128(p, s)" if kind is Kind.DECIMAL else str(ARROW_TYPES[kind])
        yield [declared, *(ENGINES[name].types[kind] for name in ORDER), arrow]


def natives(engine: EngineKind) -> Iterator[list[str]]:
    """For each type of the engine's own that the suite tests: an example, declared as what, what arrives."""
    for native in engine.natives:
        yield [native.type, native.value, native.declared, arriving(native)]


def arriving(native: Native) -> str:
    match native.arrives:
        case Refused():
            return "refused"
        case bool():
            return str(native.arrives).lower()
        case datetime():
            return native.arrives.strftime("%Y-%m-%dT%H:%M:%SZ")
        case bytes():
            return native.arrives.hex(" ")
        case _:
            return str(native.arrives)


def shown(cells: list[str]) -> str:
    return "| " + " | ".join(f"`{cell}`" if cell != "refused" else cell for cell in cells) + " |"


@pytest.fixture
def found() -> list[list[list[str]]]:
    return tables(page("sources.md"))


def test_each_type_is_called_what_the_page_calls_it(found: list[list[list[str]]]) -> None:
    assert found[2] == list(kinds())


@pytest.mark.parametrize("number", range(len(ORDER)), ids=ORDER)
def test_what_arrives_of_an_engines_own_types_is_what_the_page_says(
    found: list[list[list[str]]], number: int
) -> None:
    there = [[cell.strip() for cell in row] for row in found[3 + number]]
    assert there == [[cell.strip() for cell in row] for row in natives(ENGINES[ORDER[number]])]


def test_every_engine_of_the_suite_is_on_the_page() -> None:
    assert set(ORDER) == set(ENGINES)


if __name__ == "__main__":
    print("\n".join(map(shown, kinds())))
    for name in ORDER:
        print(f"\n{name}\n" + "\n".join(map(shown, natives(ENGINES[name]))))
