"""Whoever wants to see everything does not see credentials."""

import logging
from collections.abc import Iterator

import pytest

from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.vendor_logs import TOLD_ANYWAY, VENDORS, silence
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline_tests.connectors.objects import led_to
from export_pipeline_tests.servers.azure_identity import managed_identity
from export_pipeline_tests.servers.site import site


@pytest.fixture
def levels() -> Iterator[None]:
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in VENDORS]
    before = {name: logging.getLogger(name).level for name in (*names, *VENDORS, *TOLD_ANYWAY)}
    root = logging.root.level
    yield
    logging.root.setLevel(root)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("levels")
def test_they_warn_and_say_nothing_else() -> None:
    logging.getLogger("botocore").setLevel(logging.DEBUG)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.DEBUG)
    logging.getLogger("azure").setLevel(logging.ERROR)

    silence()

    assert not logging.getLogger("botocore.auth").isEnabledFor(logging.INFO)
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("botocore.auth").isEnabledFor(logging.WARNING)
    assert not logging.getLogger("azure").isEnabledFor(logging.WARNING)


def said_of(connector: ConnectorConfig, caplog: pytest.LogCaptureFixture) -> set[str]:
    """The loggers below a warning that say anything while a file is written and read."""
    with caplog.at_level(logging.DEBUG):
        destination = connector.open()
        upload = destination.begin("a/key", {"export-id": "1"})
        upload.write(b"content")
        upload.commit(replaces=None)
        assert b"".join(destination.get("a/key")) == b"content"
    names = {record.name for record in caplog.records if record.levelno < logging.WARNING}
    return {name for name in names if not name.startswith(("asyncio", "export_pipeline"))}


@pytest.mark.usefixtures("levels")
def test_no_store_is_talked_to_aloud(connector: ConnectorConfig, caplog: pytest.LogCaptureFixture) -> None:
    silence()

    assert said_of(connector, caplog) == set()


@pytest.mark.usefixtures("levels")
def test_otherwise_it_would_be(s3_connector: ConnectorConfig, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel(logging.NOTSET)

    assert "botocore.auth" in said_of(s3_connector, caplog)


def warnings_without_an_identity(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> set[str]:
    """The loggers that warn while a machine is asked that gives no token."""
    with managed_identity() as identity:
        for name, value in {**identity.variables, "IDENTITY_HEADER": "unknown"}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(PermanentFailure, match="no identity that Azure knows"):
            AzureConfig(account_name="acme", container="sales").open().head("a.csv")
    return {record.name for record in caplog.records if record.levelno >= logging.WARNING}


@pytest.mark.usefixtures("levels")
def test_that_a_machine_has_no_identity_is_said_by_us_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    silence()

    assert warnings_without_an_identity(monkeypatch, caplog) == set()


@pytest.mark.usefixtures("levels")
def test_otherwise_the_vendor_would_say_it_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("azure", *TOLD_ANYWAY):
        logging.getLogger(name).setLevel(logging.NOTSET)

    assert any(name.startswith(TOLD_ANYWAY) for name in warnings_without_an_identity(monkeypatch, caplog))


def warnings_over_a_refusal_in_odd_words(
    caplog: pytest.LogCaptureFixture, azure: ConnectorConfig
) -> set[str]:
    """The loggers that warn while what answers refuses as no store of Azure's does."""
    with site() as running:
        running.answer(503, {"Content-Type": "text/html"}, [b"<html>back soon</html>"])
        with pytest.raises(TransientFailure, match="try again later"):
            led_to(running.url, azure).open().delete("a.csv")
    return {record.name for record in caplog.records if record.levelno >= logging.WARNING}


@pytest.mark.usefixtures("levels")
def test_a_refusal_in_odd_words_is_told_by_us_alone(
    azure_connector: ConnectorConfig, caplog: pytest.LogCaptureFixture
) -> None:
    silence()

    assert warnings_over_a_refusal_in_odd_words(caplog, azure_connector) == set()


@pytest.mark.usefixtures("levels")
def test_otherwise_the_vendor_would_tell_how_it_stumbled(
    azure_connector: ConnectorConfig, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("azure", *TOLD_ANYWAY):
        logging.getLogger(name).setLevel(logging.NOTSET)

    found = warnings_over_a_refusal_in_odd_words(caplog, azure_connector)
    assert any(name.startswith("azure.storage.") for name in found)
