"""The databases that readers read, each with the same logical table. A new one: one module, one line here."""

from collections.abc import Mapping

from export_pipeline_tests.extract.engines.duckdb import DUCKDB
from export_pipeline_tests.extract.engines.engine import Engine, EngineKind, Lent, Native, Refused
from export_pipeline_tests.extract.engines.mariadb import MARIADB
from export_pipeline_tests.extract.engines.postgresql import POSTGRESQL
from export_pipeline_tests.extract.engines.sqlite import SQLITE

ENGINES: Mapping[str, EngineKind] = {kind.name: kind for kind in (DUCKDB, SQLITE, POSTGRESQL, MARIADB)}

__all__ = ["ENGINES", "Engine", "EngineKind", "Lent", "Native", "Refused"]
