"""The same control databases as in the store's tests."""

from export_pipeline_tests.store.conftest import control as control
from export_pipeline_tests.store.conftest import shared_postgres as shared_postgres
