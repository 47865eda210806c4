"""A file is sent in one request, with its digest, once, and what the receiver says of it is weighed."""

import base64
import hashlib
import tempfile
from urllib.parse import unquote

import pytest

from export_pipeline.connectors.destination import Proof
from export_pipeline.connectors.http import HttpConfig
from export_pipeline.errors import PermanentFailure, Spoilt, TransientFailure
from export_pipeline_tests.connectors.objects import MIB, led_to, noise, port_of, put
from export_pipeline_tests.servers.fault_proxy import Fault, Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.http import ANOTHER_DIGEST, Kept, Receiver

SIZES = {"small": 3, "large": 9 * MIB}


@pytest.fixture
def space(http_receiver: Receiver) -> str:
    return http_receiver.new_space()


@pytest.fixture
def config(http_receiver: Receiver, space: str) -> HttpConfig:
    """A receiver that shows nothing."""
    return http_receiver.config(space, readable=False)


def kept(receiver: Receiver, space: str) -> dict[str, Kept]:
    return receiver.spaces[space]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_file_comes_with_its_length_its_digest_and_its_key(
    http_receiver: Receiver, config: HttpConfig, space: str, size: int
) -> None:
    put(config.open(), "ü/a b.csv", noise(size), metadata={"export-id": "acme/flights"})

    fields = kept(http_receiver, space)["ü/a b.csv"].fields
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(noise(size)).digest()).decode()}:"
    assert (fields["content-length"], fields["content-digest"], fields["repr-digest"]) == (
        str(size),
        digest,
        digest,
    )
    assert unquote(fields["export-pipeline-key"]) == "ü/a b.csv"
    assert fields["export-pipeline-meta-export-id"] == "acme/flights"
    assert "if-none-match" not in fields


def test_files_may_be_posted_to_one_address(http_receiver: Receiver, space: str) -> None:
    config = http_receiver.config(space, readable=False, method="POST", url=f"{http_receiver.url}/{space}")

    put(config.open(), "2013/a.csv", b"1")

    assert list(kept(http_receiver, space)) == ["2013/a.csv"]


def test_a_repeated_request_is_known_as_such(http_receiver: Receiver, config: HttpConfig, space: str) -> None:
    """With the same Idempotency-Key: a receiver that knows it takes the file once."""
    with fault_proxy(port_of(config), Once(Fault.RESET_AFTER, lambda _: True, times=2)) as proxy:
        put(led_to(proxy.url, config).open(), "a.csv", b"1")
        assert len(proxy.arrivals) == 3

    (taken,) = kept(http_receiver, space).values()
    assert http_receiver.answered[taken.fields["idempotency-key"]][0] == 201


def test_the_same_file_again_is_another_request(
    http_receiver: Receiver, config: HttpConfig, space: str
) -> None:
    """Or a receiver would not take back what it once had in place of what came after."""
    seen = set()
    for content in (b"1", b"2", b"1"):
        put(config.open(), "a.csv", content)
        seen.add(kept(http_receiver, space)["a.csv"].fields["idempotency-key"])

    assert len(seen) == 3
    assert kept(http_receiver, space)["a.csv"].path.read_bytes() == b"1"


@pytest.mark.parametrize(("tells_digest", "proof"), [(True, Proof.CHECKSUM), (False, Proof.ANSWER)])
def test_a_receiver_that_says_what_it_took_proves_more(
    http_receiver: Receiver, config: HttpConfig, tells_digest: bool, proof: Proof
) -> None:
    http_receiver.behaviour.tells_digest = tells_digest
    upload = config.open().begin("a.csv", {})
    upload.write(b"1")

    upload.commit(replaces=None)

    assert upload.proof is proof


