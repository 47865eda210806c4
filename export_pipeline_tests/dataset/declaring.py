"""Declarations as files, and what is said of wrong ones."""

from pathlib import Path

import pytest

from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.errors import InvalidRequest

FLIGHTS = """\
[source]
url_variable = "FLIGHTS_URL"

[tables.flights]
relation = "ops.flights"
time_column = "time_hour"
order_by = ["time_hour", "carrier"]
tenant_column = "carrier"

[[tables.flights.columns]]
name = "time_hour"
display_name = "Scheduled Hour"
type = "timestamp"
nullable = false

[[tables.flights.columns]]
name = "carrier"
type = "string"
"""


def changed(old: str, new: str) -> str:
    """The declaration of the flights with one thing in it changed."""
    assert FLIGHTS.count(old) == 1, f"{old!r} does not name one place"
    return FLIGHTS.replace(old, new)


def mistakes_in(folder: Path, text: str) -> list[str]:
    """What is wrong in a declaration of that text, without the folder."""
    file = folder / "flights.toml"
    file.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(InvalidRequest) as caught:
        load_dataset(file)
    return str(caught.value).replace(f"{folder}/", "").splitlines()
