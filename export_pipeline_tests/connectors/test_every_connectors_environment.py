"""Whatever the operator's environment and files tell vendors' clients, connectors ask their own stores."""

import base64
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from export_pipeline.connectors.authorities import VARIABLES
from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.errors import HourFailed
from export_pipeline_tests.connectors.objects import MIB, keys, led_to, noise, put, read
from export_pipeline_tests.servers.certificates import certificates
from export_pipeline_tests.servers.s3 import S3Server
from export_pipeline_tests.servers.site import Site, site

AMAZONS = """
[default]
aws_access_key_id = AKIAOPERATOROPERATOR
aws_secret_access_key = operators-secret
endpoint_url = {url}
services = elsewhere
use_fips_endpoint = true
use_dualstack_endpoint = true
s3 =
    use_accelerate_endpoint = true
    use_dualstack_endpoint = true
    addressing_style = virtual

[profile operators]
services = elsewhere
s3 =
    use_accelerate_endpoint = true

[services elsewhere]
s3 =
    endpoint_url = {url}
sts =
    endpoint_url = {url}
"""
ELSEWHERE = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AZURE_AUTHORITY_HOST",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE",
    "GCE_METADATA_HOST",
    "STORAGE_EMULATOR_HOST",
    "API_ENDPOINT_OVERRIDE",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)
OPERATORS = {
    "AWS_ACCESS_KEY_ID": "AKIAOPERATOROPERATOR",
    "AWS_SECRET_ACCESS_KEY": "operators-secret",
    "AWS_SESSION_TOKEN": "operators-token",
    "AWS_REGION": "eu-south-2",
    "AWS_DEFAULT_REGION": "eu-south-2",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AZURE_CLIENT_ID": "operators-client",
    "AZURE_CLIENT_SECRET": "operators-secret",
    "AZURE_TENANT_ID": "operators-tenant",
    "AZURE_STORAGE_KEY": "b3BlcmF0b3Jz",
    "CLOUDSDK_CORE_PROJECT": "operators-project",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE": "true",
    "GOOGLE_API_USE_MTLS_ENDPOINT": "always",
    "GOOGLE_CLOUD_PROJECT": "operators-project",
    "GOOGLE_CLOUD_UNIVERSE_DOMAIN": "universe.example",
}
# The password of the proxy and of .netrc, as it is and as it is sent.
PROXY_FORMS = ("operator:secret", base64.b64encode(b"operator:secret").decode())


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    with site() as running:
        yield running


def heed(elsewhere: Site, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """Have all that clients may look into lead elsewhere, for somebody else."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (folder / "amazons").write_text(AMAZONS.format(url=elsewhere.url))
    (folder / "google.json").write_text('{"type": "nonsense"}')
    (folder / "netrc").write_text("default login operator password secret\n")
    files = {
        "AWS_CONFIG_FILE": "amazons",
        "AWS_SHARED_CREDENTIALS_FILE": "amazons",
        "GOOGLE_APPLICATION_CREDENTIALS": "google.json",
        "NETRC": "netrc",
    }
    for name, value in (
        *OPERATORS.items(),
        *((name, elsewhere.url.replace("//", "//operator:secret@")) for name in ELSEWHERE if "proxy" in name),
        *((name, elsewhere.url) for name in ELSEWHERE if "proxy" not in name),
        *((name, str(folder / file)) for name, file in files.items()),
        *more.items(),
    ):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("profile", ["default", "operators", "nobodys"])
def test_a_connector_asks_its_own_store(
    connector: ConnectorConfig,
    elsewhere: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    profile: str,
) -> None:
    heed(elsewhere, tmp_path, monkeypatch, AWS_PROFILE=profile)
    there = connector.open()

    for size in (3, 9 * MIB):
        version = put(there, "a.csv", noise(size))
        found = there.head("a.csv")
        assert found is not None
        assert found.version == version
        assert read(there, "a.csv") == noise(size)
        assert keys(there) == ["a.csv"]
        there.delete("a.csv")
    assert elsewhere.heard == []


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_amazon_is_asked_where_the_connector_says(
    elsewhere: Site,
    s3_server: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    region: str,
) -> None:
    config = s3_server.config("sales", endpoint_url=None, region=region)

    def address() -> str:
        client = config.opened().client
        return client.generate_presigned_url("get_object", {"Bucket": "sales", "Key": "a"}).partition("?")[0]

    expected = address()
    heed(elsewhere, tmp_path, monkeypatch, AWS_PROFILE="operators")
    assert address() == expected


def test_no_store_is_shown_what_is_the_operators(
    asking_connector: ConnectorConfig, elsewhere: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site() as store:
        heed(elsewhere, tmp_path, monkeypatch, AWS_PROFILE="operators")
        store.answer(404, {"Content-Length": "0"})
        there = led_to(store.url, asking_connector).open()
        assert there.head("a.csv") is None
        with suppress(HourFailed):
            put(there, "a.csv", b"1")

        assert store.heard
        for fields in store.heard:
            assert "Proxy-Authorization" not in fields
            assert not any(form in str(fields) for form in ("operator", "OPERATOR", *PROXY_FORMS))
    assert elsewhere.heard == []


@pytest.mark.parametrize("name", VARIABLES)
def test_whom_the_operator_trusts_is_trusted_whatever_the_store(
    asking_connector: ConnectorConfig,
    elsewhere: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    made = certificates(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.server, made.key)
    elsewhere.socket = tls.wrap_socket(elsewhere.socket, server_side=True)
    elsewhere.answer(404, {"Content-Length": "0"})
    for other in VARIABLES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, str(made.authority))

    there = led_to(elsewhere.url.replace("http:", "https:"), asking_connector).open()

    assert there.head("a.csv") is None
    assert elsewhere.heard