def digest_of(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


OURS = digest_of(b"1")


@pytest.mark.parametrize(
    ("told", "proof"),
    [
        (f"{OURS};a=1", Proof.CHECKSUM),
        (f"md5=:AAAA:, {OURS} ; a=1, sha-512=:{'A' * 86}==:", Proof.CHECKSUM),
        (f"md5=:AAAA:\r\nRepr-Digest: {OURS}", Proof.CHECKSUM),
        (f"{OURS}\r\nRepr-Digest: sha-512=:{'A' * 86}==:", Proof.CHECKSUM),
        (f"{ANOTHER_DIGEST}, {OURS}", Proof.CHECKSUM),  # of equal keys the last counts
        (f"{ANOTHER_DIGEST}\r\nRepr-Digest: {OURS}", Proof.CHECKSUM),
        (f"{OURS}, sha-256=", Proof.ANSWER),
        (digest_of(b""), Proof.ANSWER),  # of the answer, which is empty
        ("", Proof.ANSWER),
        ("sha-256=", Proof.ANSWER),
        ("sha-256=::", Proof.ANSWER),
        (f"sha-256={hashlib.sha256(b'1').hexdigest()}", Proof.ANSWER),
        (f"sha-256=:{hashlib.sha256(b'1').hexdigest()}:", Proof.ANSWER),
        (OURS.replace(":", ""), Proof.ANSWER),
        (f"sha-512=:{'A' * 86}==:", Proof.ANSWER),
    ],
)
def test_a_digest_is_known_however_it_is_said_and_other_words_are_none(
    http_receiver: Receiver, config: HttpConfig, told: str, proof: Proof
) -> None:
    http_receiver.behaviour.tells_digest = True
    http_receiver.behaviour.says = {"Repr-Digest": told}
    upload = config.open().begin("a.csv", {})
    upload.write(b"1")

    upload.commit(replaces=None)

    assert upload.proof is proof


@pytest.mark.parametrize(
    "told",
    [
        f"{ANOTHER_DIGEST};a=1",
        f"md5=:AAAA:\r\nRepr-Digest: {ANOTHER_DIGEST}",
        f"{OURS}, {ANOTHER_DIGEST}",
        f"{OURS}\r\nRepr-Digest: {ANOTHER_DIGEST}",
    ],
)
def test_another_digest_is_known_too_however_it_is_said(
    http_receiver: Receiver, config: HttpConfig, told: str
) -> None:
    http_receiver.behaviour.tells_digest = True
    http_receiver.behaviour.says = {"Repr-Digest": told}

    with pytest.raises(Spoilt):
        put(config.open(), "a.csv", b"1")


def test_the_digest_of_nothing_is_that_of_an_empty_file(http_receiver: Receiver, config: HttpConfig) -> None:
    http_receiver.behaviour.tells_digest = True
    upload = config.open().begin("a.csv", {})

    upload.commit(replaces=None)

    assert upload.proof is Proof.CHECKSUM


def test_a_receiver_that_took_something_else_is_found_out(
    http_receiver: Receiver, config: HttpConfig
) -> None:
    http_receiver.behaviour.tells_digest = True
    http_receiver.behaviour.spoils = True

    with pytest.raises(Spoilt, match="took something else than was sent, and that is there"):
        put(config.open(), "a.csv", b"1")


def test_a_receiver_that_took_something_else_is_not_asked_the_same_again(
    http_receiver: Receiver, space: str
) -> None:
    """What it took is in the way of the condition, and would be taken for another's."""
    http_receiver.behaviour.tells_digest = True
    http_receiver.behaviour.spoils = True
    config = http_receiver.config(space, bearer_token=http_receiver.token("w"))
    with fault_proxy(port_of(config)) as proxy:
        with pytest.raises(Spoilt):
            put(led_to(proxy.url, config).open(), "a.csv", b"1")
        assert [asked.method for asked, _ in proxy.arrivals] == ["PUT"]


def test_a_body_that_is_not_what_was_announced_is_not_kept(
    http_receiver: Receiver, config: HttpConfig, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = config.open()
    monkeypatch.setattr(hashlib, "sha256", lambda *_: hashlib.new("sha256", b"another content"))
    upload = destination.begin("a.csv", {})
    monkeypatch.undo()
    upload.write(b"1")

    with pytest.raises(PermanentFailure, match="400 Bad Request"):
        upload.commit(replaces=None)

    assert kept(http_receiver, space) == {}


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.UNAVAILABLE])
def test_a_receiver_that_was_not_reached_keeps_nothing(
    http_receiver: Receiver, config: HttpConfig, space: str, fault: Fault
) -> None:
    with (
        fault_proxy(port_of(config), Once(fault, lambda _: True, times=99)) as proxy,
        pytest.raises(TransientFailure),
    ):
        put(led_to(proxy.url, config).open(), "a.csv", noise(9 * MIB))

    assert kept(http_receiver, space) == {}


def test_a_file_that_was_taken_stays_so_when_nobody_is_heard_any_more(
    http_receiver: Receiver, space: str
) -> None:
    """It has no version then that a receiver said, and is known all the same."""
    config = http_receiver.config(space)

    def plan(request: Request) -> Fault | Instead:
        return Fault.UNAVAILABLE if request.method == "HEAD" else Instead(status="201 Created", done=True)

    with fault_proxy(port_of(config), plan) as proxy:
        version = put(led_to(proxy.url, config).open(), "a.csv", b"1")

    assert version == f"sha-256:{hashlib.sha256(b'1').hexdigest()}"
    assert kept(http_receiver, space)["a.csv"].path.read_bytes() == b"1"


def test_no_room_to_wait_in_is_named(config: HttpConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")

    with pytest.raises(TransientFailure, match="set TMPDIR"):
        put(config.open(), "a.csv", noise(9 * MIB))
