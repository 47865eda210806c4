"""Whoever wants to see everything does not see credentials."""

import logging
from collections.abc import Iterator

import pytest

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.vendor_logs import VENDORS, silence


@pytest.fixture
def levels() -> Iterator[None]:
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in VENDORS]
    before = {name: logging.getLogger(name).level for name in (*names, *VENDORS)}
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
