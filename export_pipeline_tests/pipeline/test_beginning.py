"""What a run notes of an hour that it begins to write where nobody may look."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

import pytest

from export_pipeline.connectors.connector import config_from
from export_pipeline.control.exports import delete_export
from export_pipeline.errors import Conflict
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.beginning import BegunObjects, place_of
from export_pipeline.pipeline.claiming import Claims
from export_pipeline.store.database import writing
from export_pipeline_tests.installations import Installation, hours

(HOUR,) = hours(0, 0)
BUCKET = {"type": "s3", "bucket": "acme-exports", "access_key_id": "AKIA1", "secret_access_key": "first"}


@pytest.fixture
def export(installation: Installation) -> Export:
    return installation.export()


def begun(
    installation: Installation, export: Export, run_id: str = "ours", place: str = "here"
) -> BegunObjects:
    return BegunObjects(
        control=installation.deployment.control, export=export, window=HOUR, run_id=run_id, place=place
    )


def claim(installation: Installation, export: Export, run_id: str = "ours") -> Claims:
    claims = Claims(installation.deployment.control, run_id, timedelta(hours=1), threading.Event())
    claims.take(export, HOUR, proven_since=None)
    return claims


def test_a_key_is_known_to_the_run_that_takes_the_hour_over(
    installation: Installation, export: Export
) -> None:
    claims = claim(installation, export)
    assert not begun(installation, export).note("a.csv")
    claims.give_up(export, HOUR)
    claim(installation, export, "next")

    assert begun(installation, export, "next").note("a.csv")
    assert not begun(installation, export, "next").note("b.csv")
    assert not begun(installation, export, "next", place="elsewhere").note("a.csv")


def test_a_key_that_was_withdrawn_is_not_known(installation: Installation, export: Export) -> None:
    claim(installation, export)
    notes = begun(installation, export)
    notes.note("a.csv")
    notes.withdraw("a.csv")

    assert not notes.note("a.csv")


def test_a_run_that_lost_the_hour_notes_nothing_and_withdraws_nothing(
    installation: Installation, export: Export
) -> None:
    claim(installation, export, "theirs")
    begun(installation, export, "theirs").note("a.csv")
    late = begun(installation, export, "late")

    with pytest.raises(Conflict, match="another run may have"):
        late.note("b.csv")
    with pytest.raises(Conflict, match="another run may have"):
        late.withdraw("a.csv")

    assert begun(installation, export, "theirs").note("a.csv")
    assert not begun(installation, export, "theirs").note("b.csv")


def test_nothing_is_known_of_an_export_that_was_deleted(installation: Installation, export: Export) -> None:
    claim(installation, export)
    begun(installation, export).note("a.csv")
    with writing(installation.deployment.control) as connection:
        delete_export(connection, "default", export.slug)

    assert not begun(installation, export).note("a.csv")


def place(config: Mapping[str, object], export_id: str = "e1") -> str:
    return place_of(config_from(config), export_id)


def test_a_place_is_the_same_for_other_credentials_and_another_anywhere_else() -> None:
    assert place({**BUCKET, "secret_access_key": "second"}) == place(BUCKET)
    elsewhere: tuple[dict[str, str], ...] = (
        {"bucket": "acme-other"},
        {"prefix": "daily"},
        {"endpoint_url": "https://minio.example"},
    )
    assert place(BUCKET) not in {place({**BUCKET, **other}) for other in elsewhere}


def test_a_receivers_place_is_all_of_its_address() -> None:
    urls = [
        "https://h.example/put/$key",
        "https://h.example/put/$key?bucket=a",
        "https://h.example/put/$key?bucket=b",
        "https://h.example/put?bucket=a&key=$key",
    ]
    places = {url: place({"type": "http", "url": url}) for url in urls}

    assert len(set(places.values())) == len(urls)
    assert places == {url: place({"type": "http", "url": url, "bearer_token": "new"}) for url in urls}


def test_what_may_be_secret_in_an_address_is_not_told_by_its_place() -> None:
    """Nor that two exports share a receiver; and a digest that was made beforehand is of no use."""
    receiver = {"type": "http", "url": "https://h.example/put/$key?token=1234"}
    told = "https://h.example/put/$key?token=1234 https://h.example/put/$key"

    assert len({place(receiver, "e1"), place(receiver, "e2"), sha256(told.encode()).hexdigest()}) == 3


def test_downloads_of_two_organizations_lie_in_two_places_of_one_bucket() -> None:
    def waiting(whose: str) -> str:
        return place({"type": "direct_download", "store": {**BUCKET, "prefix": whose}})

    assert waiting("acme") == waiting("acme")
    assert waiting("acme") != waiting("zenith")
