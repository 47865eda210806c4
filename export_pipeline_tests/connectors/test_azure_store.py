"""What is particular to a container of Azure: names, folders, pages, secrets in addresses, identities."""

import gzip
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.authorities import VARIABLES
from export_pipeline.connectors.azure import AzureCredentials
from export_pipeline.connectors.confined import OBJECTS_PER_PAGE
from export_pipeline.errors import NotFound, PermanentFailure, TransientFailure
from export_pipeline_tests.connectors.objects import MIB, keys, led_to, noise, put, read
from export_pipeline_tests.servers.azure import AzureServer, azurite
from export_pipeline_tests.servers.azure_identity import STORAGE, managed_identity
from export_pipeline_tests.servers.certificates import certificates
from export_pipeline_tests.servers.fault_proxy import fault_proxy
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.site import PIECES_WITHOUT_END, site, without_end


@pytest.fixture
def container(azure_server: AzureServer) -> Iterator[ContainerClient]:
    """The vendor's own view of a container that nobody else uses."""
    with azure_server.client().get_container_client(azure_server.new_container()) as client:
        yield client


def test_blobs_lie_below_the_prefix_and_others_are_not_seen(
    azure_server: AzureServer, container: ContainerClient
) -> None:
    name = container.container_name
    put(azure_server.config(name).open(), "exports/daily2/other.csv", b"2")

    put(azure_server.config(name, prefix="exports/daily").open(), "a.csv", b"1")

    assert keys(azure_server.config(name).open()) == ["exports/daily/a.csv", "exports/daily2/other.csv"]
    assert keys(azure_server.config(name, prefix="exports/daily").open()) == ["a.csv"]


def test_the_prefix_counts_towards_the_longest_key(
    azure_server: AzureServer, container: ContainerClient
) -> None:
    destination = azure_server.config(container.container_name, prefix="p" * 500).open()

    with pytest.raises(PermanentFailure, match="takes 1101 characters"):
        destination.begin("k" * 600, {})


@pytest.mark.parametrize("key", ["a./b", "a.", "a/" * 254 + "b"])
def test_a_name_that_azure_would_change_is_refused(
    azure_server: AzureServer, container: ContainerClient, key: str
) -> None:
    with pytest.raises(PermanentFailure, match=r"cannot be an object's key.*change the path"):
        azure_server.config(container.container_name).open().begin(key, {})


def test_more_blobs_than_a_page_holds_are_listed(
    azure_server: AzureServer, container: ContainerClient
) -> None:
    wanted = [f"many/{number:04}" for number in range(OBJECTS_PER_PAGE + 10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: container.upload_blob(name, b""), wanted))

    assert keys(azure_server.config(container.container_name).open(), "many/") == wanted


def test_marks_of_folders_are_no_blobs(azure_server: AzureServer, container: ContainerClient) -> None:
    container.upload_blob("2013/01", b"", metadata={"hdi_isfolder": "true"})
    destination = azure_server.config(container.container_name).open()

    assert keys(destination) == []
    assert destination.head("2013/01") is None


def test_metadata_of_others_is_no_obstacle(azure_server: AzureServer, container: ContainerClient) -> None:
    container.upload_blob("a.csv", b"1", metadata={"CamelCase": "1", "under_score": "2"})

    found = azure_server.config(container.container_name).open().head("a.csv")

    assert found is not None
    assert found.size == 1


@pytest.mark.parametrize("size", [3, 9 * MIB])
def test_a_tier_is_that_of_the_configuration(
    azure_server: AzureServer, container: ContainerClient, size: int
) -> None:
    put(azure_server.config(container.container_name, access_tier="Cool").open(), "a.csv", noise(size))

    assert container.get_blob_client("a.csv").get_blob_properties().blob_tier == "Cool"


def test_a_token_that_has_expired_is_named(azure_server: AzureServer, container: ContainerClient) -> None:
    name = container.container_name
    expired = azure_server.config(name, account_key=None, sas_token=azure_server.sas(name, "cw", hours=-1))

    with pytest.raises(PermanentFailure, match="check the connector's credentials"):
        put(expired.open(), "a.csv", b"1")


def test_no_error_shows_a_token(azure_server: AzureServer, container: ContainerClient) -> None:
    name = container.container_name
    token = azure_server.sas(name, "rl")
    refused = azure_server.config(name, account_key=None, sas_token=token)
    unreachable = refused.model_copy(update={"endpoint_url": f"http://127.0.0.1:{free_port()}/exporter"})
    signature = token.get_secret_value().split("sig=")[1]

    for config, kind in ((refused, PermanentFailure), (unreachable, TransientFailure)):
        with pytest.raises(kind) as caught:
            put(config.open(), "a.csv", b"1")
        assert signature not in "".join(traceback.format_exception(caught.value))


def test_a_container_that_goes_away_is_not_an_empty_one(azure_server: AzureServer) -> None:
    destination = azure_server.config("nobody-made-this").open()

    with pytest.raises(PermanentFailure, match="no such container"):
        destination.head("a.csv")
    with pytest.raises(PermanentFailure, match="no such container"):
        destination.delete("a.csv")
    with pytest.raises(PermanentFailure, match="no such container"):
        keys(destination)


