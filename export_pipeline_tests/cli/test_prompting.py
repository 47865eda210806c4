"""A person at the terminal is asked for a configuration, and secrets are not shown."""

import json
from collections.abc import Mapping

import pytest

from export_pipeline.connectors.connector import CONNECTOR_TYPES
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline.connectors.secret import reveal
from export_pipeline.store.connectors import list_connectors
from export_pipeline.store.database import reading
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.terminals import converse
from export_pipeline_tests.installations import Installation

SECRET = "hunter2hunter2"
GIVEN = {
    "bucket": "sales",
    "endpoint_url": "http://127.0.0.1:9",
    "access_key_id": "AKIAEXAMPLE",
    "secret_access_key": SECRET,
}


def answers(given: Mapping[str, str], type_: str = "s3") -> list[tuple[str, str]]:
    return [
        (f"{name} (", given.get(name, "")) for name in CONNECTOR_TYPES[type_].model_fields if name != "type"
    ]


def test_a_connector_is_made_by_answering(environ: Mapping[str, str], installation: Installation) -> None:
    arguments = ["connector", "create", "sales", "--type", "s3", "--no-check"]

    code, screen = converse(arguments, environ, answers(GIVEN))

    assert code == 0, screen
    assert "made the s3 connector sales" in screen
    assert SECRET not in screen
    ((id_, config),) = stored(installation).items()
    assert id_
    assert config == {"region": "us-east-1", "prefix": "", **GIVEN}


def test_a_connector_is_replaced_by_answering_what_differs(
    environ: Mapping[str, str], call_cli: CallCli, installation: Installation
) -> None:
    given = json.dumps({"type": "s3", "region": "eu-central-1", **GIVEN}).encode()
    call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=given)

    code, screen = converse(
        ["connector", "replace", "sales", "--no-check"], environ, answers({"prefix": "daily"})
    )

    assert code == 0, screen
    assert "[eu-central-1]" in screen
    (config,) = stored(installation).values()
    assert config == {"region": "eu-central-1", "prefix": "daily", **GIVEN}


def test_a_part_is_asked_for_where_it_is_wanted(
    environ: Mapping[str, str], installation: Installation
) -> None:
    arguments = ["connector", "create", "sales", "--type", "s3", "--no-check"]
    reader = {"read.access_key_id": "AKIAREADER", "read.secret_access_key": "reader-reader"}
    asked = [(f"read.{name} (", reader.get(f"read.{name}", "")) for name in S3Credentials.model_fields]
    given = []
    for question, answer in answers(GIVEN):
        given += [(question, "y"), *asked] if question == "read (" else [(question, answer)]

    code, screen = converse(arguments, environ, given)

    assert code == 0, screen
    assert "reader-reader" not in screen
    (config,) = stored(installation, "read").values()
    assert config["read"]["access_key_id"] == "AKIAREADER"  # type: ignore[index]


@pytest.mark.parametrize("type_", sorted(set(CONNECTOR_TYPES) - {"direct_download"}))
def test_the_fields_of_every_type_are_asked_for(type_: str, environ: Mapping[str, str]) -> None:
    fields = CONNECTOR_TYPES[type_].model_fields
    hidden = [name for name, field in fields.items() if "Secret" in repr(field)]
    arguments = ["connector", "create", "sales", "--type", type_, "--json"]

    code, screen = converse(arguments, environ, answers({}, type_))

    assert (code, "is missing" in screen or "must" in screen or "should" in screen) == (2, True), screen
    assert [name for name in fields if f"{name} (" not in screen] == ["type"]
    assert screen.count("not shown") == len(hidden)


def stored(installation: Installation, *more: str) -> dict[str, dict[str, object]]:
    """The connectors but the one that is always there, by id: what was given of each configuration."""
    with reading(installation.deployment.control) as connection:
        ids = [one.id for one in list_connectors(connection, "default") if not one.always_there]
    configs = {id_: json.loads(reveal(installation.deployment.connector(id_))) for id_ in ids}
    return {
        id_: {name: config[name] for name in ("region", "prefix", *GIVEN, *more)}
        for id_, config in configs.items()
    }
