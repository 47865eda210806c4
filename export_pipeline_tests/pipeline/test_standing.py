"""Which receipt the next one supersedes: the ledger's, or one that only the customer has."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from export_pipeline.connectors.destination import EXPORT_ID, Destination
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.pipeline.standing import StandingReceipt, keys_of, standing_receipt
from export_pipeline.receipts.receipt import Receipt, digest_of
from export_pipeline.store.ledger import LedgerEntry
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import (
    FIRST_HOUR,
    a_ledger_entry,
    a_receipt,
    a_receipt_file,
    an_export,
    an_hour,
)
from export_pipeline_tests.connectors.objects import Unseen, put

KEY = "_receipts/flights/2013-01-01-00-00.json"
EXPORT = an_export()
OURS = {EXPORT_ID: EXPORT.identity}


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    return FolderConfig(path=tmp_path).open()


def lies_there(destination: Destination, data: bytes, metadata: Mapping[str, str] = OURS) -> None:
    put(destination, KEY, data, metadata=dict(metadata))


def entry_with(receipt: Receipt) -> LedgerEntry:
    return a_ledger_entry(revision=receipt.revision, receipt=receipt.to_bytes().decode())


def standing(destination: Destination, known: Receipt | None = None) -> StandingReceipt | None:
    entry = entry_with(known) if known else None
    return standing_receipt(entry, destination, KEY, EXPORT, HourWindow(FIRST_HOUR))


def test_nothing_stands_before_the_first_delivery(destination: Destination) -> None:
    assert standing(destination) is None


def test_the_ledgers_receipt_stands_whatever_became_of_the_file(destination: Destination) -> None:
    known = a_receipt(revision=3)

    assert standing(destination, known) == StandingReceipt(known, known.to_bytes())


def test_a_receipt_that_the_ledger_has_not_heard_of_stands(destination: Destination) -> None:
    told = a_receipt(revision=4)
    lies_there(destination, told.to_bytes())

    for known in (None, a_receipt(revision=3)):
        found = standing(destination, known)
        assert found == StandingReceipt(told, told.to_bytes())
        assert found.digest == digest_of(told.to_bytes())


def test_an_entrys_keys_are_those_of_its_files_and_of_its_receipt() -> None:
    entry = entry_with(a_receipt(files=(a_receipt_file(key="a.csv"), a_receipt_file(key="b.csv"))))

    assert keys_of(entry) == {"a.csv", "b.csv", entry.receipt_key}


@pytest.mark.parametrize("revision", [2, 3])
def test_an_older_or_altered_receipt_does_not_overrule_the_ledger(
    destination: Destination, revision: int
) -> None:
    known = a_receipt(revision=3)
    lies_there(destination, a_receipt(revision=revision, snapshot="altered").to_bytes())

    found = standing(destination, known)

    assert found is not None
    assert found.receipt == known


@pytest.mark.parametrize(
    "data",
    [
        b"no receipt",
        b"{}",
        a_receipt(hour=an_hour(1).start, revision=9).to_bytes(),
        a_receipt(export="another", revision=9).to_bytes(),
        a_receipt(organization="another", revision=9).to_bytes(),
    ],
    ids=["no JSON", "no receipt", "another hour's", "another export's", "another organization's"],
)
def test_what_is_no_receipt_of_the_hour_does_not_count(destination: Destination, data: bytes) -> None:
    lies_there(destination, data)

    assert standing(destination) is None


def test_what_somebody_else_put_there_does_not_count(destination: Destination) -> None:
    lies_there(destination, a_receipt(revision=9).to_bytes(), {})

    assert standing(destination) is None


def test_where_nobody_may_look_the_ledgers_receipt_stands(destination: Destination) -> None:
    lies_there(destination, a_receipt(revision=4).to_bytes())
    known = a_receipt(revision=3)

    assert standing(Unseen(destination)) is None
    assert standing(Unseen(destination), known) == StandingReceipt(known, known.to_bytes())
