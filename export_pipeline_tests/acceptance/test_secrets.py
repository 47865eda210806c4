"""Everything that the system emits, searched for every secret it holds: a whole run of every connector.

Secrets come in as people hand them over, exports run under Dagster's own daemon and webserver, well, badly
and cancelled, and everybody who logs is told to log everything.
"""

import base64
import io
import json
import logging
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from export_pipeline.cli.__main__ import main
from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.connector import CONNECTOR_TYPES, ConnectorConfig
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline.connectors.secret import REVEAL
from export_pipeline.control.tasks import create_task, show_task
from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.task import TaskStatus
from export_pipeline.processes.dagster import Instance, free_port
from export_pipeline.store.connector_states import ask_for_check, change_state
from export_pipeline.store.connectors import find_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.acceptance.conftest import Services, dagster_environ
from export_pipeline_tests.installations import FIRST, HOURS, Installation
from export_pipeline_tests.secret_forms import Search, secrets_of
from export_pipeline_tests.servers.azure import AzureServer
from export_pipeline_tests.servers.gcs import GcsServer
from export_pipeline_tests.servers.http import Receiver
from export_pipeline_tests.servers.s3 import S3Server, User

SOURCE_PASSWORD = "the-source's password/äöü"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A connector under a name; `refused`: the same with credentials that the store does not take."""

    name: str
    works: ConnectorConfig
    refused: ConnectorConfig


def _s3(request: pytest.FixtureRequest) -> list[Case]:
    server: S3Server = request.getfixturevalue("s3_server")
    bucket = server.new_bucket()
    guessing = User(
        access_key_id=server.admin.access_key_id, secret_access_key="wJalrXUtnFEMI/K7MDENG+guessed"
    )
    apart = S3Credentials(
        access_key_id=server.reader.access_key_id,
        secret_access_key=SecretStr(server.reader.secret_access_key),
    )
    return [
        Case(
            name="s-three",
            works=server.config(bucket).model_copy(update={"read": apart}),
            refused=server.config(bucket, user=guessing),
        )
    ]


def _gcs(request: pytest.FixtureRequest) -> list[Case]:
    server: GcsServer = request.getfixturevalue("gcs_server")
    bucket = server.new_bucket()
    refused = server.config(bucket, account=server.stranger)
    return [Case(name="gcs", works=server.config(bucket), refused=refused)]


def _azure(request: pytest.FixtureRequest) -> list[Case]:
    server: AzureServer = request.getfixturevalue("azure_server")
    container = server.new_container()

    def by_token(permissions: str, container: str) -> AzureConfig:
        return server.config(container, account_key=None, sas_token=server.sas(container, permissions))

    guessed = SecretStr(base64.b64encode(b"guessed, not the account's key, and long").decode())
    return [
        Case(
            name="azure-key",
            works=server.config(container),
            refused=server.config(container, account_key=guessed),
        ),
        Case(
            name="azure-token",
            works=by_token("rlcwd", container),
            refused=by_token("rlcwd", server.new_container()).model_copy(update={"container": container}),
        ),
    ]


def _http(request: pytest.FixtureRequest) -> list[Case]:
    server: Receiver = request.getfixturevalue("http_receiver")
    space = server.new_space()
    guessed = SecretStr("guessed/and+wrong=and-long-enough")

    def basic(password: SecretStr) -> ConnectorConfig:
        return server.config(space, bearer_token=None, username="acme", password=password)

    return [
        Case(
            name="http-bearer",
            works=server.config(space),
            refused=server.config(space, bearer_token=guessed),
        ),
        Case(name="http-basic", works=basic(server.token("rwd")), refused=basic(guessed)),
    ]


# A new type has an entry here. direct_download is there already and keeps its files where the operator says,
# and a folder has no secrets.
CASES: Mapping[str, Callable[[pytest.FixtureRequest], list[Case]]] = {
    "azure": _azure,
    "direct_download": lambda _request: [],
    "folder": lambda _request: [],
    "gcs": _gcs,
    "http": _http,
    "s3": _s3,
}


@dataclass(slots=True)
class Everything:
    """What was emitted, each thing with its name."""

    things: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, name: str, data: bytes | str) -> None:
        self.things.append((name, data if isinstance(data, bytes) else data.encode()))

    def add_files(self, folder: Path, *, but: frozenset[Path]) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path not in but:
                self.add(str(path.relative_to(folder)), path.read_bytes())


@dataclass(frozen=True)
class CommandLine:
    """Runs commands as people do, and keeps what they print.

    The first of a kind, with its way to hand things over and its outcome, is a process of its own, as people
    start it; those like it run in this one, which takes a tenth of the time.
    """

    environ: Mapping[str, str]
    everything: Everything
    kinds: set[tuple[object, ...]] = field(default_factory=set)

    def __call__(
        self, *arguments: str, given: str = "", code: int | None = 0, environ: Mapping[str, str] | None = None
    ) -> str:
        kind = (*arguments[:2], code, bool(given), bool(environ))
        run = _in_this_process if kind in self.kinds else _as_a_process
        self.kinds.add(kind)
        ended, out, err = run(arguments, given, {**self.environ, **(environ or {})})
        assert code is None or ended == code, (arguments, out, err)
        self.everything.add(f"output of {arguments}", out + err)
        return out


def _as_a_process(arguments: Sequence[str], given: str, environ: Mapping[str, str]) -> tuple[int, str, str]:
    ran = subprocess.run(
        [sys.executable, "-m", "export_pipeline.cli", *arguments],
        input=given,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ran.returncode, ran.stdout, ran.stderr


def _in_this_process(
    arguments: Sequence[str], given: str, environ: Mapping[str, str]
) -> tuple[int, str, str]:
    printed, told = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(to, encoding="utf-8", write_through=True) for to in (printed, told))
    warnings = logging.StreamHandler(err)  # as a process prints them to whom nobody has said otherwise
    warnings.setLevel(logging.WARNING)
    logging.root.addHandler(warnings)
    try:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
            for name, value in environ.items():
                patch.setenv(name, value)
            ended = main(arguments)
    finally:
        logging.root.removeHandler(warnings)
    return ended, printed.getvalue().decode(), told.getvalue().decode()


@contextmanager
def watched_arguments(home: Path, everything: Everything) -> Iterator[None]:
    """Keep the arguments of every process of the installation, while the block runs."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.3):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if str(home).encode() in (process / "environ").read_bytes():
                        seen.add((process / "cmdline").read_bytes().replace(b"\0", b" "))
                except OSError:
                    continue

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join(30)
        assert seen or not Path("/proc").exists(), "not one process was seen"
        everything.add("arguments of processes", b"\n".join(sorted(seen)))


