"""A rotation that is killed at several points, on each database, loses nothing and can be done again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from export_pipeline.connectors.s3 import S3Config
from export_pipeline.control.secret_keys import show_keys
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.settings import Settings
from export_pipeline.store.connectors import add_connector, connector_config, list_connectors
from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import secret_key

CONNECTORS = 80
SECONDS = 120

# Stores connectors and opens them all the time, with the keys it read when it began and what it finds later.
BUSY = """
import sys
import time
from pathlib import Path
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.deployment import open_deployment
from export_pipeline.settings import Settings
from export_pipeline.store.connectors import add_connector
from export_pipeline.store.database import writing

deployment = open_deployment(Settings(home=Path(sys.argv[1]), control_url=sys.argv[2]))
print("ready", flush=True)
made = 0
while not Path(sys.argv[3]).exists():
    config = S3Config(bucket="busy", access_key_id="AKIA", secret_access_key=f"secret number {made}")
    with writing(deployment.control) as connection:
        stored = add_connector(connection, deployment.secret_key, "default", f"busy-{made}", config)
    assert deployment.connector(stored.id) == config
    made += 1
    time.sleep(0.1)  # so that there is not more to seal each moment than is sealed
print(made)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """With many connectors, each with a secret of its own."""
    url = f"sqlite:///{tmp_path / 'home' / 'control.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database").replace("postgresql+psycopg", "postgresql")
    opened = open_deployment(Settings(home=tmp_path / "home", control_url=url))
    with writing(opened.control) as connection:
        for number in range(CONNECTORS):
            config = S3Config.model_validate(
                {"bucket": "bucket", "access_key_id": "AKIA", "secret_access_key": f"number {number}"}
            )
            add_connector(connection, opened.secret_key, "default", f"connector-{number}", config)
    yield opened
    opened.close()


def environ(deployment: Deployment) -> Mapping[str, str]:
    settings = deployment.settings
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("EXPORT_PIPELINE_")},
        "EXPORT_PIPELINE_HOME": str(settings.home),
        "EXPORT_PIPELINE_CONTROL_URL": settings.control_database_url,
    }


def begin(deployment: Deployment, command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "export_pipeline.cli", "secret-key", command],
        env=environ(deployment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(deployment: Deployment, command: str) -> str:
    process = begin(deployment, command)
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    return said


def lines(deployment: Deployment) -> list[str]:
    return deployment.settings.key_file.read_text().split()


def sealed_anew(deployment: Deployment) -> int:
    key = secret_key(None, deployment.settings.key_file)
    with reading(deployment.control) as connection:
        return show_keys(connection, key).keys[0].sealed


def assert_all_is_readable(deployment: Deployment) -> None:
    """By a process that read the keys before, and by one that reads them now."""
    key_file = deployment.settings.key_file
    assert key_file.stat().st_mode & 0o777 == 0o600
    for key in (deployment.secret_key, secret_key(None, key_file)):
        with reading(deployment.control) as connection:
            listed = list_connectors(connection, "default")
            ids = [(one.id, one.name) for one in listed if one.name.startswith("connector-")]
            assert len(ids) == CONNECTORS
            for id_, name in ids:
                config = connector_config(connection, key, id_)
                assert isinstance(config, S3Config)
                assert config.secret_access_key is not None
                number = name.removeprefix("connector-")
                assert config.secret_access_key.get_secret_value() == f"number {number}"


def until(done: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    give_up = time.monotonic() + SECONDS
    while not done() and process.poll() is None:
        assert time.monotonic() < give_up
        time.sleep(0.002)


def test_a_rotation_killed_anywhere_loses_nothing_and_can_be_done_again(deployment: Deployment) -> None:
    killed_in_the_middle = 0
    for share in (0.0, 0.0, 0.1, 0.5, 0.9):
        before = len(lines(deployment))
        process = begin(deployment, "rotate")
        until(lambda before=before: len(lines(deployment)) > before, process)  # type: ignore[misc]
        if share:
            until(lambda share=share: sealed_anew(deployment) >= share * CONNECTORS, process)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=SECONDS)
        killed_in_the_middle += sealed_anew(deployment) < CONNECTORS
        assert_all_is_readable(deployment)
    assert killed_in_the_middle >= 2, "they ended before they could be killed"

    run(deployment, "rotate")
    assert sealed_anew(deployment) == CONNECTORS + 1  # and the one that is always there
    run(deployment, "prune")

    assert len(lines(deployment)) == 1
    assert_all_is_readable(deployment)
    left = {path.name for path in deployment.settings.home.iterdir() if path.name.startswith("secret.key")}
    assert left == {"secret.key", "secret.key.lock"}


def test_a_killed_pruning_leaves_what_is_needed(deployment: Deployment) -> None:
    for delay in (0.3, 0.6, 0.9, 1.2):
        run(deployment, "rotate")
        process = begin(deployment, "prune")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(delay / 4)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=SECONDS)
        assert_all_is_readable(deployment)


def test_processes_that_are_at_work_neither_fail_nor_lose_what_they_store(
    deployment: Deployment, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    busy = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", BUSY.replace("busy-", f"busy-{number}-")),
                *(str(deployment.settings.home), deployment.settings.control_database_url, str(stop)),
            ],
            env=environ(deployment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        for process in busy:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        run(deployment, "rotate")
        run(deployment, "prune")
    finally:
        stop.touch()
        ended = [process.communicate(timeout=SECONDS) for process in busy]
    for process, (_, complaints) in zip(busy, ended, strict=True):
        assert process.returncode == 0, complaints
    made = sum(int(said) for said, _ in ended)
    assert made > 0
    assert_all_is_readable(deployment)
    with reading(deployment.control) as connection:
        found = show_keys(connection, secret_key(None, deployment.settings.key_file))
    assert found.sealed_by_others == 0
    assert sum(key.sealed for key in found.keys) == CONNECTORS + 1 + made


def test_two_rotations_at_once_do_the_work_of_one_or_of_two_and_lose_nothing(deployment: Deployment) -> None:
    both = [begin(deployment, "rotate") for _ in range(2)]
    said = [process.communicate(timeout=SECONDS)[0] for process in both]

    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 2]), said
    if codes == [0, 2]:
        assert "another rotation is at work" in "".join(said)
    assert len(lines(deployment)) == 1 + codes.count(0)
    assert sealed_anew(deployment) == CONNECTORS + 1
    assert_all_is_readable(deployment)
    assert Fernet(lines(deployment)[0])
