"""Connectors as Dagster's resources, for people's own assets too. They name a connector and hold no secret.

Dagster shows and stores what a resource is configured with: so that is a name, and the credentials stay where
they are kept until the connector is opened.
"""

import types
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import dagster as dg
from pydantic import Field

from export_pipeline.connectors.connector import CONNECTOR_TYPES, ConnectorConfig
from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.lifecycle import ConnectorState, actions_in
from export_pipeline.deployment import open_deployment
from export_pipeline.errors import InvalidRequest, WrongState
from export_pipeline.orchestration.names import connector_resource_name
from export_pipeline.settings import Settings
from export_pipeline.store.connectors import StoredConnector, find_connector
from export_pipeline.store.database import reading

# Dagster copies every resource into every job, 2 kB each time: so many take half a second to load.
MOST_COPIES = 5_000


class ConnectorResource(dg.ConfigurableResource["ConnectorResource"]):
    """A connector of the deployment that this process's environment names, by its name."""

    takes: ClassVar[str | None] = None  # the type of connector; None: any

    connector: str = Field(description="The connector's name.")
    organization: str | None = Field(
        default=None, description="Whose connector it is; default: EXPORT_PIPELINE_ORGANIZATION."
    )

    def __init__(self, **fields: Any) -> None:
        if unknown := sorted(fields.keys() - type(self).model_fields.keys()):
            raise InvalidRequest(
                f"{unknown[0]}: {type(self).__name__} has no such field: a resource names a connector, whose"
                f' address and credentials are kept with it; write {type(self).__name__}(connector="...")',
                field=unknown[0],
            )
        super().__init__(**fields)

    def open(self) -> Destination:
        """Where the connector leads: written with its credentials for writing, read with those for reading.

        WrongState while files may not go through it.
        """
        return self.config().open()

    def config(self) -> ConnectorConfig:
        """The connector's configuration as it is now; its credentials are hidden but in what is opened."""
        settings = Settings()
        deployment = open_deployment(settings)
        try:
            with reading(deployment.control) as connection:
                stored = find_connector(
                    connection, self.organization or settings.organization, self.connector
                )
            self._check(deployment.checked_if_new(stored))
            return deployment.connector(stored.id)
        finally:
            deployment.close()

    def _check(self, stored: StoredConnector) -> None:
        if self.takes not in (None, stored.type):
            raise InvalidRequest(
                f"connector: {stored.name!r} is of the type {stored.type}, and {type(self).__name__} takes"
                f" {self.takes} alone; name another, or use ConnectorResource, which takes any",
                field="connector",
            )
        if stored.state is not ConnectorState.RUNNING:
            raise WrongState(
                f"connector {stored.name!r} is {stored.state}, and files go through a RUNNING one only:"
                f" {stored.reason}",
                state=stored.state,
                allowed=tuple(actions_in(stored.state)),
            )


def _class_for(type_: str) -> type[ConnectorResource]:
    name = "".join(word.capitalize() for word in type_.split("_"))
    described = {
        "__module__": __name__,
        "__doc__": f"A connector of the type {type_}, by its name.",
        "__annotations__": {"takes": ClassVar[str | None]},
        "takes": type_,
    }
    made: type[ConnectorResource] = types.new_class(
        f"{name}Connector", (ConnectorResource,), exec_body=lambda body: body.update(described)
    )
    return made


# A class for each type of connector there is: what Dagster shows of one is the name of its class.
CONNECTOR_RESOURCES: Mapping[str, type[ConnectorResource]] = {
    type_: _class_for(type_) for type_ in CONNECTOR_TYPES
}


def no_fields_of(resource: type[dg.ConfigurableResource[Any]]) -> dict[str, Any]:
    """Annotations for a class made of `resource` that take all its fields away: nobody can set them then."""
    return dict.fromkeys(resource.model_fields, ClassVar[None])


def connector_resources(connectors: Sequence[StoredConnector], *, jobs: int) -> dict[str, ConnectorResource]:
    """A resource for each connector, by its name in Dagster. Nothing is opened or decrypted for it.

    None where there are too many: they are there to be looked at, no job of ours needs one.
    """
    if len(connectors) * jobs > MOST_COPIES:
        return {}
    return {
        connector_resource_name(one.organization, one.name): CONNECTOR_RESOURCES[one.type](
            connector=one.name, organization=one.organization
        )
        for one in connectors
    }
