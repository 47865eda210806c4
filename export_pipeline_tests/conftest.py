"""The nouns of the tests as fixtures. A server starts when the first test asks for it, once per run."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from export_pipeline.connectors.addresses import allow
from export_pipeline_tests.servers.azure import AzureServer, azurite, install_azurite
from export_pipeline_tests.servers.gcs import GcsServer, gcs
from export_pipeline_tests.servers.http import Behaviour, Receiver, receiver
from export_pipeline_tests.servers.mariadb import fresh_mariadb_database, mariadb_is_here, running_mariadb
from export_pipeline_tests.servers.postgres import fresh_database, running_postgres
from export_pipeline_tests.servers.s3 import S3Server, moto, seaweed, seaweed_is_here


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL's administrator: `postgresql+psycopg://...`."""
    with running_postgres() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that belongs to this test alone."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The URL of a real MariaDB's administrator: `mysql+pymysql://...`."""
    if not mariadb_is_here():
        pytest.skip("no mariadbd on this machine (Debian's package is mariadb-server-core)")
    with running_mariadb() as url:
        yield url


@pytest.fixture
def mariadb_database(mariadb_url: str) -> Iterator[str]:
    """The URL of an empty MariaDB database that belongs to this test alone."""
    with fresh_mariadb_database(mariadb_url) as url:
        yield url


@pytest.fixture
def loopback_allowed() -> Iterator[None]:
    """Connectors may call on this machine while the test lasts, as an operator may allow it."""
    allow([ip_network("127.0.0.0/8")])
    yield
    allow([])


@pytest.fixture(scope="session")
def running_moto() -> Iterator[S3Server]:
    with moto() as server:
        yield server


@pytest.fixture
def moto_server(running_moto: S3Server, loopback_allowed: None) -> S3Server:  # noqa: ARG001
    return running_moto


@pytest.fixture(scope="session")
def running_s3(request: pytest.FixtureRequest) -> Iterator[S3Server]:
    """SeaweedFS; moto where there is none, which is said aloud because it checks less."""
    if not seaweed_is_here():
        reporter = request.config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter.write_line("NO SEAWEEDFS ON THIS MACHINE: S3 is tested against moto alone", red=True)
        yield request.getfixturevalue("running_moto")
        return
    with seaweed() as server:
        yield server


@pytest.fixture
def s3_server(running_s3: S3Server, loopback_allowed: None) -> S3Server:  # noqa: ARG001
    return running_s3


@pytest.fixture(scope="session")
def running_azure(request: pytest.FixtureRequest) -> Iterator[AzureServer]:
    """Azurite, installed by the first test that asks for it. Where that cannot be, it is said aloud."""
    if problem := install_azurite():
        reporter = request.config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter.write_line(
                f"NO AZURITE ON THIS MACHINE, nothing of Azure is tested: {problem}", red=True
            )
        pytest.skip(problem)
    with azurite() as server:
        yield server


@pytest.fixture
def azure_server(running_azure: AzureServer, loopback_allowed: None) -> AzureServer:  # noqa: ARG001
    return running_azure


@pytest.fixture(scope="session")
def running_gcs() -> Iterator[GcsServer]:
    with gcs() as server:
        yield server


@pytest.fixture
def gcs_server(running_gcs: GcsServer, loopback_allowed: None) -> GcsServer:  # noqa: ARG001
    return running_gcs


@pytest.fixture(scope="session")
def running_receiver() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture
def http_receiver(running_receiver: Receiver, loopback_allowed: None) -> Iterator[Receiver]:  # noqa: ARG001
    yield running_receiver
    running_receiver.behaviour = Behaviour()
