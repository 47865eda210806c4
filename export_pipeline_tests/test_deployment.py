"""One installation, opened: ready to export at once, by however many processes at once."""

import json
import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from export_pipeline.connectors.addresses import allow, may_be_called
from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD, DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.role_service import asked_at
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.secret import reveal
from export_pipeline.control.connectors import create_connector
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.errors import ExportPipelineError, InvalidRequest, NotFound, PermanentFailure
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import STATEMENT_LIMIT
from export_pipeline.settings import Settings
from export_pipeline.store.connector_states import change_state, last_check, note_check
from export_pipeline.store.connectors import StoredConnector, find_connector, hide_connector, list_connectors
from export_pipeline.store.contribution_schema import ENTITY_TYPES
from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import ORGANIZATIONS
from export_pipeline_tests.builders import a_definition, an_s3_connector
from export_pipeline_tests.connectors.conftest import azure_connector, gcs_connector, s3_connector  # noqa: F401
from export_pipeline_tests.connectors.objects import keys, put, read
from export_pipeline_tests.contributed import a_data_connector, a_record, an_entity_type
from export_pipeline_tests.installations import DECLARATION, FIRST, an_installation
from export_pipeline_tests.starting_together import start_together

OPEN = """
from pathlib import Path
from export_pipeline.deployment import open_deployment
from export_pipeline.extract.sources import STATEMENT_LIMIT
from export_pipeline.settings import Settings

ready()
deployment = open_deployment(Settings(home=Path(sys.argv[1]), control_url=sys.argv[2]))
print(deployment.secret_key.seal("secret").decode())
deployment.close()
"""

SOURCE = {"EVENTS_URL": "postgresql://user:the-password@host/events"}


@contextmanager
def a_deployment(home: Path, environ: Mapping[str, str] = SOURCE, **changes: Any) -> Iterator[Deployment]:
    deployment = open_deployment(Settings(home=home, **changes), environ)
    try:
        yield deployment
    finally:
        deployment.close()


def direct_download(deployment: Deployment, organization: str) -> ConnectorConfig:
    with reading(deployment.control) as connection:
        stored = find_connector(connection, organization, DIRECT_DOWNLOAD)
    return deployment.connector(stored.id)


def test_the_stores_clients_log_no_requests_in_it(tmp_path: Path) -> None:
    """They hold credentials, and whoever starts the process may have asked for everything to be logged."""
    with a_deployment(tmp_path / "home"):
        assert not logging.getLogger("botocore.auth").isEnabledFor(logging.INFO)


def test_a_new_installation_can_export_at_once(tmp_path: Path) -> None:
    with a_deployment(tmp_path / "home") as deployment:
        assert direct_download(deployment, "default") == DirectDownloadConfig(
            store=FolderConfig(path=tmp_path / "home" / "downloads" / "default"), row_limit=1_000_000
        )


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    listed = []
    for _ in range(2):
        with a_deployment(tmp_path) as deployment, reading(deployment.control) as connection:
            listed.append(list_connectors(connection, "default"))

    assert listed[0] == listed[1]
    assert len(listed[0]) == 1


def test_downloads_move_with_the_setting_whichever_organization_is_worked_on(tmp_path: Path) -> None:
    with a_deployment(tmp_path) as deployment, writing(deployment.control) as connection:
        ensure_organization(connection, "acme")
    with a_deployment(tmp_path, organization="acme"):
        pass

    with a_deployment(tmp_path, downloads=tmp_path / "elsewhere") as deployment:
        for organization in ("default", "acme"):
            folder = FolderConfig(path=tmp_path / "elsewhere" / organization)
            assert direct_download(deployment, organization) == DirectDownloadConfig(store=folder)


def test_where_one_process_looks_for_downloads_is_no_matter_of_another(tmp_path: Path) -> None:
    with a_deployment(tmp_path, downloads=tmp_path / "ours") as ours:
        with a_deployment(tmp_path):  # somebody lists the exports, in a shell without our variable
            pass

        folder = FolderConfig(path=tmp_path / "ours" / "default")
        assert direct_download(ours, "default") == DirectDownloadConfig(store=folder)


def test_who_only_looks_does_not_wait_for_who_writes(tmp_path: Path) -> None:
    with a_deployment(tmp_path) as deployment, writing(deployment.control), a_deployment(tmp_path) as another:
        assert direct_download(another, "default")


