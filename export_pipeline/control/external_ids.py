"""The external id by which a customer's role knows for whom of our customers it is taken on."""

import sqlalchemy as sa

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline.errors import InvalidRequest
from export_pipeline.store.organizations import external_id_of


def with_external_id(
    connection: sa.Connection, organization: str, config: ConnectorConfig
) -> ConnectorConfig:
    """A customer's configuration whose roles are taken on with the organization's external id.

    Every customer's role trusts the same identity, ours. Who could choose the external id could name the role
    of another customer and have us write there. InvalidRequest if another one is given.
    """
    if not isinstance(config, S3Config):
        return config
    ours = [above for above, who in (("", config), ("read.", config.read)) if who and _in_our_name(who)]
    if not ours:
        return config
    external_id = external_id_of(connection, organization)
    changes: dict[str, object] = {}
    for above in ours:
        who = config.read if above else config
        assert who is not None
        if who.external_id not in (None, external_id):
            field = f"{above}external_id"
            raise InvalidRequest(
                f"{field}: your organization's is {external_id}, and no other can be chosen: it keeps others"
                " from using your role through us; leave it out, and put that one into the trust policy",
                field=field,
            )
        if above:
            changes["read"] = who.model_copy(update={"external_id": external_id})
        else:
            changes["external_id"] = external_id
    return config.model_copy(update=changes)


def _in_our_name(who: S3Credentials) -> bool:
    return who.role_arn is not None and who.access_key_id is None
