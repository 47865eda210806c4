"""Connectors' configurations, where those who ask are not those who wrote them."""

import logging

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.deployment import Deployment
from export_pipeline.errors import InvalidRequest, TransientFailure

LOG = logging.getLogger("export_pipeline.api")


def configured(deployment: Deployment, id_: str) -> ConnectorConfig:
    """A connector's configuration. TransientFailure where a document of the operator's that it stands in
    cannot be used: what is wrong with that, and where it lies, is not for customers.
    """
    try:
        return deployment.connector(id_)
    except InvalidRequest as error:
        LOG.error("the connector %s cannot be used: %s", id_, error)  # noqa: TRY400
    raise TransientFailure("the operator has to correct how this connector is configured; ask again then")
