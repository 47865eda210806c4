"""What people may do with connectors: every refusal names the field and stores nothing."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.secret import reveal
from export_pipeline.control.connectors import (
    check_connector,
    create_connector,
    delete_connector,
    fail_connector,
    replace_connector,
    start_connector,
    stop_connector,
    try_connector_again,
)
from export_pipeline.control.exports import create_export, delete_export
from export_pipeline.control.requests import request_export
from export_pipeline.control.tasks import show_task
from export_pipeline.errors import AlreadyExists, InUse, InvalidRequest, NotFound, WrongState
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.store.claims import claim, release
from export_pipeline.store.connector_states import last_check, note_check, settle_stopping
from export_pipeline.store.connectors import (
    StoredConnector,
    add_connector,
    connector_config,
    find_connector,
    list_connectors,
)
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import PROBES
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION, a_dataset, a_definition, an_s3_connector
from export_pipeline_tests.connectors.objects import keys, put
from export_pipeline_tests.control_databases import KEY
from export_pipeline_tests.servers.gcs import GcsServer
from export_pipeline_tests.servers.s3 import S3Server, moto_user

SECRET = str(an_s3_connector()["secret_access_key"])


@pytest.fixture(autouse=True)
def _organization(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, ORGANIZATION)


def create(
    control: sa.Engine, name: str = "bucket", config: Mapping[str, Any] | None = None
) -> StoredConnector:
    with writing(control) as connection:
        return create_connector(
            connection, KEY, organization=ORGANIZATION, name=name, config=config or an_s3_connector()
        )


def delete(control: sa.Engine, name: str, *, organization: str = ORGANIZATION) -> StoredConnector:
    with writing(control) as connection:
        return delete_connector(connection, organization, name)


def names(control: sa.Engine) -> list[str]:
    with reading(control) as connection:
        return [connector.name for connector in list_connectors(connection, ORGANIZATION)]


def exporting(control: sa.Engine, connector: str, slug: str = "flights", **changes: Any) -> Export:
    with writing(control) as connection:
        return create_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            slug=slug,
            connector=connector,
            definition=a_definition(**changes),
        )


def a_direct_download(control: sa.Engine, state: ConnectorState = ConnectorState.RUNNING) -> StoredConnector:
    config = DirectDownloadConfig(store=FolderConfig(path=Path("/srv/downloads")))
    with writing(control) as connection:
        return add_connector(connection, KEY, ORGANIZATION, "direct_download", config, state=state)


def test_a_connector_is_stored_under_its_name(control: sa.Engine) -> None:
    stored = create(control)

    with reading(control) as connection:
        assert find_connector(connection, ORGANIZATION, "bucket") == stored
        assert connector_config(connection, KEY, stored.id).location == "s3://acme-exports"


@pytest.mark.parametrize(
    "name",
    ["", "a", "Bucket", "1-bucket", "my_bucket", "my bucket", "bucket\n", "../bucket", "b" * 64, "büro"],
)
def test_a_name_that_cannot_be_is_refused(control: sa.Engine, name: str) -> None:
    with pytest.raises(InvalidRequest, match="2 to 63 of a-z, 0-9 and -, one of a-z first") as caught:
        create(control, name)

    assert caught.value.field == "name"
    assert names(control) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "ftp"}, "type"),
        ({"bucket": "s3://acme"}, "bucket"),
        ({"colour": "red"}, "colour"),
        ({"prefix": "../other"}, "prefix"),
        ({"endpoint_url": "not a url"}, "endpoint_url"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    control: sa.Engine, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        create(control, config=an_s3_connector(**changes))

    assert caught.value.field == field
    assert field in str(caught.value)
    assert names(control) == []


def test_a_refusal_does_not_show_the_secret(control: sa.Engine) -> None:
    config = an_s3_connector(bucket="s3://acme")

    with pytest.raises(InvalidRequest) as caught:
        create(control, config=config)

    assert config["secret_access_key"] not in str(caught.value) + repr(caught.value.__cause__)


def test_a_name_is_given_once(control: sa.Engine) -> None:
    create(control)

    with pytest.raises(AlreadyExists):
        create(control, config=an_s3_connector(bucket="second"))

    assert names(control) == ["bucket"]


@pytest.mark.parametrize("fields", [{"store": {"type": "folder", "path": "/etc"}}, {"row_limit": 10**9}])
def test_nobody_says_where_a_direct_download_leads(control: sa.Engine, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="is for the operator to say") as caught:
        create(control, config={"type": "direct_download", **fields})

    assert caught.value.field == next(iter(fields))
    assert names(control) == []


def test_another_direct_download_lives_as_other_connectors_do(control: sa.Engine) -> None:
    a_direct_download(control)
    stored = create(control, config={"type": "direct_download"})
    create(control, "second")

    assert replace(control, {"type": "direct_download"}, "second").type == "direct_download"
    assert replace(control, an_s3_connector(), "second").type == "s3"
    with writing(control) as connection:
        assert stop_connector(connection, ORGANIZATION, "bucket").state is ConnectorState.STOPPED
        assert start_connector(connection, ORGANIZATION, "bucket").state is ConnectorState.STARTING
    assert delete(control, "bucket").id == stored.id
    assert names(control) == ["direct_download", "second"]


def test_nobody_deletes_the_direct_download(control: sa.Engine) -> None:
    a_direct_download(control)

    with pytest.raises(InvalidRequest, match="cannot be deleted") as caught:
        delete(control, "direct_download")

    assert caught.value.field == "name"
    assert names(control) == ["direct_download"]


def test_a_connector_that_nothing_goes_through_is_deleted(control: sa.Engine) -> None:
    stored = create(control)

    assert delete(control, "bucket") == stored

    assert names(control) == []
    with reading(control) as connection, pytest.raises(NotFound):
        connector_config(connection, KEY, stored.id)


def test_a_connector_in_use_stays_and_its_users_are_named(control: sa.Engine) -> None:
    create(control)
    exporting(control, "bucket")

    with pytest.raises(InUse, match="exports go through 'bucket': flights; delete those first"):
        delete(control, "bucket")

    assert names(control) == ["bucket"]


def test_a_connector_is_free_once_its_exports_are_deleted(control: sa.Engine) -> None:
    create(control)
    exporting(control, "bucket")
    with writing(control) as connection:
        delete_export(connection, ORGANIZATION, "flights")

    delete(control, "bucket")

    assert names(control) == []


def test_another_organizations_connector_cannot_be_deleted(control: sa.Engine) -> None:
    create(control)

    with pytest.raises(NotFound):
        delete(control, "bucket", organization="other")

    assert names(control) == ["bucket"]


def replace(control: sa.Engine, config: Mapping[str, Any], name: str = "bucket") -> StoredConnector:
    with writing(control) as connection:
        return replace_connector(
            connection, KEY, organization=ORGANIZATION, name=name, config=config, by_operator=True
        )


def config_of(control: sa.Engine, stored: StoredConnector) -> ConnectorConfig:
    with reading(control) as connection:
        return connector_config(connection, KEY, stored.id)


def secret_of(control: sa.Engine, stored: StoredConnector) -> str | None:
    config = config_of(control, stored)
    assert isinstance(config, S3Config)
    return config.secret_access_key.get_secret_value() if config.secret_access_key else None


def without_secret(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in an_s3_connector().items() if name != "secret_access_key"} | changes


def test_a_replaced_connector_keeps_its_identity_and_starts_anew(control: sa.Engine) -> None:
    before = create(control)
    exporting(control, "bucket")
    with writing(control) as connection:
        fail_connector(connection, ORGANIZATION, "bucket")

    after = replace(control, {"type": "gcs", "bucket": "acme-exports"})

    assert (after.id, after.type, after.state) == (before.id, "gcs", ConnectorState.STARTING)
    assert config_of(control, after).location == "gs://acme-exports"


@pytest.mark.parametrize("changes", [{}, {"prefix": "daily"}, {"path_style": True}])
def test_a_secret_that_is_left_out_is_kept_for_the_same_bucket(
    control: sa.Engine, changes: dict[str, Any]
) -> None:
    create(control)

    assert secret_of(control, replace(control, without_secret(**changes))) == SECRET


@pytest.mark.parametrize(
    "changes",
    [{"bucket": "another"}, {"endpoint_url": "https://storage.example.com"}, {"region": "us-west-1"}],
)
def test_a_secret_is_not_sent_to_another_address(control: sa.Engine, changes: dict[str, str]) -> None:
    stored = create(control)

    with pytest.raises(InvalidRequest, match="secret_access_key: is not kept for another address"):
        replace(control, without_secret(**changes))

    assert config_of(control, stored) == config_from(an_s3_connector())


def test_a_secret_is_not_kept_for_another_type(control: sa.Engine) -> None:
    create(control, config={"type": "http", "url": "https://a.example.com/$key", "bearer_token": SECRET})

    assert secret_of(control, replace(control, {"type": "s3", "bucket": "acme-exports"})) is None


def test_a_secret_is_taken_away_by_saying_that_there_is_none(control: sa.Engine) -> None:
    create(control)

    stored = replace(control, {**an_s3_connector(), "access_key_id": None, "secret_access_key": None})

    assert secret_of(control, stored) is None


def test_a_kept_secret_that_is_in_the_way_is_named(control: sa.Engine) -> None:
    url = "https://a.example.com/$key"
    create(control, config={"type": "http", "url": url, "bearer_token": SECRET})

    with pytest.raises(InvalidRequest, match="kept from before: bearer_token; null takes one away") as caught:
        replace(control, {"type": "http", "url": url, "username": "me", "password": "hunter2"})

    assert SECRET not in str(caught.value)


def test_what_was_shown_instead_of_a_secret_is_not_taken_for_one(control: sa.Engine) -> None:
    stored = create(control)

    with pytest.raises(InvalidRequest, match="the place of one: send the real value"):
        replace(control, an_s3_connector(secret_access_key="**********"))

    assert secret_of(control, stored) == SECRET


def test_a_configuration_that_does_not_take_an_exports_keys_is_refused(control: sa.Engine) -> None:
    stored = create(control)
    exporting(control, "bucket", "flights")
    exporting(control, "bucket", "more-flights", subdirectory="$export")

    with pytest.raises(InvalidRequest, match=r"flights \(path: .*more-flights \(path: ") as caught:
        replace(control, an_s3_connector(prefix="p" * 1000))

    assert caught.value.field == "config"
    assert config_of(control, stored) == config_from(an_s3_connector())
    with reading(control) as connection:
        assert find_connector(connection, ORGANIZATION, "bucket") == stored


@pytest.mark.parametrize("config", [{"type": "direct_download"}, an_s3_connector()])
def test_nobody_replaces_the_direct_download(control: sa.Engine, config: dict[str, Any]) -> None:
    a_direct_download(control)

    with pytest.raises(InvalidRequest, match="cannot be replaced"):
        replace(control, config, "direct_download")


def test_one_that_failed_is_stopped_first_where_that_is_the_custom(control: sa.Engine) -> None:
    stored = create(control)
    with writing(control) as connection:
        fail_connector(connection, ORGANIZATION, "bucket")

    with writing(control) as connection, pytest.raises(WrongState, match="can be done: stop, fail, delete"):
        replace_connector(
            connection,
            KEY,
            organization=ORGANIZATION,
            name="bucket",
            config=an_s3_connector(bucket="second"),
            mendable=False,
        )
    with writing(control) as connection, pytest.raises(WrongState, match="can be done: stop, fail, delete"):
        start_connector(connection, ORGANIZATION, "bucket", mendable=False)

    assert config_of(control, stored) == config_from(an_s3_connector())


@pytest.mark.parametrize("move", [start_connector, stop_connector, fail_connector])
def test_nobody_moves_the_direct_download(control: sa.Engine, move: Callable[..., StoredConnector]) -> None:
    a_direct_download(control)

    with writing(control) as connection, pytest.raises(InvalidRequest, match="always there; it cannot be"):
        move(connection, ORGANIZATION, "direct_download")


def test_what_cannot_be_done_now_is_answered_with_what_can(control: sa.Engine) -> None:
    create(control)

    with writing(control) as connection, pytest.raises(WrongState) as caught:
        start_connector(connection, ORGANIZATION, "bucket")

    assert (caught.value.state, caught.value.allowed) == ("STARTING", ("replace", "stop", "fail", "delete"))
    assert str(caught.value) == (
        "connector 'bucket' is STARTING and cannot be started now;"
        " what can be done: replace, stop, fail, delete"
    )


def test_a_reason_is_kept_and_one_is_given_where_there_is_none(control: sa.Engine) -> None:
    create(control)

    with writing(control) as connection:
        assert fail_connector(connection, ORGANIZATION, "bucket", " We move. ").reason == "We move."
        assert fail_connector(connection, ORGANIZATION, "bucket").reason.startswith("It was failed by hand")


def checked(control: sa.Engine, stored: StoredConnector, config: ConnectorConfig) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in check_connector(control, stored, config)]


def present(control: sa.Engine, name: str = "bucket") -> StoredConnector:
    with reading(control) as connection:
        return find_connector(connection, ORGANIZATION, name)


def test_a_check_that_passes_makes_a_connector_run(control: sa.Engine, tmp_path: Path) -> None:
    stored = a_direct_download(control, state=ConnectorState.STARTING)
    config = DirectDownloadConfig(store=FolderConfig(path=tmp_path))

    steps = checked(control, stored, config)

    assert all(ok for _, ok in steps)
    assert present(control, "direct_download").state is ConnectorState.RUNNING
    with reading(control) as connection:
        assert [(step.name, step.ok) for step in last_check(connection, stored.id)] == steps


def test_the_direct_download_that_cannot_be_written_starts_until_it_can(
    control: sa.Engine, tmp_path: Path
) -> None:
    stored = a_direct_download(control)
    (tmp_path / "downloads").write_text("in the way")
    config = DirectDownloadConfig(store=FolderConfig(path=tmp_path / "downloads"))

    checked(control, stored, config)
    broken = present(control, "direct_download")
    (tmp_path / "downloads").unlink()
    checked(control, broken, config)

    assert broken.state is ConnectorState.STARTING
    assert broken.next_check_at is not None
    assert present(control, "direct_download").state is ConnectorState.RUNNING


def test_a_key_that_cannot_be_read_fails_the_check_and_not_the_checker(
    control: sa.Engine, gcs_server: GcsServer
) -> None:
    config = json.loads(reveal(gcs_server.config(gcs_server.new_bucket())))
    config["service_account"] = json.dumps({**json.loads(config["service_account"]), "private_key": SECRET})
    stored = create(control, config=config)

    assert checked(control, stored, config_of(control, stored))[-1] == ("write", False)
    assert present(control).state is ConnectorState.FAILED
    assert SECRET not in present(control).reason


def test_a_connector_that_may_not_delete_runs_and_its_probes_do_not_add_up(
    control: sa.Engine, moto_server: S3Server
) -> None:
    bucket = moto_server.new_bucket()
    writer = moto_server.config(bucket, user=moto_user(moto_server, "s3:PutObject"))
    create(control, config=json.loads(reveal(writer)))

    for _ in range(4):
        checked(control, present(control), writer)
        assert present(control).state is ConnectorState.RUNNING

    assert len(keys(moto_server.config(bucket).open())) == 1


def test_probes_do_not_add_up_where_deleting_fails_now_and_then(
    control: sa.Engine, moto_server: S3Server
) -> None:
    bucket = moto_server.new_bucket()
    store = moto_server.config(bucket).open()
    keeping = moto_server.config(bucket, user=moto_user(moto_server, "s3:PutObject"))
    create(control, config=json.loads(reveal(keeping)))

    for _ in range(3):
        checked(control, present(control), keeping)
        (left,) = keys(store)
        assert left.startswith("export-pipeline-check-")
        checked(control, present(control), moto_server.config(bucket))
        assert keys(store) == []


@pytest.mark.parametrize("other", range(4, 9))
@pytest.mark.parametrize("until", range(4, 9))
def test_checks_of_one_connector_that_cross_do_not_spoil_each_other(
    control: sa.Engine, tmp_path: Path, until: int, other: int
) -> None:
    """Neither where a probe was left by one that nobody awaited."""
    stored = a_direct_download(control, state=ConnectorState.STARTING)
    config = DirectDownloadConfig(store=FolderConfig(path=tmp_path / "downloads"))
    left = "export-pipeline-check-left.txt"
    put(config.open(), left, b"left by an earlier check")
    with writing(control) as connection:
        values = {"connector_id": stored.id, "key": left, "held_until": FIRST_HOUR}
        connection.execute(PROBES.insert().values(values))

    one = check_connector(control, stored, config)
    steps = [next(one) for _ in range(until)]
    two = check_connector(control, stored, config)
    steps += [next(two) for _ in range(other)]
    steps += [*one, *two]

    assert [step.message for step in steps if not step.ok] == []
    assert present(control, "direct_download").state is ConnectorState.RUNNING
    assert keys(config.open()) == []


def test_of_a_deleted_connector_no_probe_is_known(control: sa.Engine, moto_server: S3Server) -> None:
    bucket = moto_server.new_bucket()
    keeping = moto_server.config(bucket, user=moto_user(moto_server, "s3:PutObject"))
    create(control, config=json.loads(reveal(keeping)))
    checked(control, present(control), keeping)
    with writing(control) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(PROBES)) == 1
        delete_connector(connection, ORGANIZATION, "bucket")

        assert connection.scalar(sa.select(sa.func.count()).select_from(PROBES)) == 0


def test_what_was_replaced_while_it_was_checked_is_not_judged_by_that(
    control: sa.Engine, tmp_path: Path
) -> None:
    stored = create(control)
    steps = check_connector(control, stored, DirectDownloadConfig(store=FolderConfig(path=tmp_path)))
    next(steps)
    replaced = replace(control, an_s3_connector(bucket="another"))
    list(steps)

    assert present(control) == replaced


def test_a_stop_waits_for_what_is_in_flight(control: sa.Engine) -> None:
    create(control)
    export = exporting(control, "bucket")
    now = datetime.now(UTC)
    with writing(control) as connection:
        claim(connection, export.id, FIRST_HOUR, "run", now=now, expires_at=now + timedelta(hours=1))
        stopping = stop_connector(connection, ORGANIZATION, "bucket")
        release(connection, export.id, [FIRST_HOUR], "run")
        (settled,) = settle_stopping(connection, now)

    assert (stopping.state, settled.state) == (ConnectorState.STOPPING, ConnectorState.STOPPED)


def test_a_stop_ends_at_once_where_nothing_is_in_flight(control: sa.Engine) -> None:
    create(control)

    with writing(control) as connection:
        assert stop_connector(connection, ORGANIZATION, "bucket").state is ConnectorState.STOPPED


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"type": "s3", "bucket": "sales"}, "access_key_id"),
        (
            {
                "type": "s3",
                "bucket": "sales",
                "role_arn": "arn:aws:iam::123456789012:role/exports",
                "sts_endpoint_url": "https://sts.example",
            },
            "sts_endpoint_url",
        ),
        ({"type": "gcs", "bucket": "sales"}, "service_account"),
        ({"type": "folder", "path": "/mnt/exports"}, "type"),
    ],
)
def test_what_is_the_operators_is_refused_to_customers(
    control: sa.Engine, config: dict[str, Any], field: str
) -> None:
    with writing(control) as connection:
        ensure_organization(connection, ORGANIZATION)
        with pytest.raises(InvalidRequest, match="for operators") as refused:
            create_connector(connection, KEY, organization=ORGANIZATION, name="sales", config=config)
        assert list_connectors(connection, ORGANIZATION) == []
        create_connector(
            connection, KEY, organization=ORGANIZATION, name="sales", config=config, by_operator=True
        )
    assert refused.value.field == field


def refused_by_a_check(control: sa.Engine) -> None:
    made = create(control)
    step = CheckStep(name="write", ok=False, message="Not allowed to write.")
    with writing(control) as connection:
        noted = note_check(connection, made, [step], now=datetime.now(UTC), spread=0)
    assert noted is not None
    assert noted.state is ConnectorState.FAILED


def tried_again(control: sa.Engine) -> StoredConnector:
    with writing(control) as connection:
        try_connector_again(connection, ORGANIZATION, "bucket")
        return find_connector(connection, ORGANIZATION, "bucket")


def test_what_a_check_refused_is_checked_anew_when_somebody_asks_for_files_there(control: sa.Engine) -> None:
    refused_by_a_check(control)

    again = tried_again(control)

    assert again.state is ConnectorState.STARTING
    assert again.next_check_at is None  # at once


def test_what_people_stopped_or_failed_is_not_tried_again(control: sa.Engine) -> None:
    refused_by_a_check(control)
    with writing(control) as connection:
        fail_connector(connection, ORGANIZATION, "bucket", "not before Monday")
    assert tried_again(control).reason == "not before Monday"

    with writing(control) as connection:
        stop_connector(connection, ORGANIZATION, "bucket")

    assert tried_again(control).state is ConnectorState.STOPPED


def test_what_would_not_be_given_back_is_not_kept(control: sa.Engine) -> None:
    with writing(control) as connection, pytest.raises(InvalidRequest, match="a number like NaN"):
        create_connector(
            connection,
            KEY,
            organization=ORGANIZATION,
            name="bucket",
            config=an_s3_connector(),
            properties={"a": float("nan")},
        )

    assert names(control) == []


def requested(control: sa.Engine) -> ExportTask:
    """A one-off request through the connector `bucket`."""
    with writing(control) as connection:
        return request_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            connector="bucket",
            definition=a_definition(),
            since=FIRST_HOUR,
            until=FIRST_HOUR + timedelta(hours=2),
            origin="test",
        )


def test_what_was_made_for_requests_is_deleted_with_its_connector(control: sa.Engine) -> None:
    create(control)
    task = requested(control)

    delete(control, "bucket")

    assert names(control) == []
    with reading(control) as connection:
        ended = show_task(connection, ORGANIZATION, task.id)
    assert ended.status is TaskStatus.ERROR
    assert "deleted before the task began" in str(ended.task.error)


def test_files_of_a_request_that_are_on_their_way_keep_their_connector(control: sa.Engine) -> None:
    create(control)
    task = requested(control)
    now = datetime.now(UTC)
    with writing(control) as connection:
        claim(connection, task.export_id, FIRST_HOUR, "run", now=now, expires_at=now + timedelta(hours=1))

    with pytest.raises(InUse, match="on their way"):
        delete(control, "bucket")

    assert names(control) == ["bucket"]
