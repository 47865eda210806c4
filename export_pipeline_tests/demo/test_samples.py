"""The samples: each can be declared, and their exports can be made."""

from importlib.resources import files
from pathlib import Path

import pytest

from export_pipeline.cli.dev import SampleName
from export_pipeline.control.exports import definition_from
from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.demo.samples import FLIGHTS, SAMPLES, SEARCHES, Sample
from export_pipeline.exports.plan import plan_of


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=list(SAMPLES))
def test_its_exports_fit_its_declaration(sample: Sample) -> None:
    dataset = load_dataset(Path(str(files("export_pipeline.demo") / sample.declaration)))
    for data in sample.exports.values():
        assert plan_of(definition_from(data), dataset)


def test_each_has_a_database_of_its_own() -> None:
    assert FLIGHTS.database == "flights.duckdb"
    assert SEARCHES.database == "searches.duckdb"


def test_the_command_line_knows_all_of_them() -> None:
    assert [name.value for name in SampleName] == [*SAMPLES]
