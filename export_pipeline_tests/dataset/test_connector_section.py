"""Connectors in a declaration: handed on as they are written, with the place of whatever is wrong."""

from pathlib import Path

import pytest

from export_pipeline.dataset.connector_section import ConnectorSection
from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.errors import InvalidRequest
from export_pipeline_tests.dataset.declaring import FLIGHTS, mistakes_in

LAKE = """
[connectors.lake]
type = "s3"
bucket = "acme-lake"
secret_access_key = {env = "LAKE_SECRET"}
"""
FIRST_LINE = FLIGHTS.count("\n") + 2  # of the connector, after an empty line


def lake(folder: Path, environ: dict[str, str] | None = None, text: str = LAKE) -> ConnectorSection:
    file = folder / "flights.toml"
    file.write_text(FLIGHTS + text)
    return load_dataset(file, environ or {}).connectors["lake"]


def test_a_connector_is_handed_on_as_it_is_written(tmp_path: Path) -> None:
    section = lake(tmp_path)

    assert (section.name, section.organization, section.type) == ("lake", None, "s3")
    assert section.values["secret_access_key"] == {"env": "LAKE_SECRET"}
    assert section.variables == ["LAKE_SECRET"]
    assert section.position.line == FIRST_LINE


def test_whose_it_is_is_no_part_of_its_configuration(tmp_path: Path) -> None:
    section = lake(tmp_path, text=LAKE + 'organization = "acme"\n')

    assert section.organization == "acme"
    assert "organization" not in section.values


def test_variables_are_looked_up_when_it_is_used(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    section = lake(tmp_path, environ)
    assert "hunter2" not in repr(section)

    section = lake(tmp_path, {"LAKE_SECRET": "hunter2"})

    assert section.filled() == {"type": "s3", "bucket": "acme-lake", "secret_access_key": "hunter2"}
    assert "hunter2" not in repr(section)


def test_a_variable_that_is_not_set_is_named_with_its_connector_and_its_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        lake(tmp_path).filled()

    assert str(caught.value) == (
        f"{tmp_path}/flights.toml:{FIRST_LINE + 3}:21: connectors.lake.secret_access_key:"
        " the environment variable LAKE_SECRET is not set"
    )


@pytest.mark.parametrize(
    ("field", "place"),
    [("bucket", "3:10"), ("store.path", "1:2"), (None, "1:2"), ("region", "1:2")],
    ids=["there", "below what is not there", "no field", "not there"],
)
def test_what_others_find_wrong_is_pointed_at(tmp_path: Path, field: str | None, place: str) -> None:
    line, column = map(int, place.split(":"))
    problem = InvalidRequest(f"{field}: is wrong" if field else "is wrong", field=field)

    with pytest.raises(InvalidRequest) as caught:
        lake(tmp_path).refuse(problem)

    named = f"connectors.lake.{field}" if field else "connectors.lake"
    assert str(caught.value) == (
        f"{tmp_path}/flights.toml:{FIRST_LINE + line - 1}:{column}: {named}: is wrong"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[connectors]\nlake = 3\n", "1:8: connectors.lake: has to be a table of keys, and is a number"),
        ("[[connectors]]\n", "0:3: connectors: has to be a table of keys, and is a list"),
        ('[connectors.lake]\nbucket = "b"\n', "0:2: connectors.lake: type is missing; write what it leads"),
        ("[connectors.lake]\ntype = 3\n", "1:8: connectors.lake.type: has to be text"),
        (
            '[connectors.lake]\ntype = "s3"\norganization = 3\n',
            "2:16: connectors.lake.organization: has to be text",
        ),
    ],
)
def test_what_is_no_connector_is_reported(tmp_path: Path, text: str, expected: str) -> None:
    line, _, rest = expected.partition(":")
    (found,) = mistakes_in(tmp_path, FLIGHTS + text)

    assert found.startswith(f"flights.toml:{FLIGHTS.count(chr(10)) + 1 + int(line)}:{rest}")
