"""What the audit log shows of each kind of thing, and that it shows no secret."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipeline.control.connectors import create_connector, delete_connector, replace_connector
from export_pipeline.control.exports import create_export, delete_export
from export_pipeline.control.keys import create_key, revoke_key, rotate_key
from export_pipeline.control.organizations import create_organization
from export_pipeline.control.tasks import create_task
from export_pipeline.control.tenants import give_tenant, take_tenant
from export_pipeline.store.audit import AuditEntry, audit_page
from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import SecretKey, secret_key
from export_pipeline.store.pages import PageRequest
from export_pipeline_tests.builders import a_dataset, a_definition, moment

BUCKET = {"type": "s3", "bucket": "acme", "access_key_id": "id", "secret_access_key": "hunter2"}


@pytest.fixture
def key(tmp_path: Path) -> SecretKey:
    return secret_key(None, tmp_path / "secret.key")


@pytest.fixture
def acme(control: sa.Engine, key: SecretKey) -> sa.Engine:
    with writing(control) as connection:
        create_organization(connection, key, "acme")
    return control


def log(control: sa.Engine) -> list[AuditEntry]:
    """The oldest first, without the organization's own."""
    with reading(control) as connection:
        return [*reversed(audit_page(connection, "acme", PageRequest()).items)][1:]


def test_a_connectors_configuration_is_shown_and_its_secret_is_not(acme: sa.Engine, key: SecretKey) -> None:
    with writing(acme) as connection:
        create_connector(connection, key, organization="acme", name="lake", config=BUCKET)
        replace_connector(
            connection,
            key,
            organization="acme",
            name="lake",
            config=BUCKET | {"bucket": "acme-2"} | {"secret_access_key": "hunter3"},
        )
        delete_connector(connection, "acme", "lake")

    made, replaced, deleted = log(acme)
    assert made.before is None
    assert made.after is not None
    assert (made.after["type"], made.after["state"], made.after["config"]["bucket"]) == (
        "s3",
        "STARTING",
        "acme",
    )
    assert replaced.before == made.after
    assert replaced.after is not None
    assert replaced.after["config"]["bucket"] == "acme-2"
    assert deleted.after is None
    assert "hunter" not in str((made, replaced, deleted))


def test_an_exports_definition_and_a_tasks_range_are_shown(acme: sa.Engine, key: SecretKey) -> None:
    with writing(acme) as connection:
        create_connector(connection, key, organization="acme", name="lake", config=BUCKET)
        create_export(
            connection,
            key,
            a_dataset(),
            organization="acme",
            slug="flights",
            connector="lake",
            definition=a_definition(),
        )
        since, until = moment("2013-01-01 00:00"), moment("2013-01-01 05:00")
        task = create_task(connection, organization="acme", export="flights", since=since, until=until)
        delete_export(connection, "acme", "flights")

    _, made, asked, deleted = log(acme)
    assert made.after is not None
    assert (made.subject, made.after["connector"], made.after["paused"]) == ("flights", "lake", False)
    assert made.after["definition"]["tables"][0]["name"] == "flights"
    assert asked.after is not None
    assert (asked.subject, asked.after["export"], asked.after["since"]) == (
        task.id,
        "flights",
        "2013-01-01T00:00:00+00:00",
    )
    assert (deleted.before, deleted.after) == (made.after, None)


def test_what_a_key_allows_is_shown_and_its_text_is_not(acme: sa.Engine) -> None:
    expires = datetime.now(UTC) + timedelta(days=1)
    with writing(acme) as connection:
        new = create_key(
            connection, organization="acme", name="nightly", privileges=["admin"], expires_at=expires
        )
        newer = rotate_key(connection, "acme", new.key.id, grace=timedelta(0))
        revoke_key(connection, "acme", newer.key.id)

    entries = log(acme)
    made, made_anew, rotated, revoked = entries
    assert (made.subject, made_anew.subject) == (new.key.id, newer.key.id)
    assert made.after is not None
    assert (made.after["privileges"], made.after["expires_at"]) == (["admin"], expires.isoformat())
    assert (rotated.action, rotated.before) == ("key.rotate", made.after)
    assert rotated.after != rotated.before
    assert revoked.after is not None
    assert revoked.after["revoked_at"]
    assert new.text not in str(entries)
    assert newer.text not in str(entries)


def test_the_tenants_that_an_organization_has_are_shown(acme: sa.Engine) -> None:
    with writing(acme) as connection:
        give_tenant(connection, "acme", "a-license")
        take_tenant(connection, "acme", "a-license")

    given, taken = log(acme)
    assert (given.before, given.after) == ({"tenants": []}, {"tenants": ["a-license"]})
    assert (taken.before, taken.after) == (given.after, given.before)
