"""The protocol between the pipeline and any store."""

from dataclasses import FrozenInstanceError

import pytest

from export_pipeline.connectors.destination import EXPORT_ID, SHA256, Proof, StoredObject, Version
from export_pipeline.connectors.limits import checked_metadata


def test_every_store_takes_what_every_object_carries() -> None:
    metadata = {EXPORT_ID: "x" * 200, SHA256: "ab" * 32}

    assert checked_metadata(metadata) == metadata


def test_a_proof_says_itself_in_words() -> None:
    assert f"{Proof.READ_BACK}, {Proof.CHECKSUM}, {Proof.ANSWER}" == (
        "read back, store's checksum, store's answer"
    )


def test_a_description_does_not_change() -> None:
    found = StoredObject(key="a", size=1, version=Version("v"), metadata={})

    with pytest.raises(FrozenInstanceError):
        found.size = 2  # type: ignore[misc]  # that it cannot be assigned is the test
