"""The samples there are: made-up or real rows, their declaration, and exports to begin with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export_pipeline.demo import flights, searches


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a demo's folder is filled with. `load` makes the database and counts its rows per table."""

    name: str
    load: Callable[[Path], dict[str, int]]
    exports: Mapping[str, Mapping[str, Any]]

    @property
    def database(self) -> str:
        """The name of the database's file."""
        return f"{self.name}.duckdb"

    @property
    def declaration(self) -> str:
        """The name of the declaration's file in this folder."""
        return f"{self.name}.toml"


FLIGHTS = Sample(
    name="flights",
    load=flights.load,
    exports={
        "flights": {
            "tables": [
                {
                    "name": "flights",
                    "columns": ["time_hour", "carrier", "flight", "tailnum", "origin", "dest", "dep_delay"],
                }
            ],
            "filter": "origin IN ['JFK', 'LGA'] AND dep_time IS NOT NULL",
            "format": {"type": "csv", "compression": "gzip"},
            "subdirectory": "flights",
            "first_hour": "2013-01-01T00:00:00Z",
            "until": "2014-01-01T05:00:00Z",
        },
        "weather": {
            "tables": [{"name": "weather"}],
            "format": {"type": "parquet"},
            "subdirectory": "weather",
            "first_hour": "2013-01-01T00:00:00Z",
            "until": "2014-01-01T05:00:00Z",
        },
    },
)

# What is wanted of it is asked for through the API.
SEARCHES = Sample(name="searches", load=searches.load, exports={})

SAMPLES = {sample.name: sample for sample in (FLIGHTS, SEARCHES)}
