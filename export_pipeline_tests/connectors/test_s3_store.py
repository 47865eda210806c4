"""What is particular to a bucket of S3: its users' rights, its keys, and stores that do not answer."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.utils import ContainerMetadataFetcher
from pydantic import SecretStr

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.errors import HourFailed, PermanentFailure, TransientFailure
from export_pipeline_tests.connectors.objects import MIB, keys, noise, put, read
from export_pipeline_tests.servers.fault_proxy import Fault, Once, fault_proxy
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.s3 import S3Server, User
from export_pipeline_tests.servers.site import Site, site

CREDENTIALS = "check the connector's credentials"


@pytest.fixture(params=["s3_server", "moto_server"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """Two independent servers, which know rights and signatures."""
    found: S3Server = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("size", [1, 7 * MIB])
@pytest.mark.parametrize("user", ["wrong secret", "unknown key"])
def test_wrong_credentials_are_named(server: S3Server, user: str, size: int) -> None:
    wrong = {
        "wrong secret": User(access_key_id=server.admin.access_key_id, secret_access_key="guessed-guessed"),
        "unknown key": User(access_key_id="AKIAUNKNOWN", secret_access_key="guessed-guessed"),
    }[user]
    destination = server.config(server.new_bucket(), user=wrong).open()

    with pytest.raises(PermanentFailure, match=CREDENTIALS) as caught:
        put(destination, "a/b.csv", noise(size))

    assert "'a/b.csv'" in str(caught.value)
    assert "guessed" not in str(caught.value)


@pytest.mark.parametrize("size", [3, 9 * MIB])
def test_who_may_only_write_writes_and_does_not_read(server: S3Server, size: int) -> None:
    bucket = server.new_bucket()
    destination = server.config(bucket, user=server.writer).open()

    put(destination, "a.csv", noise(size))

    assert read(server.config(bucket).open(), "a.csv") == noise(size)
    with pytest.raises(PermanentFailure, match=f"not allowed to read.*{CREDENTIALS}"):
        read(destination, "a.csv")
    with pytest.raises(PermanentFailure, match=f"not allowed to look at.*{CREDENTIALS}"):
        destination.head("a.csv")
    with pytest.raises(PermanentFailure, match=f"not allowed to list.*{CREDENTIALS}"):
        keys(destination)


@pytest.mark.parametrize(
    "use",
    [
        lambda destination: put(destination, "a.csv", b"1"),
        lambda destination: put(destination, "a.csv", noise(9 * MIB)),
        lambda destination: read(destination, "a.csv"),
        keys,
    ],
    ids=["write", "write parts", "read", "list"],
)
def test_a_missing_bucket_is_named(server: S3Server, use: Callable[[Destination], Any]) -> None:
    destination = server.config("nobody-made-this").open()

    with pytest.raises(PermanentFailure, match="no such bucket; create it") as caught:
        use(destination)

    assert "'nobody-made-this'" in str(caught.value)


def test_a_reading_that_breaks_off_is_worth_another_try(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    put(s3_server.config(bucket).open(), "a.csv", b"1")
    plan = Once(Fault.RESET, lambda request: request.method == "GET", times=99)
    with fault_proxy(s3_server.port, plan) as proxy:
        destination = s3_server.config(bucket, endpoint_url=proxy.url).open()

        with pytest.raises(TransientFailure, match=r"a\.csv.*no answer"):
            read(destination, "a.csv")


@pytest.mark.parametrize("words", ["<Code/>", "<Code/><Message/>", "<Code><x>1</x></Code>"])
@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_in_no_words_is_no_bug(s3_server: S3Server, status: int, words: str) -> None:
    with site() as running:
        running.answer(status, {"Content-Type": "application/xml"}, [f"<Error>{words}</Error>".encode()])
        destination = s3_server.config("any", endpoint_url=running.url).open()
        with pytest.raises(HourFailed, match=r"could not read 'a\.csv'"):
            read(destination, "a.csv")


def test_objects_lie_below_the_prefix_and_others_are_not_seen(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    put(s3_server.config(bucket).open(), "exports/daily2/other.csv", b"2")

    put(s3_server.config(bucket, prefix="exports/daily").open(), "a.csv", b"1")

    assert keys(s3_server.config(bucket).open()) == ["exports/daily/a.csv", "exports/daily2/other.csv"]
    assert keys(s3_server.config(bucket, prefix="exports/daily").open()) == ["a.csv"]


def test_more_objects_than_a_page_holds_are_listed(s3_server: S3Server) -> None:
    bucket, client = s3_server.new_bucket(), s3_server.client()
    wanted = [f"many/{number:04}" for number in range(1_010)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=bucket, Key=key, Body=b""), wanted))

    assert keys(s3_server.config(bucket).open(), "many/") == wanted


def test_marks_of_empty_folders_are_no_objects(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    s3_server.client().put_object(Bucket=bucket, Key="exports/", Body=b"")

    assert keys(s3_server.config(bucket).open()) == []


def test_the_prefix_counts_towards_the_longest_key(s3_server: S3Server) -> None:
    destination = s3_server.config("any", prefix="p" * 500).open()

    with pytest.raises(PermanentFailure, match="takes 1101 bytes"):
        destination.begin("k" * 600, {})


def test_the_environment_does_not_redirect_a_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere.invalid")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere.invalid")

    assert S3Config(bucket="sales").opened().client.meta.endpoint_url == "https://s3.amazonaws.com"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "https://sales.s3.amazonaws.com/a.csv"),
        ({"region": "eu-west-1"}, "https://sales.s3.eu-west-1.amazonaws.com/a.csv"),
        ({"path_style": True}, "https://s3.amazonaws.com/sales/a.csv"),
        ({"endpoint_url": "https://minio.example"}, "https://minio.example/sales/a.csv"),
        (
            {"endpoint_url": "https://oss.example", "path_style": False},
            "https://sales.oss.example/a.csv",
        ),
    ],
)
def test_the_bucket_stands_where_the_store_looks_for_it(given: dict[str, Any], url: str) -> None:
    config = S3Config(bucket="sales", access_key_id="AKIA1", secret_access_key=SecretStr("x" * 16), **given)

    destination = config.opened()
    destination.client.meta.events.register("request-created.s3", _stop_before_sending)

    with pytest.raises(Asked) as caught:
        destination.head("a.csv")

    assert caught.value.args == (url,)


class Asked(Exception):  # it says what was asked, not what went wrong
    """Carries the address that a client was about to ask."""


def _stop_before_sending(request: AWSRequest, **_: object) -> None:
    raise Asked(request.url)


def test_a_location_is_what_people_write() -> None:
    assert S3Config(bucket="sales").location == "s3://sales"
    assert S3Config.model_validate({"bucket": "sales", "prefix": "a/b/"}).location == "s3://sales/a/b"


@pytest.mark.parametrize(
    ("text", "profile", "says"),
    [
        ("[default]\n", "nobody-made-this", "has no profile 'nobody-made-this': define it"),
        ("[[[\n=", "default", "change this machine's own configuration of AWS"),
    ],
)
def test_a_wrong_configuration_of_the_machine_is_not_taken_for_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, profile: str, says: str
) -> None:
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_PROFILE", profile)

    with pytest.raises(PermanentFailure, match=says):
        S3Config(bucket="sales").open()


def test_what_is_known_of_a_failure_is_not_lost_by_telling_it() -> None:
    busy = TransientFailure("busy", wait=3)
    busy.unheard = True
    destination = S3Config(bucket="sales").opened()
    with (
        pytest.raises(TransientFailure, match=r"could not write 'a\.csv' in bucket 'sales': busy") as caught,
        destination.translated("write", "a.csv"),
    ):
        raise busy

    assert (caught.value.wait, caught.value.unheard) == (3, True)


@pytest.fixture
def gives_credentials(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """What gives this machine its own, as in a container: they end so soon that each request wants others."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)  # between its three attempts
    given = {
        "AccessKeyId": s3_server.writer.access_key_id,
        "SecretAccessKey": s3_server.writer.secret_access_key,
        "Token": "",
        "Expiration": f"{datetime.now(UTC) + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}",
    }
    with site() as running:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{running.url}/")
        running.answer(200, {"Content-Type": "application/json"}, [json.dumps(given).encode()])
        yield running


