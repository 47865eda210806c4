"""Connectors that the dataset's declaration holds. Stored is their name; all else is read where it stands."""

import hashlib
import json

import sqlalchemy as sa

from export_pipeline.connectors.connector import ConnectorConfig, config_from, without_secrets
from export_pipeline.dataset.connector_section import ConnectorSection
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import DEFAULT_ORGANIZATION
from export_pipeline.store.connectors import StoredConnector, connector_config
from export_pipeline.store.encryption import SecretKey


def config_of(
    connection: sa.Connection, key: SecretKey, dataset: Dataset, connector: StoredConnector
) -> ConnectorConfig:
    """A connector's configuration, credentials and all, wherever it is kept."""
    if connector.declared:
        return declared_config(dataset, connector)
    return connector_config(connection, key, connector.id)


def declared_config(dataset: Dataset, connector: StoredConnector) -> ConnectorConfig:
    """The configuration that the declaration gives, with the values of environment variables.

    InvalidRequest names the file, the line and the field; or says that it is declared no more.
    """
    section = dataset.connectors.get(connector.name)
    if section is None or organization_of(section) != connector.organization:
        raise InvalidRequest(
            f"connector {connector.name!r} is no longer declared beside the dataset, so its exports cannot go"
            f" on: declare it again, as [connectors.{connector.name}], or delete them"
        )
    return section_config(section)


def section_config(section: ConnectorSection) -> ConnectorConfig:
    """The same, of what the declaration says of one connector."""
    filled = section.filled()
    try:
        return config_from(filled)
    except InvalidRequest as error:
        problem = error
    section.refuse(problem)


def digest_of(section: ConnectorSection) -> str:
    """What tells a declaration from one that was edited: all that is written there, but for secrets.

    Of what stands in the environment it knows the variables' names. Nobody finds a secret by it.
    """
    written = without_secrets(section.type, section.values)
    return hashlib.sha256(json.dumps(written, sort_keys=True, default=str).encode()).hexdigest()


def organization_of(section: ConnectorSection) -> str:
    """Whose connector it is."""
    return DEFAULT_ORGANIZATION if section.organization is None else section.organization
