"""Who changed what: noted with the change, or not at all."""

import getpass

import pytest
import sqlalchemy as sa

from export_pipeline.control.audit import Actor, acting, actor_of
from export_pipeline.control.filters import create_filter, delete_filter, replace_filter
from export_pipeline.control.organizations import create_organization
from export_pipeline.errors import ExportPipelineError
from export_pipeline.store.audit import AuditEntry, audit_page
from export_pipeline.store.database import reading, writing
from export_pipeline.store.pages import PageRequest
from export_pipeline_tests.builders import a_dataset
from export_pipeline_tests.control_databases import KEY

NIGHTLY = Actor(kind="key", id="key-1", name="nightly", request_id="request-1")


@pytest.fixture
def acme(control: sa.Engine) -> sa.Engine:
    with writing(control) as connection:
        create_organization(connection, KEY, "acme")
    return control


def log(control: sa.Engine) -> list[AuditEntry]:
    """The oldest first."""
    with reading(control) as connection:
        return [*reversed(audit_page(connection, "acme", PageRequest()).items)]


def test_a_change_is_noted_with_what_was_and_what_is(acme: sa.Engine) -> None:
    with writing(acme) as connection:
        create_filter(connection, organization="acme", name="big", text="distance > 100")
        replace_filter(connection, a_dataset(), organization="acme", name="big", text="distance > 200")
        delete_filter(connection, "acme", "big")

    assert [(one.action, one.subject, one.before, one.after) for one in log(acme)] == [
        ("organization.create", "acme", None, {}),
        ("filter.create", "big", None, {"text": "distance > 100"}),
        ("filter.replace", "big", {"text": "distance > 100"}, {"text": "distance > 200"}),
        ("filter.delete", "big", {"text": "distance > 200"}, None),
    ]


def test_without_a_name_it_is_whoever_runs_the_process(acme: sa.Engine) -> None:
    (made,) = log(acme)
    assert (made.actor_kind, made.actor_id, made.actor_name) == ("user", None, getpass.getuser())
    assert made.request_id is None


def test_who_is_named_is_noted_and_their_request(acme: sa.Engine) -> None:
    with writing(acting(acme, NIGHTLY)) as connection:
        create_filter(connection, organization="acme", name="big", text="distance > 100")
        assert actor_of(connection) == NIGHTLY

    made = log(acme)[-1]
    assert (made.actor_kind, made.actor_id, made.actor_name) == ("key", "key-1", "nightly")
    assert made.request_id == "request-1"
    with reading(acme) as connection:
        assert actor_of(connection).kind == "user"  # nobody else is taken for them


def test_what_is_refused_or_undone_is_not_noted(acme: sa.Engine) -> None:
    before = log(acme)
    with pytest.raises(ExportPipelineError), writing(acme) as connection:
        create_filter(connection, organization="acme", name="big", text="distance >")
    with acme.connect() as connection:
        create_filter(connection, organization="acme", name="big", text="distance > 1")
        connection.rollback()
    assert log(acme) == before
