"""Connectors from the command line: made from a document, shown without secrets, deleted when unused."""

from pathlib import Path

import pytest

from export_pipeline.connectors.secret import reveal
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.installations import DECLARATION, Installation
from export_pipeline_tests.servers.s3 import S3Server

CONFIG = b"""
type = "s3"
bucket = "sales"
prefix = "exports"
region = "eu-central-1"
endpoint_url = "http://127.0.0.1:9"
access_key_id = "AKIAEXAMPLE"
secret_access_key = {env = "BUCKET_SECRET"}
"""


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BUCKET_SECRET", "hunter2hunter2")
    return "hunter2hunter2"


def test_a_connector_is_made_from_standard_input(call_cli: CallCli, secret: str) -> None:  # noqa: ARG001
    result = call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=CONFIG)

    assert (result.code, result.out) == (
        0,
        "made the s3 connector sales; exports take it with --connector sales\n"
        "sales is STARTING: It has not been checked yet.\n",
    )


def test_a_connector_is_made_from_a_file(call_cli: CallCli, secret: str, tmp_path: Path) -> None:  # noqa: ARG001
    (tmp_path / "sales.toml").write_bytes(CONFIG)

    result = call_cli(
        "connector", "create", "sales", "--config", str(tmp_path / "sales.toml"), "--json", "--no-check"
    )

    assert (result.document["name"], result.document["type"]) == ("sales", "s3")


def test_the_secret_is_stored_as_the_environment_held_it(
    call_cli: CallCli, secret: str, installation: Installation
) -> None:
    made = call_cli("connector", "create", "sales", "--no-check", "--config", "-", "--json", given=CONFIG)

    config = installation.deployment.connector(made.document["id"])

    assert config.type == "s3"
    assert config.secret_access_key is not None
    assert config.secret_access_key.get_secret_value() == secret


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_showing_a_connector_masks_its_secret(call_cli: CallCli, secret: str, json: tuple[str, ...]) -> None:
    call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=CONFIG)

    shown = call_cli("connector", "show", "sales", *json)

    assert "eu-central-1" in shown.out
    assert "**********" in shown.out
    assert secret not in shown.out


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_showing_a_receiver_hides_the_query_of_its_address(call_cli: CallCli, json: tuple[str, ...]) -> None:
    receiver = b'{"type": "http", "url": "https://receiver.example/$key?signature=hunter2"}'
    made = call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=receiver)
    assert made.code == 0

    shown = call_cli("connector", "show", "sales", *json)

    assert "https://receiver.example/$key?*****" in shown.out
    assert "hunter2" not in made.out + shown.out


def test_a_secret_that_is_not_in_the_environment_is_named(call_cli: CallCli) -> None:
    result = call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=CONFIG)

    assert result.code == 2
    assert result.err == "error: secret_access_key: the environment variable BUCKET_SECRET is not set\n"
    assert [c["name"] for c in call_cli("connector", "list", "--json").document["connectors"]] == [
        "direct_download"
    ]


def test_a_wrong_field_is_named(call_cli: CallCli) -> None:
    result = call_cli(
        "connector",
        "create",
        "sales",
        "--no-check",
        "--config",
        "-",
        "--json",
        given=b'{"type": "s3", "buckett": "x"}',
    )

    assert (result.code, "buckett" in result.error["message"]) == (2, True)


def test_a_name_is_taken_once(call_cli: CallCli, secret: str) -> None:  # noqa: ARG001
    call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=CONFIG)

    result = call_cli("connector", "create", "sales", "--no-check", "--config", "-", "--json", given=CONFIG)

    assert (result.code, result.error["type"]) == (2, "AlreadyExists")


def test_connectors_are_listed_with_their_states(call_cli: CallCli, secret: str) -> None:  # noqa: ARG001
    call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=CONFIG)

    result = call_cli("connector", "list")
    documents = call_cli("connector", "list", "--json").document["connectors"]

    assert result.code == 0
    assert "RUNNING" in next(line for line in result.out.splitlines() if "direct_download" in line)
    assert "It has not been checked yet." in next(line for line in result.out.splitlines() if "sales" in line)
    assert [(one["name"], one["state"]) for one in documents] == [
        ("direct_download", "RUNNING"),
        ("sales", "STARTING"),
    ]


def test_an_unused_connector_is_deleted(call_cli: CallCli, secret: str) -> None:  # noqa: ARG001
    call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=CONFIG)

    assert call_cli("connector", "delete", "sales", "--yes").code == 0
    assert call_cli("connector", "show", "sales").code == 2


def test_a_connector_in_use_stays(call_cli: CallCli, secret: str, installation: Installation) -> None:  # noqa: ARG001
    call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=CONFIG)
    installation.export(connector="sales")

    result = call_cli("connector", "delete", "sales", "--yes")

    assert (result.code, "events" in result.err) == (2, True)


def test_a_connector_that_is_not_there_is_not_asked_about(call_cli: CallCli) -> None:
    result = call_cli("connector", "delete", "sales")

    assert result.err.startswith("error: there is no connector 'sales'")


