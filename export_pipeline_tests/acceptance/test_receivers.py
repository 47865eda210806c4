"""From a connector to files at an HTTP receiver, one that shows them and one that does not."""

from datetime import UTC, datetime

import pytest

from export_pipeline.connectors.destination import Proof
from export_pipeline.connectors.http import HttpConfig
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.exports.export import Export
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.connectors import add_connector
from export_pipeline.store.database import writing
from export_pipeline_tests.buckets import check, connector
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.runs import deliver, ledger
from export_pipeline_tests.servers.http import Receiver


@pytest.fixture
def space(installation: Installation, http_receiver: Receiver) -> str:
    """Made after the installation is opened, which says what connectors may call on."""
    assert installation.deployment.settings.allowed_networks == ()
    return http_receiver.new_space()


def export_to(config: HttpConfig, installation: Installation) -> Export:
    deployment = installation.deployment
    with writing(deployment.control) as connection:
        add_connector(connection, deployment.secret_key, "default", "receiver", config)
    check(installation, "receiver")
    return installation.export(connector="receiver")


@pytest.mark.parametrize("readable", [True, False])
def test_files_and_receipts_arrive_and_the_next_revision_takes_their_place(
    installation: Installation, http_receiver: Receiver, space: str, readable: bool
) -> None:
    export = export_to(http_receiver.config(space, readable=readable), installation)
    assert not deliver(installation, export, hours(0, 1)).failed

    installation.change_source("UPDATE events SET amount = 999 WHERE id = 1")
    chunk = deliver(installation, export, hours(0, 1), proven_since=datetime.now(UTC))

    assert not chunk.failed
    assert [entry.revision for entry in ledger(installation, export)] == [2, 1]
    kept = http_receiver.spaces[space]
    # The check's own file stays where nothing can be deleted.
    assert len([key for key in kept if not key.startswith("export-pipeline-check-")]) == 4
    for entry in ledger(installation, export):
        assert kept[entry.receipt_key].path.read_bytes() == entry.receipt.encode()


@pytest.mark.parametrize(
    ("readable", "tells_digest", "proof"),
    [(True, False, Proof.READ_BACK), (False, True, Proof.CHECKSUM), (False, False, Proof.ANSWER)],
)
def test_the_receipt_says_how_it_is_known_that_a_file_arrived(
    installation: Installation,
    http_receiver: Receiver,
    space: str,
    readable: bool,
    tells_digest: bool,
    proof: Proof,
) -> None:
    http_receiver.behaviour.tells_digest = tells_digest
    export = export_to(http_receiver.config(space, readable=readable), installation)

    (hour,) = deliver(installation, export, hours(0, 0)).done

    assert [file.proof for file in hour.receipt.files] == [proof]


def test_what_cannot_be_read_back_is_not_called_proven(
    installation: Installation, http_receiver: Receiver, space: str
) -> None:
    config = http_receiver.config(space, readable=False)
    export = export_to(config, installation)
    (hour,) = deliver(installation, export, hours(0, 0)).done

    found = verify(config.open(), hour.receipt_key)

    assert not found.ok
    assert "takes files and shows none" in found.problems[0]


def test_for_a_receiver_inside_hours_wait_until_the_operator_allows_it(
    installation: Installation, running_receiver: Receiver
) -> None:
    export = export_to(running_receiver.config(running_receiver.new_space()), installation)

    chunk = deliver(installation, export, hours(0, 0))

    assert (chunk.failed, chunk.waiting) == ((), tuple(hours(0, 0)))
    refused = connector(installation, "receiver")
    # It is looked at again: from outside, a name that is refused is not told from one that is not there yet.
    assert refused.state is ConnectorState.STARTING
    assert "EXPORT_PIPELINE_ALLOWED_NETWORKS" in refused.reason
