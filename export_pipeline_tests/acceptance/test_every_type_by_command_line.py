"""Each type of connector once, by the commands a customer types: from a file of credentials to the proof."""

import json

import pytest

from export_pipeline.connectors.connector import CONNECTOR_TYPES, ConnectorConfig
from export_pipeline_tests.acceptance.commands import file_of, receipt_of, shell
from export_pipeline_tests.buckets import connector as stored_connector
from export_pipeline_tests.connectors.conftest import (  # noqa: F401
    azure_connector,
    direct_download_connector,
    folder_connector,
    gcs_connector,
    http_connector,
    s3_connector,
)
from export_pipeline_tests.connectors.objects import keys, read
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours

HOUR = hours(0, 0)[0]
FILE, RECEIPT = file_of("events", HOUR), receipt_of("events", HOUR)


# One of them by default, as each takes a quarter of a minute.
@pytest.mark.parametrize(
    "type_",
    [pytest.param(type_, marks=[] if type_ == "s3" else pytest.mark.slow) for type_ in CONNECTOR_TYPES],
)
def test_an_hour_arrives_and_is_proven(
    installation: Installation, request: pytest.FixtureRequest, type_: str
) -> None:
    config: ConnectorConfig = request.getfixturevalue(f"{type_}_connector")
    customer = shell(installation)
    customer.connector("acme", config)
    assert "ok      delete: The object was deleted again." in customer.export_pipeline(
        "connector", "check", "acme"
    )
    customer.export("events", "acme")

    customer.deliver("events", HOUR)

    there = installation.deployment.connector(stored_connector(installation, "acme").id).open()
    assert keys(there) == [FILE, RECEIPT]
    assert len(read(there, FILE).splitlines()) == 1 + ROWS_PER_HOUR
    (file,) = json.loads(read(there, RECEIPT))["payload"]["files"]
    assert (file["key"], file["rows"], file["bytes"]) == (FILE, ROWS_PER_HOUR, len(read(there, FILE)))
    verified = json.loads(customer.export_pipeline("verify", "events", "--json"))
    assert verified["ok"]
    assert [(one["hours"], one["rows"]) for one in verified["exports"]] == [(1, ROWS_PER_HOUR)]