@pytest.mark.parametrize("role", [None, "arn:aws:iam::123456789012:role/exports"])
def test_who_gets_no_credentials_of_the_machine_any_more_has_had_nothing_written(
    s3_server: S3Server, gives_credentials: Site, role: str | None
) -> None:
    with fault_proxy(s3_server.port) as proxy:
        config = s3_server.config(
            "sales",
            access_key_id=None,
            secret_access_key=None,
            role_arn=role,
            sts_endpoint_url=proxy.url,
            endpoint_url=proxy.url,
        )
        destination = config.open()
        gives_credentials.answer(500, {"Content-Length": "0"})

        with pytest.raises(TransientFailure, match="what gives this machine its own") as caught:
            put(destination, "a.csv", b"1")

    assert not caught.value.unheard
    assert proxy.arrivals == []
    assert gives_credentials.heard


def test_who_gets_none_to_begin_with_may_try_again(s3_server: S3Server, gives_credentials: Site) -> None:
    gives_credentials.answer(500, {"Content-Length": "0"})

    with pytest.raises(TransientFailure, match="in the name of this machine: what gives"):
        s3_server.config("sales", access_key_id=None, secret_access_key=None).open()


def test_a_region_that_is_none_is_named() -> None:
    with pytest.raises(PermanentFailure, match="region is not the name of any"):
        S3Config(bucket="sales", region="-").open()


def test_no_credentials_at_all_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # or the client asks the cloud's own address
    config = S3Config(bucket="sales", endpoint_url=f"http://127.0.0.1:{free_port()}")

    with pytest.raises(PermanentFailure, match="give it an access key"):
        put(config.open(), "a.csv", b"1")
