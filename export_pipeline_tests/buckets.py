"""Exports through a bucket of a real server, whose connector was checked and is running."""

from dataclasses import dataclass

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.control.connectors import create_connector
from export_pipeline.exports.export import Export
from export_pipeline.store.connectors import StoredConnector, find_connector
from export_pipeline.store.database import reading, writing
from export_pipeline_tests.installations import Installation
from export_pipeline_tests.servers.fault_proxy import Fault, Request
from export_pipeline_tests.servers.s3 import S3Server

CONNECTOR = "acme-bucket"


@dataclass(slots=True)
class Switch:
    """A plan of a proxy: nobody answers while it is off."""

    on: bool = True

    def __call__(self, _request: Request) -> Fault | None:
        return None if self.on else Fault.RESET


def connector_to(installation: Installation, bucket: S3Config, *, name: str = CONNECTOR) -> StoredConnector:
    """The bucket as a connector of the installation, checked."""
    deployment = installation.deployment
    secret = bucket.secret_access_key
    assert secret is not None
    config = bucket.model_dump(exclude_none=True) | {"secret_access_key": secret.get_secret_value()}
    with writing(deployment.control) as connection:
        create_connector(connection, deployment.secret_key, organization="default", name=name, config=config)
    check(installation, name)
    running = connector(installation, name)
    assert running.state is ConnectorState.RUNNING, running.reason
    return running


def export_through(installation: Installation, bucket: S3Config, slug: str = "events") -> Export:
    """An export through a connector to the bucket."""
    connector_to(installation, bucket)
    return installation.export(slug, connector=CONNECTOR)


def connector(installation: Installation, name: str = CONNECTOR) -> StoredConnector:
    """The connector as it is now."""
    with reading(installation.deployment.control) as connection:
        return find_connector(connection, "default", name)


def check(installation: Installation, name: str = CONNECTOR) -> None:
    """Check the connector now."""
    installation.deployment.check(connector(installation, name))


def remove(server: S3Server, bucket: str) -> None:
    """Take the bucket away with all that is in it."""
    client = server.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for stored in page.get("Contents", []):
            client.delete_object(Bucket=bucket, Key=stored["Key"])
    client.delete_bucket(Bucket=bucket)