@pytest.mark.usefixtures("secret")
def test_a_connector_is_made_even_if_its_check_fails(call_cli: CallCli) -> None:
    result = call_cli("connector", "create", "sales", "--config", "-", given=CONFIG)

    assert result.code == 1
    assert "ok      resolve: " in result.out
    assert "FAILED  connect: The server 127.0.0.1 does not answer at port 9" in result.out
    assert "sales is STARTING: The server 127.0.0.1 does not answer" in result.out
    assert "correct it with: export-pipeline connector replace sales" in result.out
    assert call_cli("connector", "show", "sales", "--json").document["state"] == "STARTING"


def test_a_connector_that_can_do_everything_runs_at_once(call_cli: CallCli, s3_server: S3Server) -> None:
    config = reveal(s3_server.config(s3_server.new_bucket())).encode()

    made = call_cli("connector", "create", "sales", "--config", "-", "--json", given=config)

    assert (made.code, made.document["state"]) == (0, "RUNNING")
    assert all(step["ok"] for step in made.document["check"])
    assert call_cli("connector", "show", "sales", "--json").document["check"] == made.document["check"]


def test_showing_a_connector_tells_its_last_check_and_its_exports(
    call_cli: CallCli, installation: Installation
) -> None:
    installation.export()
    call_cli("connector", "check", "direct_download")

    shown = call_cli("connector", "show", "direct_download")
    document = call_cli("connector", "show", "direct_download", "--json").document

    assert "ok      write: " in shown.out
    assert (document["state"], document["exports"]) == ("RUNNING", ["events"])
    assert document["next_check_at"] > document["checked_at"]


def test_a_connector_is_replaced_without_its_secret(
    call_cli: CallCli, secret: str, installation: Installation
) -> None:
    made = call_cli("connector", "create", "sales", "--no-check", "--config", "-", "--json", given=CONFIG)
    changed = b"\n".join(line for line in CONFIG.splitlines() if b"secret" not in line)
    changed = changed.replace(b'"exports"', b'"daily"')

    result = call_cli("connector", "replace", "sales", "--no-check", "--config", "-", "--json", given=changed)

    config = installation.deployment.connector(made.document["id"])
    assert (result.code, result.document["id"]) == (0, made.document["id"])
    assert config.type == "s3"
    assert config.prefix == "daily"
    assert config.secret_access_key is not None
    assert config.secret_access_key.get_secret_value() == secret


def test_type_and_file_are_two_ways_to_say_the_same(call_cli: CallCli) -> None:
    result = call_cli("connector", "create", "sales", "--type", "s3", "--config", "-", given=CONFIG)

    assert (result.code, result.err) == (2, "error: --type: the file of --config says it; leave --type out\n")


def test_nobody_is_asked_where_nobody_is(call_cli: CallCli) -> None:
    result = call_cli("connector", "create", "sales", "--type", "s3")

    assert result.code == 2
    assert "--config: nobody is there to be asked; say --config FILE" in result.err


LAKE = """
[connectors.lake]
type = "s3"
bucket = "acme-lake"
access_key_id = "AKIA1"
secret_access_key = {env = "LAKE_SECRET"}
"""


def test_a_declared_connector_is_shown_as_one(
    call_cli: CallCli, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installation.folder / "dataset.toml").write_text(DECLARATION + LAKE)
    monkeypatch.setenv("LAKE_SECRET", "hunter2-hunter2")

    listed = call_cli("connector", "list", "--json").document["connectors"]
    shown = call_cli("connector", "show", "lake")

    assert {one["name"]: one["declared"] for one in listed} == {"direct_download": False, "lake": True}
    assert "s3, declared" in call_cli("connector", "list").out
    assert "dataset.toml:27:2" in shown.out
    assert "LAKE_SECRET" in shown.out
    assert "hunter2" not in shown.out


def test_a_declared_connector_is_not_changed_from_the_command_line(
    call_cli: CallCli, installation: Installation
) -> None:
    (installation.folder / "dataset.toml").write_text(DECLARATION + LAKE)

    deleted = call_cli("connector", "delete", "lake", "--yes")
    shown = call_cli("connector", "show", "lake")

    assert (deleted.code, shown.code) == (2, 2)
    assert "edit [connectors.lake]" in deleted.err
    assert "connectors.lake.secret_access_key: the environment variable LAKE_SECRET is not set" in shown.err


def test_a_check_that_passes_says_how_files_may_go_there_again(
    call_cli: CallCli, s3_server: S3Server
) -> None:
    config = reveal(s3_server.config(s3_server.new_bucket())).encode()
    call_cli("connector", "create", "sales", "--config", "-", given=config)

    call_cli("connector", "fail", "sales")
    failed = call_cli("connector", "check", "sales")
    call_cli("connector", "stop", "sales")
    stopped = call_cli("connector", "check", "sales")

    assert (failed.code, stopped.code) == (0, 0)
    assert failed.out.endswith(
        "again with: export-pipeline connector stop sales && export-pipeline connector start sales\n"
    )
    assert stopped.out.endswith("again with: export-pipeline connector start sales\n")
