"""What is delivered of an export, over the API."""

from datetime import timedelta

import pytest

from export_pipeline.store.database import writing
from export_pipeline.store.ledger import write_entry, write_failure
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.builders import a_failure, a_ledger_entry
from export_pipeline_tests.installations import FIRST

EVENTS = "/api/v1/exports/events"


@pytest.fixture
def events(api: Api, admin: Somebody) -> Somebody:
    """Three hours delivered, the second one twice, and one that failed."""
    admin.lake()
    id_ = admin.export()["id"]
    with writing(api.installation.deployment.control) as connection:
        for hour, revision in ((0, 1), (1, 1), (1, 2), (2, 1)):
            start = FIRST + timedelta(hours=hour)
            entry = a_ledger_entry(
                export_id=id_,
                hour=start,
                revision=revision,
                since=start,
                until=start + timedelta(hours=1),
                rows=10,
                receipt=f'{{"payload":{{"hour":{hour},"revision":{revision}}}}}',
            )
            write_entry(connection, entry)
        write_failure(connection, a_failure(export_id=id_, hour=FIRST + timedelta(hours=3)))
    return admin


def test_the_coverage_says_what_is_delivered_and_what_failed(events: Somebody) -> None:
    coverage = events.get(f"{EVENTS}/coverage").json()

    assert (coverage["hours"], coverage["rows"], coverage["failed"]) == (3, 30, 1)
    assert coverage["first_hour"] == "2026-01-05T00:00:00Z"
    assert coverage["failures"][0]["hour"] == "2026-01-05T03:00:00Z"
    assert coverage["waits_for"]


def test_receipts_are_listed_each_hour_once(events: Somebody) -> None:
    first = events.get(f"{EVENTS}/receipts", params={"limit": 2}).json()
    second = events.get(f"{EVENTS}/receipts", params={"limit": 2, "cursor": first["next"]}).json()

    listed = [(one["hour"], one["revision"]) for page in (first, second) for one in page["receipts"]]
    assert listed == [("2026-01-05-00:00", 1), ("2026-01-05-01:00", 2), ("2026-01-05-02:00", 1)]
    some = {"since": "2026-01-05T01:00:00Z", "until": "2026-01-05T04:00:00+02:00"}
    within = events.get(f"{EVENTS}/receipts", params=some).json()["receipts"]
    assert [one["hour"] for one in within] == ["2026-01-05-01:00"]


def test_a_receipt_is_given_as_it_was_written(events: Somebody) -> None:
    newest = events.get(f"{EVENTS}/receipts/2026-01-05-01:00")
    older = events.get(f"{EVENTS}/receipts/2026-01-05-01:00", params={"revision": 1})

    assert newest.content == b'{"payload":{"hour":1,"revision":2}}'
    assert newest.headers["Content-Type"] == "application/json"
    assert older.json()["payload"]["revision"] == 1


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("receipts/2026-01-05-03:00", 404),
        ("receipts/2026-01-05-01:00?revision=3", 404),
        ("receipts/2026-01-05-01:00?revision=99999999999999999999", 400),
        ("receipts/yesterday", 400),
        ("receipts?since=yesterday", 400),
        ("receipts?since=0001-01-01T00:00:00%2B23:00", 400),
        ("receipts?until=9999-12-31T23:00:00-23:00", 400),
    ],
)
def test_what_is_not_there_is_told_from_what_is_no_hour(events: Somebody, address: str, status: int) -> None:
    assert events.get(f"{EVENTS}/{address}").status_code == status
