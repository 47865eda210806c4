"""What is particular to a bucket of Google: its options, identities, pages, and what the environment says."""

import json
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from google.auth._exponential_backoff import ExponentialBackoff
from pydantic import SecretStr

from export_pipeline.connectors import retrying
from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.gcs import GcsCredentials
from export_pipeline.errors import Denied, PermanentFailure, TransientFailure, Unreadable
from export_pipeline_tests.connectors.objects import MIB, keys, led_to, noise, put, read
from export_pipeline_tests.servers.fault_proxy import Fault, Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.gcs import GcsServer
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.site import Site, site

KMS_KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"


@pytest.fixture
def bucket(gcs_server: GcsServer) -> str:
    return gcs_server.new_bucket()


def test_objects_lie_below_the_prefix_and_others_are_not_seen(gcs_server: GcsServer, bucket: str) -> None:
    put(gcs_server.config(bucket).open(), "exports/daily2/other.csv", b"2")

    put(gcs_server.config(bucket, prefix="exports/daily").open(), "a.csv", b"1")

    assert keys(gcs_server.config(bucket).open()) == ["exports/daily/a.csv", "exports/daily2/other.csv"]
    assert keys(gcs_server.config(bucket, prefix="exports/daily").open()) == ["a.csv"]


def test_more_objects_than_a_page_holds_are_listed(gcs_server: GcsServer, bucket: str) -> None:
    wanted = [f"many/{number:04}" for number in range(1_010)]
    there = gcs_server.client().bucket(bucket)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: there.blob(name).upload_from_string(b""), wanted))

    assert keys(gcs_server.config(bucket).open(), "many/") == wanted


def test_the_prefix_counts_towards_the_longest_key(gcs_server: GcsServer) -> None:
    destination = gcs_server.config("any", prefix="p" * 500).open()

    with pytest.raises(PermanentFailure, match="takes 1101 bytes"):
        destination.begin("k" * 600, {})


def test_a_name_that_google_forbids_is_refused(gcs_server: GcsServer, bucket: str) -> None:
    with pytest.raises(PermanentFailure, match="change the path"):
        gcs_server.config(bucket).open().begin(".well-known/acme-challenge/a.csv", {})


@pytest.mark.parametrize("size", [3, 9 * MIB])
def test_objects_are_of_the_class_and_under_the_key_of_the_configuration(
    gcs_server: GcsServer, bucket: str, size: int
) -> None:
    config = gcs_server.config(bucket, storage_class="NEARLINE", kms_key_name=KMS_KEY)
    with fault_proxy(gcs_server.port) as proxy:
        put(led_to(proxy.url, config).open(), "a.csv", noise(size))
        asked = [request.path for request, _ in proxy.arrivals if "/upload/" in request.path]

    # The server forgets the class of what comes in several requests; the gate heard it.
    (described,) = [one.described for one in gcs_server.gate.sessions.values() if one.bucket == bucket] or [
        {"storageClass": gcs_server.client().bucket(bucket).get_blob("a.csv").storage_class}
    ]
    assert described["storageClass"] == "NEARLINE"
    assert "kmsKeyName=projects%2Fp%2Flocations%2Fl%2FkeyRings%2Fr%2FcryptoKeys%2Fk" in asked[0]


