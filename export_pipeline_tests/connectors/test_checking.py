"""A connector is tried step by step, and each step says how it went."""

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import botocore.auth
import pytest

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.checking import CheckStep, check
from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.destination import Destination, Proof, StoredObject, Upload, Version
from export_pipeline.connectors.folder import FolderDestination
from export_pipeline.connectors.http import HttpConfig
from export_pipeline.connectors.probing import CONTENT
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.errors import Denied, Kept, TransientFailure
from export_pipeline_tests.connectors.conftest import Users
from export_pipeline_tests.connectors.objects import Unseen, keys, led_to, port_of, put, read
from export_pipeline_tests.servers.fault_proxy import Fault, Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.http import Receiver
from export_pipeline_tests.servers.s3 import S3Server, moto_user

HERE = "file:///"
MINE = "export-pipeline-check-mine.txt"
STEPS = ["resolve", "connect", "authenticate", "list", "write", "read", "conditional write", "delete"]


def tried(config: ConnectorConfig) -> Iterator[CheckStep]:
    return check(config.open(), config.address, inside=config.inside)


def named(config: ConnectorConfig, *, stays: bool) -> Iterator[CheckStep]:
    return check(config.open(), config.address, inside=config.inside, probe=MINE, stays=stays)


def outcome(steps: Iterator[CheckStep]) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in steps]


def passed(last: str) -> list[tuple[str, bool]]:
    return [(name, True) for name in STEPS[: STEPS.index(last) + 1]]


def test_a_good_connector_passes_every_step(connector: ConnectorConfig) -> None:
    assert outcome(tried(connector)) == [(name, True) for name in STEPS]


def test_nothing_is_left_behind(connector: ConnectorConfig) -> None:
    steps = list(tried(connector))

    assert not any(step.leaves or "Parts of uploads" in step.message for step in steps)
    assert keys(connector.open()) == []


def test_a_check_that_is_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path)
    steps = check(destination, HERE)
    for _ in range(STEPS.index("read")):
        next(steps)
    there_meanwhile = len(keys(destination))

    steps.close()  # type: ignore[attr-defined]  # a generator, though promised as an iterator

    assert there_meanwhile == 1
    assert keys(destination) == []


def test_who_may_not_write_hears_so_at_that_step(s3_server: S3Server) -> None:
    steps = list(tried(s3_server.config(s3_server.new_bucket(), user=s3_server.reader)))

    assert outcome(iter(steps)) == [*passed("list"), ("write", False)]
    assert "check the connector's credentials" in steps[-1].message


def test_who_may_only_write_is_told_what_has_to_do_for_a_proof(s3_server: S3Server) -> None:
    steps = list(tried(s3_server.config(s3_server.new_bucket(), user=s3_server.writer)))

    assert all(step.ok for step in steps)
    (read_back,) = [step for step in steps if step.name == "read"]
    assert "the store's checksum has to do for a proof: not allowed to read" in read_back.message


@pytest.mark.parametrize("more", [[], ["s3:GetObject", "s3:ListBucket"]], ids=["unseen", "seen"])
def test_who_may_write_and_not_delete_passes_and_is_told_what_stays(
    moto_server: S3Server, more: list[str]
) -> None:
    bucket = moto_server.new_bucket()
    config = moto_server.config(bucket, user=moto_user(moto_server, "s3:PutObject", *more))

    for stays in (False, True, True):
        steps = list(named(config, stays=stays))
        assert outcome(iter(steps)) == [(name, True) for name in STEPS]
        assert [step.name for step in steps if step.leaves] == ["delete"]
        assert f"does not matter: {MINE} stays there, not allowed to delete" in steps[-1].message

    assert keys(moto_server.config(bucket).open()) == [MINE]


def test_what_stays_is_not_forgotten_by_a_check_that_fails(s3_server: S3Server) -> None:
    *_, step = named(s3_server.config("no-such-bucket"), stays=True)

    assert (step.ok, step.leaves) == (False, True)


def test_a_probe_that_need_not_stay_any_more_is_deleted(connector: ConnectorConfig) -> None:
    put(connector.open(), MINE, b"left by an earlier check")

    assert outcome(named(connector, stays=True)) == [(name, True) for name in STEPS]
    assert keys(connector.open()) == []