QUESTIONS = {
    "runs": """{ runsOrError { __typename ... on Runs { results {
        runId status runConfigYaml tags { key value } stats { __typename }
        eventConnection { events { __typename
            ... on MessageEvent { message level }
            ... on ErrorEvent { error { message stack errorChain { error { message stack } } } }
            ... on MaterializationEvent { metadataEntries { label description
                ... on TextMetadataEntry { text } ... on JsonMetadataEntry { jsonString }
                ... on MarkdownMetadataEntry { mdStr } ... on PathMetadataEntry { path }
                ... on UrlMetadataEntry { url } } } } } } } } }""",
    "resources": """{ repositoryOrError(repositorySelector: {
        repositoryName: "__repository__", repositoryLocationName: "export_pipeline" }) { __typename
        ... on Repository { allTopLevelResourceDetails { name description
            configFields { name defaultValueAsJson } configuredValues { key value type } }
          pipelines { name runTags { key value } } schedules { name } sensors { name } } } }""",
    "assets": """{ assetsOrError { __typename ... on AssetConnection { nodes { key { path }
        assetMaterializations(limit: 5) { runId metadataEntries { label description
            ... on TextMetadataEntry { text } ... on JsonMetadataEntry { jsonString }
            ... on MarkdownMetadataEntry { mdStr } ... on PathMetadataEntry { path }
            ... on UrlMetadataEntry { url } } } } } } }""",
    "instance": """{ instance { info daemonHealth { allDaemonStatuses {
        daemonType lastHeartbeatErrors { message stack } } } } }""",
}