def test_without_a_key_the_deployments_own_identity_is_used(
    gcs_server: GcsServer, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key.json").write_text(json.dumps(dict(gcs_server.admin.info)))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))

    destination = gcs_server.config(bucket, service_account=None).open()

    put(destination, "a.csv", b"1")
    assert read(destination, "a.csv") == b"1"


def test_no_identity_at_all_is_named(gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # or the client asks the cloud's own address

    with pytest.raises(PermanentFailure, match="give the connector a service account"):
        gcs_server.config("any", service_account=None).open().delete("a.csv")


def test_a_key_that_cannot_be_read_is_named_and_not_shown(gcs_server: GcsServer) -> None:
    spoilt = json.dumps({**gcs_server.admin.info, "private_key": "-----BEGIN hunter2-----"})

    with pytest.raises(PermanentFailure, match="download it anew") as caught:
        put(gcs_server.config("any", service_account=SecretStr(spoilt)).open(), "a.csv", b"1")

    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_the_environment_does_not_redirect_a_connector(
    gcs_server: GcsServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")

    put(gcs_server.config(bucket).open(), "a.csv", noise(9 * MIB))

    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    assert keys(gcs_server.config(bucket).open()) == ["a.csv"]


@pytest.mark.parametrize("answer", [b"<html></html>", b"[]", b'"token"'])
def test_who_gives_out_no_tokens_has_had_nothing_written(gcs_server: GcsServer, answer: bytes) -> None:
    """Nor may what lies there be taken for ours because of an answer that was none of the store's."""
    with site() as running:
        running.gives_tokens = False
        running.answer(200, {"Content-Type": "text/html", "Content-Length": str(len(answer))}, [answer])
        with pytest.raises(Denied, match="check the connector's credentials") as caught:
            put(led_to(running.url, gcs_server.config("any")).open(), "a.csv", b"1")

    assert not caught.value.unheard


def test_who_hears_nothing_of_tokens_has_had_nothing_written(
    gcs_server: GcsServer, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.01)
    plan = Once(Fault.RESET_AFTER, lambda request: request.path == "/token", times=99)
    with fault_proxy(gcs_server.port, plan) as proxy:
        destination = led_to(proxy.url, gcs_server.config(bucket)).open()

        with pytest.raises(TransientFailure, match="no answer from") as caught:
            put(destination, "a.csv", b"1")

    assert not caught.value.unheard
    assert {request.path for request, _ in proxy.arrivals} == {"/token"}


@pytest.mark.slow  # Google's client asks for tokens several times itself, each time that we do
def test_tokens_that_are_not_given_out_now_are_worth_another_try(gcs_server: GcsServer, bucket: str) -> None:
    plan = Once(Fault.UNAVAILABLE, lambda request: request.path == "/token", times=99)
    with fault_proxy(gcs_server.port, plan) as proxy:
        destination = led_to(proxy.url, gcs_server.config(bucket)).open()

        with pytest.raises(TransientFailure, match="no tokens now"):
            put(destination, "a.csv", b"1")


@pytest.fixture
def metadata_server(gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Such as a machine in Google's cloud has; it tells who we are, and gives us the owner's tokens."""
    gcs_server.gate.tokens["of-the-machine"] = gcs_server.admin
    told = {"email": "me@example", "access_token": "of-the-machine", "expires_in": 60, "token_type": "Bearer"}
    body = json.dumps(told).encode()
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
    # The client has read its environment long since, and waits for seconds between its attempts.
    asking = "google.auth.compute_engine._metadata"
    monkeypatch.setattr(
        f"{asking}.ExponentialBackoff", partial(ExponentialBackoff, initial_wait_seconds=0.01)
    )
    monkeypatch.setattr(f"{asking}._NO_GCE_CHECK", False)
    monkeypatch.setattr(retrying, "FIRST_WAIT", 0.01)
    with site() as running:
        fields = {"Metadata-Flavor": "Google", "Content-Type": "application/json"}
        running.answer(200, {**fields, "Content-Length": str(len(body))}, [body])
        yield running


def asked_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Google's client take that for the machine's metadata server, as GCE_METADATA_HOST does."""
    host = url.removeprefix("http://")
    monkeypatch.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", host)
    monkeypatch.setenv("GCE_METADATA_IP", host)


def of_the_account(request: Request) -> bool:
    return "service-accounts" in request.path


@pytest.mark.parametrize(
    ("blip", "times"),  # the client asks five times itself, but for the last
    [(Fault.UNAVAILABLE, 5), (Fault.RESET, 5), (Fault.GAVE_UP, 5), (Instead(status="502 Bad Gateway"), 1)],
    ids=["503", "reset", "504", "502"],
)
def test_a_metadata_server_that_is_away_for_a_moment_costs_no_hour(
    gcs_server: GcsServer,
    bucket: str,
    metadata_server: Site,
    monkeypatch: pytest.MonkeyPatch,
    blip: Fault | Instead,
    times: int,
) -> None:
    config = gcs_server.config(bucket, service_account=None)
    once = Once(blip, of_the_account, times=times)
    with fault_proxy(metadata_server.server_port, once) as proxy:
        asked_at(proxy.url, monkeypatch)
        put(config.open(), "a.csv", b"1")
        assert keys(config.open()) == ["a.csv"]

    always = Once(blip, of_the_account, times=99)
    with fault_proxy(metadata_server.server_port, always) as proxy:
        asked_at(proxy.url, monkeypatch)
        with pytest.raises(TransientFailure, match="no tokens now; try again later") as caught:
            put(config.open(), "b.csv", b"1")
    assert not caught.value.unheard


def test_a_machine_without_an_account_is_told_so_by_its_metadata_server(
    gcs_server: GcsServer, metadata_server: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Once(Instead(status="404 Not Found"), of_the_account, times=99)
    with fault_proxy(metadata_server.server_port, none) as proxy:
        asked_at(proxy.url, monkeypatch)
        with pytest.raises(Denied, match="check the connector's credentials"):
            put(gcs_server.config("any", service_account=None).open(), "a.csv", b"1")


def test_a_bucket_that_goes_away_is_not_an_empty_one(gcs_server: GcsServer) -> None:
    destination = gcs_server.config("nobody-made-this").open()

    with pytest.raises(PermanentFailure, match="no such bucket"):
        destination.head("a.csv")
    with pytest.raises(PermanentFailure, match="no such bucket"):
        destination.delete("a.csv")
    with pytest.raises(PermanentFailure, match="no such bucket"):
        keys(destination)


def test_a_readers_key_that_cannot_be_read_breaks_no_upload(gcs_server: GcsServer, bucket: str) -> None:
    spoilt = json.dumps({**gcs_server.admin.info, "private_key": "-----BEGIN hunter2-----"})
    read_by = GcsCredentials(service_account=SecretStr(spoilt))
    destination = gcs_server.config(bucket, read=read_by).open()

    put(destination, "a.csv", noise(9 * MIB))

    with pytest.raises(Unreadable, match=r"credentials for reading.*download it anew"):
        read(destination, "a.csv")
    assert read(gcs_server.config(bucket).open(), "a.csv") == noise(9 * MIB)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254"])
def test_an_address_inside_is_not_called_on_nor_asked_for_tokens(gcs_server: GcsServer, host: str) -> None:
    config = led_to(f"http://{host}:{gcs_server.port}", gcs_server.config(gcs_server.new_bucket()))
    allow([])

    with pytest.raises(PermanentFailure, match=r"could not write .* must not call there"):
        put(config.open(), "a.csv", b"1")
    with pytest.raises(PermanentFailure, match=r"could not read .* must not call there"):
        read(config.open(), "a.csv")


def test_our_own_identity_is_found_inside(
    gcs_server: GcsServer, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where tokens come from is then the operator's word, and where objects go is not."""
    (tmp_path / "key.json").write_text(json.dumps(dict(gcs_server.admin.info)))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    config = gcs_server.config(bucket, service_account=None)
    asked = len(gcs_server.gate.tokens)
    allow([])

    with pytest.raises(PermanentFailure, match="must not call there"):
        put(config.open(), "a.csv", b"1")

    assert len(gcs_server.gate.tokens) > asked


def test_nobody_is_asked_behind_our_back(gcs_server: GcsServer) -> None:
    others = set(threading.enumerate())
    with site() as running:
        running.answer(200, {"Content-Type": "application/json", "Content-Length": "2"}, [b"{}"])
        assert keys(led_to(running.url, gcs_server.config("any")).open()) == []
        for one in set(threading.enumerate()) - others:
            if "fetch" in one.name:
                one.join(timeout=60)

        assert len(running.heard) == 2  # for a token, and for the list