def test_a_blob_that_is_gone_is_not_there(azure_server: AzureServer, container: ContainerClient) -> None:
    with pytest.raises(NotFound, match=r"there is no 'a\.csv'"):
        read(azure_server.config(container.container_name).open(), "a.csv")


@pytest.mark.usefixtures("azure_server")  # so that it is installed, or the test skipped
def test_without_a_key_the_deployments_own_identity_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificates(tmp_path)
    tls = ("--cert", made.server, "--key", made.key, "--oauth", "basic")
    for name in VARIABLES:  # the server's own tests ask by another client
        monkeypatch.setenv(name, str(made.authority))
    with managed_identity() as identity, azurite(*tls, scheme="https") as server:
        for name, value in identity.variables.items():
            monkeypatch.setenv(name, value)
        config = server.config(server.new_container(), account_key=None)
        destination = config.open()

        put(destination, "a.csv", noise(9 * MIB))

        assert read(destination, "a.csv") == noise(9 * MIB)
        assert [asked["resource"] for asked in identity.asked] == [STORAGE]


def test_no_identity_at_all_is_named(azure_server: AzureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with managed_identity() as identity:
        for name, value in {**identity.variables, "IDENTITY_HEADER": "unknown"}.items():
            monkeypatch.setenv(name, value)
        config = azure_server.config("any", account_key=None, endpoint_url="https://exporter.example")

        with pytest.raises(PermanentFailure, match="no identity that Azure knows; give the connector a key"):
            config.open().head("a.csv")


def test_who_reads_asks_with_credentials_of_their_own(
    azure_server: AzureServer, container: ContainerClient
) -> None:
    name = container.container_name
    token = azure_server.sas(name, "cw")
    config = azure_server.config(
        name, account_key=None, sas_token=token, read=AzureCredentials(sas_token=azure_server.sas(name, "rl"))
    )
    destination = config.open()

    put(destination, "a.csv", b"1")

    assert read(destination, "a.csv") == b"1"
    assert keys(destination) == ["a.csv"]


@pytest.mark.parametrize("size", [3, 9 * MIB])
def test_blobs_have_the_tags_and_the_scope_of_the_configuration(
    azure_server: AzureServer, container: ContainerClient, size: int
) -> None:
    config = azure_server.config(
        container.container_name, tags={"cost centre": "sales/eu"}, encryption_scope="acme"
    )
    with fault_proxy(azure_server.port) as proxy:
        put(led_to(proxy.url, config).open(), "a.csv", noise(size))
        sent = [request.fields for request, _ in proxy.arrivals if request.method == "PUT"]

    assert container.get_blob_client("a.csv").get_blob_tags() == {"cost centre": "sales/eu"}
    assert len(sent) > 1
    assert {fields["x-ms-encryption-scope"] for fields in sent} == {"acme"}  # which the server does not show


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254"])
def test_an_address_inside_is_not_called_on(
    azure_server: AzureServer, container: ContainerClient, host: str
) -> None:
    config = led_to(f"http://{host}:{azure_server.port}", azure_server.config(container.container_name))
    allow([])

    with pytest.raises(PermanentFailure, match=r"could not write .* must not call there"):
        put(config.open(), "a.csv", b"1")
    with pytest.raises(PermanentFailure, match=r"could not read .* must not call there"):
        read(config.open(), "a.csv")


@pytest.mark.parametrize("zipped", [False, True])
def test_a_blob_that_goes_on_for_ever_is_refused(azure_server: AzureServer, zipped: bool) -> None:
    whole = {"Content-Range": f"bytes 0-{4 * MIB - 1}/{100 * MIB}", "ETag": '"1"'}
    with site() as running:
        if zipped:
            bomb = gzip.compress(b"".join(without_end()))
            running.answer(206, {**whole, "Content-Encoding": "gzip"}, [bomb])
        else:
            running.answer(206, whole, without_end())
        with pytest.raises(PermanentFailure, match="says more than any store does"):
            read(led_to(running.url, azure_server.config("any")).open(), "a.csv")

    assert running.sent < PIECES_WITHOUT_END


def test_a_part_of_a_blob_that_is_empty_is_no_part(azure_server: AzureServer) -> None:
    said = {"Content-Range": f"bytes 0-{4 * MIB - 1}/{100 * MIB}", "ETag": '"1"', "Content-Length": "0"}
    with site() as running:
        running.answer(206, said)
        with pytest.raises(TransientFailure, match="nothing of a part"):
            read(led_to(running.url, azure_server.config("any")).open(), "a.csv")


class InTurn:
    """Bodies of a site: each is that of one answer."""

    def __init__(self, *bodies: bytes) -> None:
        self._bodies = iter(bodies)

    def __iter__(self) -> Iterator[bytes]:
        return iter([next(self._bodies)])


def test_an_empty_page_is_not_the_end_of_a_list(azure_server: AzureServer) -> None:
    said = "<Etag>1</Etag><Content-Length>1</Content-Length><BlobType>BlockBlob</BlobType>"
    blob = f"<Blob><Name>a.csv</Name><Properties>{said}</Properties></Blob>"
    pages = (
        f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>"
        for blobs, marker in (("", "more"), (blob, "more"), ("", ""))
    )
    with site() as running:
        running.answer(200, {"Content-Type": "application/xml"}, InTurn(*(page.encode() for page in pages)))

        assert keys(led_to(running.url, azure_server.config("any")).open()) == ["a.csv"]