def test_two_checks_of_a_connector_at_once_do_not_disturb_each_other(connector: ConnectorConfig) -> None:
    one = tried(connector)
    for _ in range(STEPS.index("read")):
        next(one)

    assert outcome(tried(connector)) == [(name, True) for name in STEPS]
    assert outcome(one) == [(name, True) for name in STEPS[STEPS.index("read") :]]
    assert keys(connector.open()) == []


@pytest.mark.parametrize("until", ["read", "conditional write"])
def test_who_finds_its_probe_gone_or_changed_by_another_check_is_not_refused_for_good(
    tmp_path: Path, until: str
) -> None:
    """As where a copy of the installation goes on with what it knows of the same probe."""
    store = FolderDestination(tmp_path)
    one = check(store, HERE, probe=MINE, stays=True)
    for _ in range(STEPS.index(until)):
        next(one)

    assert outcome(check(store, HERE, probe=MINE, stays=True)) == [(name, True) for name in STEPS]
    *_, last = one

    assert (last.name, last.ok, last.passes) == (until, False, True)


def test_a_missing_bucket_is_named(s3_server: S3Server) -> None:
    *_, step = tried(s3_server.config("no-such-bucket"))

    assert not step.ok
    assert "no such bucket" in step.message


def test_messages_are_sentences(s3_server: S3Server) -> None:
    steps = [*tried(s3_server.config(s3_server.new_bucket())), *tried(s3_server.config("none"))]

    assert all(step.message[0].isupper() and step.message.endswith(".") for step in steps)


