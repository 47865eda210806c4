"""What became of the hours of a run, and when that fails it."""

from dataclasses import replace

import dagster as dg
import pytest

from export_pipeline.orchestration.outcome import FAILURES_NAMED, Outcome
from export_pipeline.pipeline.chunk import Chunk
from export_pipeline.pipeline.hours import DeliveredHour
from export_pipeline.store.ledger import HourFailure
from export_pipeline_tests.builders import a_failure, a_receipt, a_receipt_table, an_hour


def a_delivered_hour(hours_later: int = 0, rows_at_source: int = 2) -> DeliveredHour:
    receipt = a_receipt(tables=(a_receipt_table(rows_at_source=rows_at_source),))
    return DeliveredHour(
        window=an_hour(hours_later),
        files=(),
        receipt=receipt,
        receipt_key="_receipts/flights.json",
        receipt_text="",
        changed=True,
        seconds=1.0,
    )


def failures(*hours: int) -> tuple[HourFailure, ...]:
    return tuple(a_failure(hour=an_hour(hour).start) for hour in hours)


def test_it_counts_the_rows_of_the_hours_that_the_run_delivered() -> None:
    chunk = Chunk((a_delivered_hour(0), a_delivered_hour(1)), (an_hour(2),), failures(3))
    outcome = Outcome.of(chunk)
    assert (outcome.delivered, outcome.found) == ((an_hour(0), an_hour(1)), (an_hour(2),))
    assert (outcome.hours, outcome.rows, outcome.miscounted) == (4, 4, ())


def test_counts_that_differ_are_told_with_their_receipt() -> None:
    outcome = Outcome.of(Chunk((a_delivered_hour(rows_at_source=3),)))
    assert outcome.miscounted == (
        "_receipts/flights.json: table flights: 3 rows at the source, 2 in the file",
    )


def test_two_chunks_are_one_outcome() -> None:
    one = Outcome.of(Chunk((a_delivered_hour(0),), (an_hour(1),), failures(2)))
    other = Outcome.of(Chunk((a_delivered_hour(3, rows_at_source=3),), (), failures(4)))
    both = one + other
    assert both.delivered == (an_hour(0), an_hour(3))
    assert (both.found, both.failed) == ((an_hour(1),), failures(2, 4))
    assert (both.hours, both.rows, len(both.miscounted)) == (5, 4, 1)


def test_it_knows_of_which_hours_nothing_is_told() -> None:
    outcome = Outcome(delivered=(an_hour(0),), found=(an_hour(1),), failed=failures(2))
    assert outcome.untold([an_hour(n) for n in range(5)]) == (an_hour(3), an_hour(4))


def test_without_failed_hours_nothing_fails() -> None:
    Outcome(delivered=(an_hour(),), found=(an_hour(1),)).raise_for_undelivered("connector 'bucket'")


def test_failed_hours_are_named_in_order_each_with_its_reason() -> None:
    outcome = Outcome(delivered=(an_hour(0),), failed=failures(3, 1))
    with pytest.raises(dg.Failure) as raised:
        outcome.raise_for_undelivered("connector 'bucket'")
    assert raised.value.description == (
        "2 of 3 hours failed; the others are delivered.\n"
        "2013-01-01-01:00 (upload, retry): the destination did not answer\n"
        "2013-01-01-03:00 (upload, retry): the destination did not answer"
    )
    assert raised.value.metadata["failed_hours"].value == 2
    assert not raised.value.allow_retries


def test_where_nothing_was_delivered_nobody_is_told_of_others() -> None:
    for hours, said in (((1,), []), ((1, 2), ["All 2 hours failed."])):
        with pytest.raises(dg.Failure) as raised:
            Outcome(failed=failures(*hours)).raise_for_undelivered("the connector")
        first = "2013-01-01-01:00 (upload, retry): the destination did not answer"
        assert str(raised.value.description).splitlines()[: len(said) + 1] == [*said, first]


def test_of_very_many_failed_hours_only_the_first_are_named() -> None:
    outcome = replace(Outcome(), failed=failures(*range(FAILURES_NAMED + 3)))
    with pytest.raises(dg.Failure) as raised:
        outcome.raise_for_undelivered("connector 'bucket'")
    lines = str(raised.value.description).splitlines()
    assert len(lines) == 1 + FAILURES_NAMED + 1
    assert lines[-1] == "and 3 more; `export-pipeline export show --json` has them all"


def test_hours_that_wait_are_told_once_with_what_they_wait_for() -> None:
    chunk: Chunk[DeliveredHour] = Chunk((), (), (), (an_hour(1), an_hour(2)))
    outcome = Outcome(delivered=(an_hour(0),)) + Outcome.of(chunk)
    assert outcome.untold([an_hour(n) for n in range(4)]) == (an_hour(3),)
    with pytest.raises(dg.Failure) as raised:
        outcome.raise_for_undelivered("connector 'bucket', which is FAILED: It is refused.")
    assert raised.value.description == "2 hours wait for connector 'bucket', which is FAILED: It is refused."
    assert raised.value.metadata["waiting_hours"].value == 2
    assert raised.value.metadata["failed_hours"].value == 0
    assert not raised.value.allow_retries


def test_hours_that_failed_and_one_that_waits_are_both_told() -> None:
    outcome = Outcome(delivered=(an_hour(0),), failed=failures(1), waiting=(an_hour(2),))
    with pytest.raises(dg.Failure) as raised:
        outcome.raise_for_undelivered("the connector")
    lines = str(raised.value.description).splitlines()
    assert lines[0] == "1 of 3 hours failed; the others are delivered, or wait."
    assert lines[-1] == "1 hour waits for the connector"
