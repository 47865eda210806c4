"""Blocks of several writers to one name, and the names of metadata."""

import base64
import re

import pytest

from export_pipeline.connectors.azure_upload import as_identifiers, from_identifiers, version_of
from export_pipeline.connectors.destination import Proof
from export_pipeline.errors import Conflict, TransientFailure
from export_pipeline_tests.connectors.objects import MIB, keys, led_to, noise, port_of, put, read
from export_pipeline_tests.servers.azure import AzureServer
from export_pipeline_tests.servers.fault_proxy import Instead, Once, Request, fault_proxy


def test_two_uploads_to_one_name_do_not_mix(azure_server: AzureServer) -> None:
    """All writers to a name share its uncommitted blocks."""
    destination = azure_server.config(azure_server.new_container()).open()
    first, second = destination.begin("a.csv", {}), destination.begin("a.csv", {})
    for upload, letter in ((first, b"1"), (second, b"2")):
        upload.write(letter * (17 * MIB))

    first.commit(replaces=None)
    with pytest.raises(Conflict):
        second.commit(replaces=None)

    assert read(destination, "a.csv") == b"1" * (17 * MIB)


def test_a_small_blob_may_overtake_a_large_one(azure_server: AzureServer) -> None:
    destination = azure_server.config(azure_server.new_container()).open()
    large = destination.begin("a.csv", {})
    large.write(noise(17 * MIB))

    put(destination, "a.csv", b"small")
    with pytest.raises(Conflict):
        large.commit(replaces=None)

    assert read(destination, "a.csv") == b"small"


OTHER_BYTES = Instead(
    status="201 Created", fields={"Content-MD5": base64.b64encode(bytes(16)).decode()}, done=True
)


def sends_a_block(request: Request) -> bool:
    return re.search(r"comp=block(&|$)", request.path) is not None


@pytest.mark.parametrize("size", [3, 9 * MIB])
def test_a_block_that_the_store_took_for_other_bytes_is_sent_again(
    azure_server: AzureServer, size: int
) -> None:
    config = azure_server.config(azure_server.new_container())
    plan = Once(OTHER_BYTES, sends_a_block)
    with fault_proxy(port_of(config), plan) as proxy:
        put(led_to(proxy.url, config).open(), "a.csv", noise(size))

    assert plan.met
    assert read(config.open(), "a.csv") == noise(size)


def test_a_store_that_takes_other_bytes_each_time_is_worth_another_attempt(azure_server: AzureServer) -> None:
    config = azure_server.config(azure_server.new_container())
    with (
        fault_proxy(port_of(config), Once(OTHER_BYTES, sends_a_block, times=99)) as proxy,
        pytest.raises(
            TransientFailure, match=r"'a\.csv' .* something else than was sent; try again"
        ) as caught,
    ):
        put(led_to(proxy.url, config).open(), "a.csv", b"1")

    assert not caught.value.unheard


@pytest.mark.parametrize(
    ("tells", "proof"), [("each", Proof.CHECKSUM), ("first", Proof.ANSWER), ("none", Proof.ANSWER)]
)
def test_the_proof_is_the_stores_checksum_where_it_tells_one_of_each_block(
    azure_server: AzureServer, tells: str, proof: Proof
) -> None:
    """Azure does; the server that tests can have compares what it is sent, and tells nothing."""

    def plan(request: Request) -> Instead | None:
        if not sends_a_block(request) or tells == "none" or (tells == "first" and met):
            return None
        met.append(request)
        return Instead(status="201 Created", fields={"Content-MD5": request.fields["content-md5"]}, done=True)

    met: list[Request] = []
    config = azure_server.config(azure_server.new_container())
    with fault_proxy(port_of(config), plan) as proxy:
        upload = led_to(proxy.url, config).open().begin("a.csv", {})
        upload.write(noise(9 * MIB))
        upload.commit(replaces=None)

    assert upload.proof is proof
    assert read(config.open(), "a.csv") == noise(9 * MIB)


@pytest.mark.parametrize("content", [b"", b"1"])
def test_blocks_that_nobody_commits_are_no_blob_and_no_obstacle(
    azure_server: AzureServer, content: bytes
) -> None:
    container = azure_server.new_container()
    destination = azure_server.config(container).open()
    upload = destination.begin("a.csv", {})
    upload.write(noise(17 * MIB))

    upload.abort()

    blob = azure_server.client().get_blob_client(container, "a.csv")
    committed, uncommitted = blob.get_block_list("all")
    assert (committed, len(uncommitted)) == ([], 2)
    assert keys(destination) == []
    put(destination, "a.csv", content)
    assert read(destination, "a.csv") == content
    assert blob.get_block_list("uncommitted")[1] == []


def test_names_of_metadata_are_identifiers_there_and_names_here() -> None:
    metadata = {"export-id": "acme/flights", "sha256": "ab", "a-b-c": "1"}

    assert all(name.isidentifier() for name in as_identifiers(metadata))
    assert from_identifiers(as_identifiers(metadata)) == metadata


def test_a_version_is_the_same_wherever_it_is_said() -> None:
    assert version_of('"0x8D"') == version_of("0x8D") == "0x8D"