@dataclass(frozen=True)
class Careless:
    """A store as some are: it takes every write and ignores the conditions."""

    inner: Destination

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return CarelessUpload(self.inner, key, self.inner.begin(key, metadata))

    def head(self, key: str) -> StoredObject | None:
        return self.inner.head(key)

    def get(self, key: str) -> Iterator[bytes]:
        return self.inner.get(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self.inner.list(prefix)

    def delete(self, key: str) -> None:
        self.inner.delete(key)


@dataclass(frozen=True)
class CarelessUpload:
    destination: Destination
    key: str
    inner: Upload

    @property
    def proof(self) -> Proof:
        return self.inner.proof

    def write(self, data: bytes) -> None:
        self.inner.write(data)

    def begin_parts(self) -> bool:
        return self.inner.begin_parts()

    def commit(self, *, replaces: Version | None) -> Version:  # noqa: ARG002  # that is its fault
        found = self.destination.head(self.key)
        return self.inner.commit(replaces=found.version if found else None)

    def abort(self) -> None:
        self.inner.abort()


class Forgetful(Careless):
    """A store whose objects cannot be deleted, and which does not say so."""

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return self.inner.begin(key, metadata)

    def delete(self, key: str) -> None:
        pass


def test_a_store_that_ignores_conditions_is_found_out(tmp_path: Path) -> None:
    steps = list(check(Careless(FolderDestination(tmp_path)), HERE))

    assert outcome(iter(steps))[-1] == ("conditional write", False)
    assert "If-None-Match" in steps[-1].message


@pytest.fixture
def conditions_are_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they can be lost on the way to S3 too."""
    unsigned = [*botocore.auth.SIGNED_HEADERS_BLACKLIST, "if-match", "if-none-match"]
    monkeypatch.setattr(botocore.auth, "SIGNED_HEADERS_BLACKLIST", unsigned)


def everything(_: Request) -> bool:
    return True


def joining(request: Request) -> bool:
    """Whether it ends an upload in parts, or says beforehand on what condition that is to be."""
    return "uploadType=resumable" in request.path or (
        request.method == "POST" and "uploadId=" in request.path
    )


def joining_over(request: Request) -> bool:
    """The same of what is to replace an object."""
    named = "if-match" in request.fields or re.search("ifGenerationMatch=[1-9]", request.path)
    return joining(request) and bool(named)


def by_a_careless_way(config: ConnectorConfig, concerns: Callable[[Request], bool]) -> list[CheckStep]:
    """The steps where the store does not hear of the conditions of such requests."""
    plan = Once(Fault.UNCONDITIONAL, concerns, times=1_000)
    with fault_proxy(port_of(config), plan) as proxy:
        return list(tried(led_to(proxy.url, config)))


@pytest.mark.usefixtures("conditions_are_not_signed")
def test_every_store_that_ignores_conditions_is_found_out(users: Users) -> None:
    # Azure's owner signs them; who reads and writes apart there does not.
    config = users.apart if users.apart and users.apart.type == "azure" else users.owner

    *_, step = by_a_careless_way(config, everything)

    assert (step.name, step.ok, step.passes) == ("conditional write", False, False)
    assert "use a store that honours If-None-Match" in step.message


@pytest.mark.usefixtures("conditions_are_not_signed")
def test_it_is_found_out_where_nobody_may_look(users: Users) -> None:
    *_, step = by_a_careless_way(users.writer, everything)

    assert (step.name, step.ok, step.passes) == ("conditional write", False, False)
    assert "use a store that honours If-None-Match" in step.message


DENIED = Instead(status="403 Forbidden", body=b"<Error><Code>AccessDenied</Code></Error>")


@pytest.mark.parametrize("asked", ["uploads", "partNumber", "uploadId"])
@pytest.mark.parametrize("who", ["owner", "writer"])
def test_who_may_not_send_in_parts_is_told_so(s3_users: Users, who: str, asked: str) -> None:
    """Their small files alone would arrive."""

    def plan(request: Request) -> Instead | None:
        deletes = request.method == "DELETE" and "uploadId" not in request.path
        return DENIED if deletes or (asked in request.path and request.method in ("PUT", "POST")) else None

    with fault_proxy(port_of(s3_users.owner), plan) as proxy:
        for stays in (False, True, True):
            *_, step = named(led_to(proxy.url, getattr(s3_users, who)), stays=stays)

            assert (step.name, step.ok, step.passes) == ("write", False, False)
            assert step.message.startswith("Not allowed to write")


def test_where_only_conditions_let_write_a_probe_that_was_removed_accuses_nobody(s3_users: Users) -> None:
    """As a policy of the bucket may ask for them, and a lifecycle rule remove what checks left."""

    def plan(request: Request) -> Instead | None:
        whole = request.method == "PUT" and "partNumber" not in request.path
        deletes = request.method == "DELETE" and "uploadId" not in request.path
        return DENIED if deletes or (whole and "if-none-match" not in request.fields) else None

    with fault_proxy(port_of(s3_users.writer), plan) as proxy:
        there = led_to(proxy.url, s3_users.writer)
        for stays in (False, True):
            assert outcome(named(there, stays=stays)) == [(name, True) for name in STEPS]
        owner = s3_users.owner.open()
        for key in keys(owner):
            owner.delete(key)
        assert outcome(named(there, stays=True)) == [(name, True) for name in STEPS]

    assert [len(read(owner, key)) for key in keys(owner)] == [len(CONTENT)]


IMMUTABLE = {"x-ms-error-code": "BlobImmutableDueToPolicy"}
RETAINED = (
    "Object 'a' is subject to bucket's retention policy and cannot be deleted or overwritten until 2033"
)
LOCKED = b"Access Denied because object protected by object lock."


def by_google(message: str) -> Instead:
    body = json.dumps({"error": {"code": 403, "message": message}}).encode()
    return Instead(status="403 Forbidden", body=body, kind="application/json")


KEPT = {
    "azure": Instead(status="409 Conflict", fields=IMMUTABLE),
    "gcs": by_google(RETAINED),
    "s3": Instead(
        status="403 Forbidden",
        body=b"<Error><Code>AccessDenied</Code><Message>%s</Message></Error>" % LOCKED,
    ),
}


def publishing(request: Request) -> bool:
    """Whether an object is to be there after it."""
    if "/upload/storage" in request.path:  # Google's
        return request.method == "PUT" or "uploadType=multipart" in request.path
    if "comp=" in request.path:  # Azure's
        return "comp=blocklist" in request.path
    return request.method == ("POST" if "uploadId" in request.path else "PUT")


class FirstOnly:
    """A plan: the first that publishes an object is let do it; all that change it later hear `refusal`."""

    def __init__(self, refusal: Instead) -> None:
        self._refusal = refusal
        self.there = False

    def __call__(self, request: Request) -> Instead | None:
        deletes = request.method == "DELETE" and "upload" not in request.path
        if not (deletes or publishing(request)):
            return None
        was_there, self.there = self.there, True
        return self._refusal if was_there else None


@pytest.mark.parametrize("store", KEPT)
@pytest.mark.parametrize("who", ["owner", "writer"])
def test_a_policy_that_keeps_what_is_there_is_named(
    request: pytest.FixtureRequest, store: str, who: str
) -> None:
    users: Users = request.getfixturevalue(f"{store}_users")
    config = getattr(users, who)

    with fault_proxy(port_of(config), FirstOnly(KEPT[store])) as proxy:
        *_, step = tried(led_to(proxy.url, config))

    if who == "owner":  # whose exports replace an hour's file by its next revision
        assert (step.name, step.ok, step.passes) == ("conditional write", False, False)
    else:
        assert (step.name, step.ok, step.leaves) == ("delete", True, True)
        assert "Exports delete nothing" in step.message
    assert "keeps what is there; change that, or the path" in step.message


@pytest.mark.parametrize(
    ("store", "refusal"),
    [
        ("azure", Instead(status="403 Forbidden", fields={"x-ms-error-code": "AuthorizationFailure"})),
        ("gcs", by_google("me@x does not have storage.objects.create access")),
        ("s3", DENIED),
        ("s3", Instead(status="401 Unauthorized")),
        ("s3", Instead(status="400 Bad Request", body=b"<Error><Code>ExpiredToken</Code></Error>")),
        ("s3", Instead(status="403 Forbidden", body=b"<Error><Code>QuotaExceeded</Code></Error>")),
    ],
)
def test_who_is_let_write_once_has_not_shown_that_conditions_are_heeded(
    request: pytest.FixtureRequest, store: str, refusal: Instead
) -> None:
    """Nobody may look there, so what another write would do is not seen either."""
    config = request.getfixturevalue(f"{store}_users").writer

    with fault_proxy(port_of(config), FirstOnly(refusal)) as proxy:
        *_, step = tried(led_to(proxy.url, config))

    assert (step.name, step.ok, step.passes) == ("conditional write", False, False)
    assert "nobody knows whether the store heeds that: not allowed to write" in step.message


def test_who_may_create_and_not_overwrite_is_refused_for_that_by_google(gcs_users: Users) -> None:
    refusal = by_google("me@x does not have storage.objects.delete access to the object")

    with fault_proxy(port_of(gcs_users.writer), FirstOnly(refusal)) as proxy:
        assert outcome(tried(led_to(proxy.url, gcs_users.writer))) == [(name, True) for name in STEPS]


def test_where_others_are_at_it_nothing_is_known_yet(s3_users: Users) -> None:
    busy = Instead(status="409 Conflict", body=b"<Error><Code>ConditionalRequestConflict</Code></Error>")

    def plan(request: Request) -> Instead | None:
        return busy if request.method == "PUT" and "if-none-match" in request.fields else None

    with fault_proxy(port_of(s3_users.writer), plan) as proxy:
        *_, step = tried(led_to(proxy.url, s3_users.writer))

    assert (step.name, step.ok, step.passes) == ("conditional write", False, True)


@pytest.mark.parametrize(("store", "who"), [("gcs", "owner"), ("s3", "owner"), ("s3", "writer")])
@pytest.mark.usefixtures("conditions_are_not_signed")
def test_a_store_that_ignores_conditions_where_it_joins_parts_is_found_out(
    request: pytest.FixtureRequest, store: str, who: str
) -> None:
    users: Users = request.getfixturevalue(f"{store}_users")

    *_, step = by_a_careless_way(getattr(users, who), joining)

    assert (step.name, step.ok, step.passes) == ("conditional write", False, False)
    assert "joins the parts" in step.message


@pytest.mark.parametrize("store", ["gcs", "s3", "s3_on_moto"])
@pytest.mark.usefixtures("conditions_are_not_signed")
def test_a_store_that_joins_parts_over_another_version_is_found_out(
    request: pytest.FixtureRequest, store: str
) -> None:
    """As some do that heed If-None-Match there: an export would undo what somebody changed meanwhile."""
    users: Users = request.getfixturevalue(f"{store}_users")

    *_, step = by_a_careless_way(users.owner, joining_over)

    assert (step.name, step.ok, step.passes) == ("conditional write", False, False)
    assert "joins the parts" in step.message


@pytest.mark.parametrize("who", ["owner", "writer"])
def test_no_parts_are_left_behind(s3_users: Users, s3_server: S3Server, who: str) -> None:
    config: S3Config = getattr(s3_users, who)
    steps = tried(config)
    for _ in range(STEPS.index("read")):
        next(steps)
    client = s3_server.client()
    meanwhile = client.list_multipart_uploads(Bucket=config.bucket).get("Uploads", [])

    steps.close()  # type: ignore[attr-defined]  # a generator, though promised as an iterator
    assert all(step.ok for step in tried(config))

    assert len(meanwhile) == 1
    assert client.list_multipart_uploads(Bucket=config.bucket).get("Uploads", []) == []


@pytest.mark.parametrize("more", [[], ["s3:GetObject", "s3:ListBucket"]], ids=["unseen", "seen"])
def test_parts_that_may_not_be_ended_are_told_of(moto_server: S3Server, more: list[str]) -> None:
    user = moto_user(moto_server, "s3:PutObject", "s3:DeleteObject", *more)

    *_, step = tried(moto_server.config(moto_server.new_bucket(), user=user))

    assert (step.name, step.ok) == ("delete", True)
    assert "Parts of uploads that were refused stay there, not allowed to abandon" in step.message
    assert "s3:AbortMultipartUpload" in step.message


def test_a_store_that_does_not_delete_is_found_out(tmp_path: Path) -> None:
    steps = list(check(Forgetful(FolderDestination(tmp_path)), HERE))

    assert outcome(iter(steps))[-1] == ("delete", False)
    assert steps[-1].leaves


class CarelessKeeper(Careless):
    """One that ignores conditions, and lets nobody delete."""

    def delete(self, key: str) -> None:
        raise Denied(f"not allowed to delete {key}")


def test_a_probe_that_stays_does_not_hide_what_is_wrong_with_the_store(tmp_path: Path) -> None:
    store = FolderDestination(tmp_path)

    for stays in (False, True):
        *_, step = check(CarelessKeeper(store), HERE, probe=MINE, stays=stays)
        assert (step.name, step.ok, step.passes, step.leaves) == ("conditional write", False, False, True)
        assert "If-None-Match" in step.message


class Endless(Careless):
    """A store whose objects have no end."""

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return self.inner.begin(key, metadata)

    def get(self, key: str) -> Iterator[bytes]:  # noqa: ARG002
        return repeat(CONTENT)


def test_a_store_whose_objects_have_no_end_is_found_out(tmp_path: Path) -> None:
    *_, step = check(Endless(FolderDestination(tmp_path)), HERE)

    assert (step.name, step.ok, step.passes) == ("read", False, False)
    assert "does not read as it was written" in step.message


class Busy(Careless):
    """A store that has no time to be read from."""

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return self.inner.begin(key, metadata)

    def get(self, key: str) -> Iterator[bytes]:
        raise TransientFailure(f"no time for {key}")


class BusyKeeper(Busy):
    """One that lets nobody delete besides."""

    def delete(self, key: str) -> None:
        raise Denied(f"not allowed to delete {key}")


def test_probes_that_failed_checks_cannot_delete_do_not_add_up(tmp_path: Path) -> None:
    store = FolderDestination(tmp_path)

    for stays in (False, True, True):
        *_, step = check(BusyKeeper(store), HERE, probe=MINE, stays=stays)
        assert (step.name, step.ok, step.passes, step.leaves) == ("read", False, True, True)

    assert keys(store) == [MINE]


def test_a_failed_check_that_could_delete_its_probe_leaves_none(tmp_path: Path) -> None:
    store = FolderDestination(tmp_path)
    put(store, MINE, b"left by an earlier check")

    *_, step = check(Busy(store), HERE, probe=MINE, stays=True)

    assert (step.name, step.ok, step.leaves) == ("read", False, False)
    assert keys(store) == []


@pytest.mark.parametrize("changed", [b"", b"something else"])
def test_a_store_that_changes_objects_is_found_out(tmp_path: Path, changed: bytes) -> None:
    steps = check(FolderDestination(tmp_path), HERE)
    for _ in range(STEPS.index("read")):
        next(steps)
    (probe,) = tmp_path.glob("export-pipeline-check-*")
    probe.write_bytes(changed)

    step = next(steps)

    assert (step.name, step.ok) == ("read", False)


def test_where_nobody_may_look_the_check_says_what_that_means(tmp_path: Path) -> None:
    steps = {step.name: step for step in check(Unseen(FolderDestination(tmp_path)), HERE)}

    assert [(step.name, step.ok) for step in steps.values()] == [(name, True) for name in STEPS]
    assert "need not be" in steps["list"].message
    assert "store's answer has to do for a proof" in steps["read"].message
    assert "although nobody can look" in steps["conditional write"].message
    assert "may stay there" in steps["delete"].message
    assert [step.name for step in steps.values() if step.leaves] == ["delete"]


class WriteOnce(Careless):
    """A store that lets nobody overwrite or delete, as a bucket with a rule about retention."""

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        if keys(self.inner, key):
            raise Kept(f"not allowed to overwrite {key}")
        return self.inner.begin(key, metadata)

    def delete(self, key: str) -> None:
        raise Denied(f"not allowed to delete {key}")


def test_where_probes_can_neither_be_overwritten_each_has_its_own_name(tmp_path: Path) -> None:
    store = FolderDestination(tmp_path)

    for stays in (False, True):
        steps = list(check(Unseen(WriteOnce(store)), HERE, probe=MINE, stays=stays))
        assert outcome(iter(steps)) == [(name, True) for name in STEPS]

    assert len(keys(store)) == 2


class Blunt(Careless):
    """A store that keeps bytes and forgets what is said of them."""

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:  # noqa: ARG002  # that is its fault
        return self.inner.begin(key, {})


def test_a_store_that_forgets_metadata_is_found_out(tmp_path: Path) -> None:
    steps = list(check(Blunt(FolderDestination(tmp_path)), HERE))

    assert outcome(iter(steps))[-1] == ("read", False)
    assert "keeps metadata" in steps[-1].message


def test_a_receiver_that_shows_nothing_passes_and_is_told_what_that_means(http_receiver: Receiver) -> None:
    config = http_receiver.config(http_receiver.new_space(), readable=False)

    steps = list(tried(config))

    assert outcome(iter(steps)) == [(name, True) for name in STEPS]
    assert "has to do for a proof" in steps[STEPS.index("read")].message
    assert "told no conditions" in steps[STEPS.index("conditional write")].message


def test_a_host_that_nobody_knows_is_told_from_refused_credentials(s3_server: S3Server) -> None:
    config = s3_server.config("sales").model_copy(update={"endpoint_url": "http://storage.invalid:9000"})

    (step,) = tried(config)

    assert (step.name, step.ok, step.passes) == ("resolve", False, True)
    assert "storage.invalid is not found" in step.message


def test_a_port_at_which_nobody_answers_is_told_from_refused_credentials(s3_server: S3Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config = s3_server.config("sales").model_copy(update={"endpoint_url": f"http://127.0.0.1:{port}"})

    first, second = tried(config)

    assert (first.ok, second.name, second.ok, second.passes) == (True, "connect", False, True)
    assert "the credentials were not even looked at" in second.message


def test_refused_credentials_do_not_pass_by_themselves(s3_server: S3Server) -> None:
    bad = s3_server.config(s3_server.new_bucket(), user=s3_server.reader)

    *_, step = tried(bad)

    assert not step.passes


def test_who_may_not_be_called_is_not_called_by_the_check_either() -> None:
    allow([])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/$key"

        (step,) = tried(HttpConfig(url=url))

        assert (step.name, step.ok) == ("resolve", False)
        with pytest.raises(TimeoutError):
            listening.accept()


def test_a_host_behind_a_proxy_is_left_to_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    steps = list(check(FolderDestination(tmp_path), "https://storage.invalid/sales"))

    assert [step.ok for step in steps] == [True] * len(STEPS)
    assert "found by a proxy" in steps[0].message
