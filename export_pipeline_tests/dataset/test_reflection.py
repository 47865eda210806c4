from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from export_pipeline.dataset.reflection import Problem, check_against
from export_pipeline.dataset.tables import Dataset, Table
from export_pipeline_tests.builders import a_column

WHOLE = (
    "CREATE TABLE flights (time_hour TIMESTAMP NOT NULL, carrier VARCHAR(2) NOT NULL, delay SMALLINT,"
    " PRIMARY KEY (time_hour, carrier))"
)

FLIGHTS = Table(
    name="flights",
    relation="flights",
    columns=(
        a_column("time_hour", "timestamp", nullable=False),
        a_column("carrier", nullable=False),
        a_column("delay", "int16"),
    ),
    time_column="time_hour",
    order_by=("time_hour", "carrier"),
)


class Engine:
    """An empty database of one kind."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def is_duckdb(self) -> bool:
        return self.url.startswith("duckdb")

    def having(self, *statements: str) -> "Engine":
        if self.is_duckdb:
            with duckdb.connect(self.url.removeprefix("duckdb:///")) as connection:
                for statement in statements:
                    connection.execute(statement)
            return self
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.begin() as opened:
            for statement in statements:
                opened.exec_driver_sql(statement)
        return self

    def problems(self, *tables: Table) -> tuple[Problem, ...]:
        dataset = Dataset(url_variable="FLIGHTS_URL", tables={table.name: table for table in tables})
        return check_against(dataset, self.url)


@pytest.fixture(params=["duckdb", "sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "postgresql":
        yield Engine(request.getfixturevalue("postgres_database"))
    else:
        yield Engine(f"{request.param}:///{tmp_path / 'flights.db'}")


@pytest.fixture
def postgres(postgres_database: str) -> Engine:
    return Engine(postgres_database)


def places(problems: Sequence[Problem]) -> list[tuple[str, str]]:
    return [(problem.severity, problem.path) for problem in problems]


def declared(name: str, type_: str) -> Table:
    """The flights with one more column."""
    return replace(FLIGHTS, columns=(*FLIGHTS.columns, a_column(name, type_)))


def test_a_table_as_it_was_declared_has_no_problems(engine: Engine) -> None:
    assert engine.having(WHOLE).problems(FLIGHTS) == ()


def test_a_missing_table_is_an_error_with_the_nearest_name(engine: Engine) -> None:
    (problem,) = engine.having(WHOLE).problems(replace(FLIGHTS, relation="flihgts"))
    assert (problem.severity, problem.path) == ("error", "tables.flights.relation")
    assert "did you mean 'flights'?" in problem.message


def test_a_table_in_an_empty_database_is_missing(engine: Engine) -> None:
    (problem,) = engine.having(WHOLE, "DROP TABLE flights").problems(FLIGHTS)
    assert "no table or view 'flights'; there is none at all there" in problem.message


def test_a_missing_column_is_an_error_with_the_nearest_name(engine: Engine) -> None:
    (problem,) = engine.having(WHOLE).problems(declared("delya", "int16"))
    assert (problem.severity, problem.path) == ("error", "tables.flights.columns[3].name")
    assert "did you mean 'delay'?" in problem.message


@pytest.mark.parametrize("type_", ["boolean", "bytes"])
def test_a_type_that_cannot_become_the_declared_one_is_an_error_naming_both(
    engine: Engine, type_: str
) -> None:
    statements = (WHOLE, "ALTER TABLE flights ADD COLUMN note VARCHAR(9)")
    (problem,) = engine.having(*statements).problems(declared("note", type_))
    assert (problem.severity, problem.path) == ("error", "tables.flights.columns[3].type")
    assert "flights.note is varchar" in problem.message.lower()
    assert f"cannot become {type_}; declare it as " in problem.message
    assert "string or " in problem.message


@pytest.mark.parametrize(
    ("given", "type_"),
    [("SMALLINT", "int64"), ("BIGINT", "decimal(20,0)"), ("DOUBLE PRECISION", "float32"), ("DATE", "date"),
     ("NUMERIC(5,2)", "decimal(5,2)"), ("TIMESTAMP", "timestamp_local"), ("TIME", "time"),
     ("VARCHAR(36)", "uuid"), ("JSON", "json"), ("BOOLEAN", "boolean")],
)  # fmt: skip
def test_a_type_of_the_declared_ones_family_is_no_problem(engine: Engine, given: str, type_: str) -> None:
    statements = (WHOLE, f"ALTER TABLE flights ADD COLUMN extra {given}")
    assert engine.having(*statements).problems(declared("extra", type_)) == ()


def test_an_instant_cannot_become_a_wall_clocks_reading(postgres: Engine) -> None:
    statements = (WHOLE, "ALTER TABLE flights ADD COLUMN extra TIMESTAMPTZ")
    (problem,) = postgres.having(*statements).problems(declared("extra", "timestamp_local"))
    assert "cannot become timestamp_local; declare it as timestamp," in problem.message


@pytest.mark.parametrize(
    "type_", ["timestamp", "timestamp_local", "date", "time", "decimal(38,10)", "uint64"]
)
def test_text_in_sqlite_may_be_a_moment_or_a_number_of_many_digits(tmp_path: Path, type_: str) -> None:
    engine = Engine(f"sqlite:///{tmp_path / 'flights.db'}")
    statements = (WHOLE, "ALTER TABLE flights ADD COLUMN extra TEXT")
    assert engine.having(*statements).problems(declared("extra", type_)) == ()


@pytest.mark.parametrize("type_", ["int64", "float64", "boolean"])
def test_text_in_sqlite_is_no_number_that_fits_an_integer_or_a_float(tmp_path: Path, type_: str) -> None:
    """Nor does the export take it for one."""
    engine = Engine(f"sqlite:///{tmp_path / 'flights.db'}")
    statements = (WHOLE, "ALTER TABLE flights ADD COLUMN extra TEXT")
    problems = engine.having(*statements).problems(declared("extra", type_))
    assert places(problems) == [("error", "tables.flights.columns[3].type")]


def test_a_number_declared_as_json_is_a_warning(engine: Engine) -> None:
    statements = (WHOLE, "ALTER TABLE flights ADD COLUMN extra INTEGER")
    problems = engine.having(*statements).problems(declared("extra", "json"))
    assert places(problems) == [("warning", "tables.flights.columns[3].type")]


def test_a_column_that_may_be_null_but_is_declared_not_to_be_is_a_warning(engine: Engine) -> None:
    strict = replace(FLIGHTS, columns=(*FLIGHTS.columns[:2], a_column("delay", "int16", nullable=False)))
    problems = engine.having(WHOLE).problems(strict)
    assert places(problems) == [("warning", "tables.flights.columns[2].nullable")]


def test_an_order_without_a_key_is_a_warning(engine: Engine) -> None:
    problems = engine.having(WHOLE).problems(replace(FLIGHTS, order_by=("time_hour",)))
    assert places(problems) == [("warning", "tables.flights.order_by")]


def test_a_unique_index_makes_an_order_total(engine: Engine) -> None:
    keyless = WHOLE.replace(", PRIMARY KEY (time_hour, carrier)", "")
    statements = (keyless, "CREATE UNIQUE INDEX once ON flights (time_hour, carrier)")
    assert engine.having(*statements).problems(FLIGHTS) == ()


def test_a_unique_index_over_nullable_columns_makes_no_order_total(engine: Engine) -> None:
    keyless = WHOLE.replace(", PRIMARY KEY (time_hour, carrier)", "")
    statements = (keyless, "CREATE UNIQUE INDEX once ON flights (time_hour, delay)")
    problems = engine.having(*statements).problems(replace(FLIGHTS, order_by=("time_hour", "delay")))
    assert places(problems) == [("warning", "tables.flights.order_by")]


def test_a_unique_index_over_some_rows_makes_no_order_total(postgres: Engine) -> None:
    keyless = WHOLE.replace(", PRIMARY KEY (time_hour, carrier)", "")
    index = "CREATE UNIQUE INDEX once ON flights (time_hour, carrier) WHERE delay > 0"
    problems = postgres.having(keyless, index, "CREATE INDEX ON flights (time_hour)").problems(FLIGHTS)
    assert places(problems) == [("warning", "tables.flights.order_by")]


def test_a_time_without_an_index_is_a_warning_except_in_duckdb(engine: Engine) -> None:
    statement = WHOLE.replace("(time_hour, carrier)", "(carrier, time_hour)")
    expected = [] if engine.is_duckdb else [("warning", "tables.flights.time_column")]
    assert places(engine.having(statement).problems(FLIGHTS)) == expected


def test_a_view_is_asked_for_neither_keys_nor_not_null(engine: Engine) -> None:
    statements = (WHOLE, "CREATE VIEW departures AS SELECT * FROM flights")
    assert engine.having(*statements).problems(replace(FLIGHTS, relation="departures")) == ()


@pytest.mark.parametrize("kind", ["duckdb", "postgresql"])
def test_a_relation_is_looked_for_in_its_schema(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = (
        f"duckdb:///{tmp_path / 'f.db'}" if kind == "duckdb" else request.getfixturevalue("postgres_database")
    )
    engine = Engine(url).having("CREATE SCHEMA ops", WHOLE.replace("flights", "ops.flights"))
    assert engine.problems(replace(FLIGHTS, relation="ops.flights")) == ()
    assert places(engine.problems(FLIGHTS)) == [("error", "tables.flights.relation")]


@pytest.mark.parametrize("type_", ["INET", "INT[]", "INTERVAL", "TSVECTOR", "INT4RANGE", "MONEY", "XML"])
def test_odd_types_are_problems_and_no_exceptions(postgres: Engine, type_: str) -> None:
    statements = (WHOLE, f"ALTER TABLE flights ADD COLUMN extra {type_}")
    problems = postgres.having(*statements).problems(declared("extra", "int16"))
    assert [problem.path for problem in problems] == ["tables.flights.columns[3].type"]


def test_a_broken_view_is_a_problem_and_its_neighbour_is_still_checked(tmp_path: Path) -> None:
    engine = Engine(f"sqlite:///{tmp_path / 'flights.db'}")
    engine.having(WHOLE, "CREATE VIEW broken AS SELECT * FROM gone")
    broken = replace(FLIGHTS, name="broken", relation="broken")
    problems = engine.problems(broken, replace(FLIGHTS, name="other", relation="other"))
    assert places(problems) == [("error", "tables.broken"), ("error", "tables.other.relation")]


@pytest.mark.parametrize(
    "url",
    ["no url", "postgresql://u:geheim@127.0.0.1:1/db", "duckdb:////nowhere/geheim.db", "sqlite:////nowhere/x.db",
     "oracel://u:geheim@h/db", "postgresql://u:geheim@h:port/db"],
)  # fmt: skip
def test_a_database_that_cannot_be_reached_is_one_error_without_the_password(url: str) -> None:
    (problem,) = Engine(url).problems(FLIGHTS)
    assert (problem.severity, problem.path) == ("error", "source")
    assert "u:geheim" not in problem.message
    assert ";" in problem.message


def test_looking_at_a_sqlite_file_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    file = tmp_path / "flights.db"
    Engine(f"sqlite:///{file}").problems(FLIGHTS)
    assert not file.exists()


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "flights.db"
    file.write_bytes(b"no database at all\n" * 300)
    (problem,) = Engine(f"{kind}:///{file}").problems(FLIGHTS)
    assert problem.severity == "error"