def ask(services: Services, query: str, **variables: object) -> Any:
    request = urllib.request.Request(
        f"{services.webserver.url}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert not answer.get("errors"), answer
    return answer["data"]


def given_by(way: int, config: ConnectorConfig, folder: Path) -> tuple[str, str, dict[str, str]]:
    """The argument of `--config`, standard input and environment: secrets come in one of three ways."""
    document: dict[str, Any] = json.loads(config.model_dump_json(context=REVEAL, exclude_none=True))
    masked = config.model_dump(mode="json", exclude_none=True)
    environ: dict[str, str] = {}
    if way % 3 == 0:
        return "-", json.dumps(document), {}
    if way % 3 == 1:
        for name in [
            name for name, value in document.items() if isinstance(value, str) and masked[name] != value
        ]:
            environ[f"CUSTOMERS_{name.upper()}"] = document[name]
            document[name] = {"env": f"CUSTOMERS_{name.upper()}"}
    path = folder / f"connector-{way}.json"
    path.write_text(json.dumps(document))
    return str(path), "", environ


@contextmanager
def dagster_that_logs_everything(installation: Installation) -> Iterator[Services]:
    environ = {
        **dagster_environ(installation),
        "EXPORT_PIPELINE_ALLOWED_NETWORKS": "127.0.0.0/8",
        "EXPORT_PIPELINE_DEBUG": "1",
    }
    home = installation.folder / "dagster"
    settings = (home / "dagster.yaml").read_text()
    louder = settings.replace(
        "    - export_pipeline\n  python_log_level: INFO", "    - root\n  python_log_level: DEBUG"
    )
    assert louder != settings
    (home / "dagster.yaml").write_text(louder)
    with Instance(home=home, environ=environ).webserver(free_port()) as (webserver, running):
        running.start_daemon()
        yield Services(installation, webserver, running, environ)


def test_every_type_of_connector_has_its_case() -> None:
    assert set(CASES) == set(CONNECTOR_TYPES)


@pytest.mark.parametrize("arguments", [("connector", "list", "--json"), ("connector", "show", "nobody's")])
def test_a_command_prints_the_same_in_this_process(
    installation: Installation, arguments: tuple[str, ...]
) -> None:
    environ = {**os.environ, **installation.variables}

    assert _in_this_process(arguments, "", environ) == _as_a_process(arguments, "", environ)


def test_no_secret_stands_in_anything_that_is_emitted(
    installation: Installation, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    cases = [case for make in CASES.values() for case in make(request)]
    configs = {case.name: case.works for case in cases}
    configs |= {f"{case.name}-refused": case.refused for case in cases}
    key_file = installation.deployment.settings.key_file
    secrets = {"secret key": key_file.read_text(), "source's password": SOURCE_PASSWORD}
    for name, config in configs.items():
        found = secrets_of(config)
        assert found, f"{name} has no secret to look for"
        secrets |= {f"{name}: {what}": value for what, value in found.items()}
    search = Search(secrets)
    everything = Everything()
    handed_over = tmp_path / "handed-over"
    handed_over.mkdir()

    installation.export("direct")
    with (
        dagster_that_logs_everything(installation) as services,
        watched_arguments(installation.folder, everything),
    ):
        cli = CommandLine({**services.environ, "EXPORT_PIPELINE_DEBUG": "1"}, everything)
        for way, (name, config) in enumerate(configs.items()):
            path, given, environ = given_by(way, config, handed_over)
            code = 1 if name.endswith("refused") else 0  # what its check finds
            cli("connector", "create", name, "--config", path, given=given, environ=environ, code=code)
            installation.export(name, connector=name)
        for case in cases:
            withdraw_credentials(installation, f"{case.name}-refused")
        cli("connector", "list", "--json")
        services.webserver.reload()
        tasks = {name: request_hours(services, name, 1) for name in ("direct", *configs)}
        for name, task in tasks.items():
            if name.endswith("refused"):
                services.wait(lambda name=name: state_of(installation, name) is ConnectorState.FAILED, name)  # type: ignore[misc]
                cli("task", "show", task)
            else:
                services.wait(lambda task=task: status(services, task) is TaskStatus.FINISHED, name)  # type: ignore[misc]
        for case in cases:
            cli("connector", "show", case.name)
            cli("connector", "check", case.name)
            cli("connector", "check", f"{case.name}-refused", code=1)
            cli("connector", "show", f"{case.name}-refused", "--json")
            cli("export", "show", f"{case.name}-refused")
            cli("verify", case.name)
        cancel_a_run(services)
        what_goes_wrong(cli)
        for what, question in QUESTIONS.items():
            everything.add(f"GraphQL: {what}", json.dumps(ask(services, question), ensure_ascii=False))
        statuses = {run["status"] for run in ask(services, QUESTIONS["runs"])["runsOrError"]["results"]}
    assert {"SUCCESS", "FAILURE", "CANCELED"} <= statuses
    for name, config in configs.items():
        everything.add(f"{name}: repr", f"{config!r} {config} {config.model_dump()} {vars(config)}")
        everything.add(f"{name}: JSON", config.model_dump_json())
    what_was_delivered({case.name: case.works for case in cases}, installation, everything)
    everything.add_files(installation.folder, but=frozenset({key_file}))

    kept = [name for name, _ in everything.things]
    assert any(name.endswith("control.db") for name in kept)
    assert any("compute_logs" in name or name.endswith(".err") for name in kept)
    assert sum(name.startswith("dagster/") for name in kept) > 10
    assert search.found_in_all(everything.things) == []


def withdraw_credentials(installation: Installation, name: str) -> None:
    """As if they had been good when they were checked: the next to find out is a run."""
    now = datetime.now(UTC)
    with writing(installation.deployment.control) as connection:
        connector = find_connector(connection, "default", name)
        change_state(connection, connector.id, ConnectorState.RUNNING, "Its check passed.", now=now)
        ask_for_check(connection, connector.id, now=now + timedelta(days=1))


def state_of(installation: Installation, name: str) -> ConnectorState:
    with reading(installation.deployment.control) as connection:
        return find_connector(connection, "default", name).state


def request_hours(services: Services, export: str, hours: int) -> str:
    """The id of a task for the hours from the first one on."""
    with writing(services.installation.deployment.control) as connection:
        until = FIRST + hours * ONE_HOUR
        return create_task(
            connection, organization="default", export=export, since=FIRST, until=until, force=True
        ).id


def status(services: Services, task: str) -> TaskStatus:
    with reading(services.installation.deployment.control) as connection:
        return show_task(connection, "default", task).status


def cancel_a_run(services: Services) -> None:
    """One at work, which has many rows to write."""
    services.installation.change_source(
        "INSERT INTO events SELECT happened_at + to_microseconds(j), id * 100000 + j + 1000, kind, amount"
        " FROM events, range(3000) AS more(j)"
    )
    request_hours(services, "s-three", HOURS)
    running: list[str] = []

    def started() -> bool:
        runs = ask(services, "{ runsOrError { ... on Runs { results { runId status } } } }")["runsOrError"]
        running[:] = [run["runId"] for run in runs["results"] if run["status"] == "STARTED"]
        return bool(running)

    services.wait(started, "the run at work")
    ask(
        services,
        "mutation Stop($id: String!) { terminateRun(runId: $id) { __typename ... on Error { message } } }",
        id=running[0],
    )

    def ended() -> bool:
        query = "query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        found = ask(services, query, id=running[0])["runOrError"]["status"]
        return found not in ("STARTED", "CANCELING")

    services.wait(ended, "the run cancelled")


def what_goes_wrong(cli: CommandLine) -> None:
    """Servers that are not there, whose addresses hold a password."""
    password = quote(SOURCE_PASSWORD, safe="")
    for url in (
        f"mysql://user:{password}@127.0.0.1:1/events",
        f"no such://user:{password}@127.0.0.1:1/events",
        f"postgresql://user:{password}@127.0.0.1:1/events",
    ):
        cli("dataset", "check", code=None, environ={"EVENTS_URL": url})
    cli("connector", "list", code=1, environ={"EXPORT_PIPELINE_CONTROL_URL": url})


def what_was_delivered(
    configs: Mapping[str, ConnectorConfig], installation: Installation, everything: Everything
) -> None:
    for name, config in configs.items():
        destination = config.open()
        try:
            keys = [stored.key for stored in destination.list("")]
        except ExportPipelineError:  # who cannot be asked; the receiver's own folder is looked into
            continue
        assert keys
        for key in keys:
            everything.add(f"{name}: {key}", b"".join(destination.get(key)))
            everything.add(f"{name}: metadata of {key}", repr(destination.head(key)))
    assert list(installation.downloads.rglob("*.csv"))