def test_organizations_that_name_their_exports_alike_do_not_meet_in_the_downloads(tmp_path: Path) -> None:
    with a_deployment(tmp_path) as deployment, writing(deployment.control) as connection:
        ensure_organization(connection, "acme")

    with a_deployment(tmp_path) as deployment:
        for organization in ("default", "acme"):
            upload = direct_download(deployment, organization).open().begin("events/00.csv", {})
            upload.write(organization.encode())
            upload.commit(replaces=None)

    assert (tmp_path / "downloads" / "default" / "events" / "00.csv").read_text() == "default"
    assert (tmp_path / "downloads" / "acme" / "events" / "00.csv").read_text() == "acme"


def test_an_organization_that_is_not_there_is_refused_with_the_way_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="export-pipeline organization create acme"):
        open_deployment(Settings(home=tmp_path, organization="acme"), SOURCE)


def test_a_given_key_is_used(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()

    with a_deployment(tmp_path, secret_key=key):
        pass

    assert not (tmp_path / "secret.key").exists()
    with a_deployment(tmp_path, secret_key=key):
        pass


def test_another_key_is_noticed_when_the_installation_is_opened(tmp_path: Path) -> None:
    with a_deployment(tmp_path):
        pass

    with pytest.raises(ExportPipelineError, match="EXPORT_PIPELINE_SECRET_KEY"):
        open_deployment(Settings(home=tmp_path, secret_key=Fernet.generate_key().decode()), SOURCE)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_processes_that_start_at_once_open_the_same_installation(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    home = tmp_path / "home"
    url = (
        f"sqlite:///{home}/control.db" if engine == "sqlite" else request.getfixturevalue("postgres_database")
    )

    sealed = start_together(OPEN, str(home), url, processes=2)

    with a_deployment(home, control_url=url) as deployment:
        assert [deployment.secret_key.unseal(token.strip().encode()) for token in sealed] == ["secret"] * 2
        with reading(deployment.control) as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(ORGANIZATIONS)) == 1
            assert len(list_connectors(connection, "default")) == 1


def test_the_source_is_where_the_variable_of_the_dataset_says(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text(DECLARATION)

    with a_deployment(tmp_path) as deployment:
        assert deployment.source_url == SOURCE["EVENTS_URL"]


def test_a_source_that_is_not_set_is_asked_for_by_name(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text(DECLARATION)

    with (
        a_deployment(tmp_path, {}) as deployment,
        pytest.raises(PermanentFailure, match="EVENTS_URL is not set; set it to the source's URL"),
    ):
        _ = deployment.source_url


def test_without_a_declared_source_only_what_is_contributed_is_read(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text("")

    with a_deployment(tmp_path, {}) as deployment:
        an_entity_type(deployment.control, organization="default")
        (country,) = plan_of(a_definition(tables=({"name": "country"},)), deployment.dataset_of("default"))
        assert deployment.url_of([country]) == deployment.settings.control_database_url
        with pytest.raises(PermanentFailure, match=r"^dataset\.toml declares no source; add \[source\]"):
            _ = deployment.source_url


def test_the_declaration_is_read_anew(tmp_path: Path) -> None:
    declaration = tmp_path / "dataset.toml"
    declaration.write_text(DECLARATION)

    with a_deployment(tmp_path) as deployment:
        before = deployment.dataset
        declaration.write_text(DECLARATION.replace("EVENTS_URL", "OTHER_URL"))
        after = deployment.dataset

    assert (before.url_variable, after.url_variable) == ("EVENTS_URL", "OTHER_URL")


LAKE = """
[connectors.lake]
type = "s3"
bucket = "acme-lake"
access_key_id = "AKIA1"
secret_access_key = {env = "LAKE_SECRET"}
"""


def lake(deployment: Deployment) -> ConnectorConfig:
    with reading(deployment.control) as connection:
        stored = find_connector(connection, "default", "lake")
    return deployment.connector(stored.id)


def test_a_declared_connector_is_there_and_filled_from_the_process_s_environment(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text(DECLARATION + LAKE)

    with a_deployment(tmp_path, {"LAKE_SECRET": "the-password"}) as deployment:
        config = lake(deployment)
        assert isinstance(config, S3Config)
        assert config.secret_access_key is not None
        assert config.secret_access_key.get_secret_value() == "the-password"
    with a_deployment(tmp_path) as deployment, pytest.raises(InvalidRequest, match="LAKE_SECRET is not set"):
        lake(deployment)


def test_a_declared_connector_follows_its_declaration(tmp_path: Path) -> None:
    declaration = tmp_path / "dataset.toml"
    declaration.write_text(DECLARATION + LAKE)

    with a_deployment(tmp_path, {"LAKE_SECRET": "the-password"}) as deployment:
        declaration.write_text(DECLARATION + LAKE.replace("acme-lake", "acme-sea"))
        assert lake(deployment).location == "s3://acme-sea"


def test_what_cannot_be_taken_of_connectors_is_told_and_keeps_nobody_from_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "dataset.toml").write_text(DECLARATION + LAKE.replace('"s3"', '"s33"'))

    with a_deployment(tmp_path) as deployment:
        assert direct_download(deployment, "default")

    assert "connectors.lake.type: has to be one of" in caplog.text


def test_a_declaration_that_cannot_be_read_changes_no_connector(tmp_path: Path) -> None:
    declaration = tmp_path / "dataset.toml"
    declaration.write_text(DECLARATION + LAKE)
    with a_deployment(tmp_path) as deployment, reading(deployment.control) as connection:
        before = find_connector(connection, "default", "lake")

    declaration.write_text(DECLARATION + LAKE + "half a li")
    with a_deployment(tmp_path) as deployment, reading(deployment.control) as connection:
        assert find_connector(connection, "default", "lake") == before
    declaration.unlink()
    with a_deployment(tmp_path) as deployment, reading(deployment.control) as connection:
        assert find_connector(connection, "default", "lake") == before


def test_an_unknown_connector_is_not_found(tmp_path: Path) -> None:
    with a_deployment(tmp_path) as deployment, pytest.raises(NotFound):
        deployment.connector("no-such-id")


def test_a_deployment_shows_no_secret(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()

    with a_deployment(tmp_path, secret_key=key) as deployment:
        shown = repr(deployment)

    assert key not in shown
    assert "the-password" not in shown


def test_a_claim_lasts_as_long_as_the_setting_says(tmp_path: Path) -> None:
    with a_deployment(tmp_path, claim_seconds=7) as deployment:
        assert deployment.claim_lease.total_seconds() == 7


def test_the_source_may_take_as_long_as_the_setting_says_to_answer(tmp_path: Path) -> None:
    with a_deployment(tmp_path, statement_seconds=7) as deployment:
        assert deployment.statement_limit.total_seconds() == 7


def test_unless_told_otherwise_the_source_may_take_as_long_as_readers_allow(tmp_path: Path) -> None:
    with a_deployment(tmp_path) as deployment:
        assert deployment.statement_limit == STATEMENT_LIMIT


def test_connectors_call_on_networks_as_the_settings_allow(tmp_path: Path) -> None:
    address = ip_address("10.1.2.3")

    for networks, allowed in (("10.0.0.0/8", True), ("", False)):
        settings = Settings.model_validate({"home": tmp_path, "allowed_networks": networks})
        open_deployment(settings, {}).close()
        assert may_be_called(address) is allowed


def test_roles_are_asked_for_where_the_settings_say(tmp_path: Path) -> None:
    for address in ("https://sts.inside.example", None):
        settings = Settings.model_validate({"home": tmp_path, "sts_endpoint_url": address})
        open_deployment(settings, {}).close()
        assert asked_at() == address


def test_a_direct_download_that_somebody_made_has_a_part_of_its_own(tmp_path: Path) -> None:
    with a_deployment(tmp_path, downloads=tmp_path / "elsewhere") as deployment:
        with writing(deployment.control) as connection:
            made = create_connector(
                connection,
                deployment.secret_key,
                organization="default",
                name="press",
                config={"type": DIRECT_DOWNLOAD},
            )
        put(deployment.connector(made.id).open(), "events/00.csv", b"theirs")

        assert keys(direct_download(deployment, "default").open()) == []
        whose = f"default.{made.id}"
        assert (tmp_path / "elsewhere" / whose / "events" / "00.csv").read_bytes() == b"theirs"
        deployment.check(made)
        with reading(deployment.control) as connection:
            assert find_connector(connection, "default", "press").state is ConnectorState.RUNNING


BUCKETS = ["azure_connector", "gcs_connector", "s3_connector"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_downloads_may_wait_in_a_bucket_for_each_organization_apart(
    tmp_path: Path, bucket: str, request: pytest.FixtureRequest
) -> None:
    document = tmp_path / "downloads.json"
    with a_deployment(tmp_path, downloads=document) as deployment, writing(deployment.control) as connection:
        ensure_organization(connection, "acme")
    with a_deployment(tmp_path, {"ACME_STORE": "x"}, downloads=document) as deployment:
        store: ConnectorConfig = request.getfixturevalue(bucket)  # after what resets the networks
        document.write_text(reveal(store))
        for organization in ("default", "acme"):
            put(direct_download(deployment, organization).open(), "events/00.csv", organization.encode())

        assert keys(store.open()) == ["acme/events/00.csv", "default/events/00.csv"]
        for organization in ("default", "acme"):
            destination = direct_download(deployment, organization).open()
            assert keys(destination) == ["events/00.csv"]
            assert read(destination, "events/00.csv") == organization.encode()
        assert direct_download(deployment, "acme").location == "direct download"


def test_secrets_of_the_downloads_bucket_come_from_the_environment(tmp_path: Path) -> None:
    document = tmp_path / "downloads.toml"
    document.write_text(
        'type = "s3"\nbucket = "sales"\naccess_key_id = "A"\nsecret_access_key = {env = "KEY"}\n'
    )

    with a_deployment(tmp_path, {"KEY": "hunter2-hunter2"}, downloads=document) as deployment:
        config = direct_download(deployment, "default")

    assert json.loads(reveal(config))["store"]["secret_access_key"] == "hunter2-hunter2"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("type = ", "neither TOML nor JSON"),
        ('type = "http"', r"EXPORT_PIPELINE_DOWNLOADS: .*store\.type: must be one of azure, folder, gcs, s3"),
        ('type = "s3"\nbuckett = "sales"', r"store\.buckett: there is no such field; did you mean 'bucket'"),
        ('type = "s3"\nbucket = {env = "NOWHERE"}', "NOWHERE is not set"),
    ],
)
def test_a_document_that_cannot_be_used_says_what_is_wrong_and_the_rest_works(
    tmp_path: Path, text: str | None, says: str
) -> None:
    document = tmp_path / "downloads.toml"
    if text is not None:
        document.write_text(text)

    with (
        a_deployment(tmp_path, downloads=document) as deployment,
        pytest.raises(InvalidRequest, match=says) as refused,
    ):
        direct_download(deployment, "default")

    assert str(tmp_path) not in str(refused.value)  # customers read it where a check failed by it


def test_no_connector_leads_into_the_folders_of_the_installation(tmp_path: Path) -> None:
    with a_deployment(tmp_path / "home", staging=tmp_path / "staging", downloads=tmp_path / "downloads"):
        for folder in ("home", "staging/x", "downloads/acme", "."):
            with pytest.raises(InvalidRequest, match="keeps its own files"):
                config_from({"type": "folder", "path": tmp_path / folder})
        assert config_from({"type": "folder", "path": tmp_path / "disk"})


def test_a_check_moves_the_connector_to_where_it_belongs(tmp_path: Path) -> None:
    with a_deployment(tmp_path / "home") as deployment:
        with writing(deployment.control) as connection:
            stored = find_connector(connection, "default", DIRECT_DOWNLOAD)
            change_state(connection, stored.id, ConnectorState.STARTING, "So be it.", now=stored.created_at)
            stored = find_connector(connection, "default", DIRECT_DOWNLOAD)
        deployment.check(stored)
        with reading(deployment.control) as connection:
            assert find_connector(connection, "default", DIRECT_DOWNLOAD).state is ConnectorState.RUNNING
            assert all(step.ok for step in last_check(connection, stored.id))


def test_a_check_that_comes_to_nothing_is_noted_as_one(tmp_path: Path) -> None:
    with a_deployment(tmp_path / "home") as deployment:
        with reading(deployment.control) as connection:
            stored = find_connector(connection, "default", DIRECT_DOWNLOAD)
        deployment.note_failed_check(stored, "It has not ended within a minute.", passes=True)
        with reading(deployment.control) as connection:
            now = find_connector(connection, "default", DIRECT_DOWNLOAD)
            (step,) = last_check(connection, stored.id)
        assert (now.state, now.reason) == (ConnectorState.STARTING, "It has not ended within a minute.")
        assert (step.ok, step.passes) == (False, True)
        deployment.check(stored)  # overtaken: what it says is dropped
        with reading(deployment.control) as connection:
            assert find_connector(connection, "default", DIRECT_DOWNLOAD) == now


def test_a_check_that_breaks_off_is_noted_too_and_made_again_later(tmp_path: Path) -> None:
    """A bug of ours: nobody handed the key on."""
    with a_deployment(tmp_path / "home") as deployment:
        with writing(deployment.control) as connection:
            stored = create_connector(
                connection,
                deployment.secret_key,
                organization="default",
                name="bucket",
                config=an_s3_connector(),
            )
        without = replace(deployment, secret_key=cast("SecretKey", None))
        with pytest.raises(AttributeError):
            without.check(stored)
        with reading(deployment.control) as connection:
            now = find_connector(connection, "default", "bucket")
            (step,) = last_check(connection, stored.id)
        assert step.message == "The check broke off (AttributeError): this is a bug, please report it."
        assert now.next_check_at is not None
        assert now.checked_at is not None
        assert now.next_check_at > now.checked_at


def test_a_declared_connector_that_starts_is_checked_again_when_that_is_due(tmp_path: Path) -> None:
    """Without the daemon nobody else does."""
    (tmp_path / "dataset.toml").write_text(DECLARATION + LAKE)
    busy = [CheckStep(name="write", ok=False, message="It is busy.", passes=True)]
    now = datetime.now(UTC)

    with a_deployment(tmp_path) as deployment:

        def failed_for_now(at: datetime) -> StoredConnector:
            with writing(deployment.control) as connection:
                noted = note_check(
                    connection, find_connector(connection, "default", "lake"), busy, now=at, spread=0
                )
            assert noted is not None
            return noted

        waits = failed_for_now(now + timedelta(hours=1))
        assert deployment.checked_if_new(waits) == waits

        looked_at = deployment.checked_if_new(failed_for_now(now - timedelta(days=1)))

    assert "LAKE_SECRET is not set" in looked_at.reason


def test_a_check_that_is_awaited_gives_its_steps(tmp_path: Path) -> None:
    with a_deployment(tmp_path / "home") as deployment:
        with reading(deployment.control) as connection:
            stored = find_connector(connection, "default", DIRECT_DOWNLOAD)

        steps = deployment.check_within(stored, 60)

        with reading(deployment.control) as connection:
            assert steps == last_check(connection, stored.id)
    assert all(step.ok for step in steps)


def test_of_a_check_that_takes_too_long_that_is_told_and_noted(
    tmp_path: Path,
    loopback_allowed: None,  # noqa: ARG001 -- and no longer, after the test
) -> None:
    """The store takes the call, and keeps silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent, a_deployment(tmp_path / "home") as deployment:
        allow([ip_network("127.0.0.0/8")])
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with writing(deployment.control) as connection:
            stored = create_connector(
                connection,
                deployment.secret_key,
                organization="default",
                name="silent",
                config=an_s3_connector(endpoint_url=address),
            )

        *first, last = deployment.check_within(stored, 2)

        assert all(step.ok for step in first)
        assert (last.ok, last.message) == (False, "The check has not ended within 2 seconds.")
        with reading(deployment.control) as connection:
            assert find_connector(connection, "default", "silent").reason == last.message


def test_a_connector_that_was_deleted_is_not_checked(tmp_path: Path) -> None:
    with a_deployment(tmp_path / "home") as deployment:
        with writing(deployment.control) as connection:
            stored = find_connector(connection, "default", DIRECT_DOWNLOAD)
            hide_connector(connection, stored.id)
        deployment.check(stored)
        with reading(deployment.control) as connection:
            assert last_check(connection, stored.id) == []


def test_what_was_contributed_is_in_its_organizations_dataset_and_in_our_own_database(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        deployment = installation.deployment
        mine = an_entity_type(deployment.control, organization="default")
        an_entity_type(deployment.control, "events", organization="default")  # as a declared one is called
        an_entity_type(deployment.control, "city", organization="others")
        connector = a_data_connector(deployment.control, mine)
        for number in range(3):
            a_record(deployment.control, connector, str(number), {"population": number}, since=FIRST)

        dataset = deployment.dataset_of("default")
        (country,) = plan_of(a_definition(tables=({"name": "country"},), filter="population > 0"), dataset)
        (events,) = plan_of(a_definition(tables=({"name": "events"},)), dataset)

        assert {*dataset.tables} == {"events", "country"}
        assert {*deployment.dataset_of("others").tables} == {"events", "city"}
        assert {*deployment.dataset.tables} == {"events"}
        assert deployment.url_of([country]) == deployment.settings.control_database_url
        assert deployment.url_of([events]) == deployment.source_url
        counted = deployment.estimate("acme", [country], FIRST, FIRST + timedelta(hours=1))
        assert counted == {"country": 2}


def test_an_entity_type_that_is_gone_is_no_table(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        deployment = installation.deployment
        an_entity_type(deployment.control, organization="default")
        with writing(deployment.control) as connection:
            connection.execute(ENTITY_TYPES.delete())

        with pytest.raises(InvalidRequest, match="there is no table 'country'"):
            plan_of(a_definition(tables=({"name": "country"},)), deployment.dataset_of("default"))
