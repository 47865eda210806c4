"""The receipt as a file: its bytes, its digest, what it says of counts that disagree."""

import json
from datetime import timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from export_pipeline.connectors.destination import Proof
from export_pipeline.errors import PermanentFailure
from export_pipeline.receipts.receipt import Receipt, ReceiptHour, canonical, digest_of, receipt_from
from export_pipeline_tests.builders import FIRST_HOUR, a_receipt, a_receipt_file, a_receipt_table, moment

GOLDEN = Path(__file__).parents[1] / "golden" / "receipts" / "two_tables.json"

TWO_TABLES = a_receipt(
    revision=2,
    supersedes="0f" * 32,
    tables=(
        a_receipt_table(),
        a_receipt_table(name="weather", filter="origin == 'Orléans'", rows_at_source=0),
    ),
    files=(
        a_receipt_file(),
        a_receipt_file(table="weather", key="weather/2013-01-01-00.csv", rows=0, bytes=9),
    ),
)

DIGEST = digest_of(TWO_TABLES.to_bytes())


def test_the_file_is_the_golden_one_byte_for_byte() -> None:
    assert TWO_TABLES.to_bytes() == GOLDEN.read_bytes()


def test_the_file_has_the_statement_and_a_place_for_signatures() -> None:
    envelope = json.loads(TWO_TABLES.to_bytes())

    assert envelope.keys() == {"payload", "signatures"}
    assert envelope["payload"]["format"] == "export-pipeline-receipt/1"


def test_a_receipt_comes_back_from_its_file() -> None:
    assert receipt_from(TWO_TABLES.to_bytes(), "key") == TWO_TABLES


def test_a_file_without_side_files_has_no_such_member() -> None:
    described = a_receipt_file(side_files="_schemas/flights/flights-0123456789ab")

    assert "side_files" not in json.loads(TWO_TABLES.to_bytes())["payload"]["files"][0]
    receipt = a_receipt(files=(described,))
    assert receipt_from(receipt.to_bytes(), "key").files == (described,)


def test_a_file_that_was_not_read_back_says_how_it_is_known() -> None:
    taken_at_its_word = a_receipt_file(proof=Proof.CHECKSUM)
    receipt = a_receipt(files=(taken_at_its_word,))

    assert "proof" not in json.loads(TWO_TABLES.to_bytes())["payload"]["files"][0]
    assert json.loads(receipt.to_bytes())["payload"]["files"][0]["proof"] == "store's checksum"
    assert receipt_from(receipt.to_bytes(), "key").files == (taken_at_its_word,)


def test_the_digest_is_that_of_the_payload_as_it_was_written() -> None:
    envelope = json.loads(TWO_TABLES.to_bytes())
    del envelope["payload"]["supersedes"]  # as a version would write it that does not know the field

    assert digest_of(canonical(envelope)) == sha256(canonical(envelope["payload"])).hexdigest()
    assert digest_of(canonical(envelope)) != DIGEST


def test_the_digest_does_not_depend_on_the_order_or_the_spaces_of_the_file() -> None:
    envelope = json.loads(TWO_TABLES.to_bytes())
    shuffled = json.dumps({"payload": _reversed(envelope["payload"])}, indent=2).encode()

    assert shuffled != TWO_TABLES.to_bytes()
    assert digest_of(shuffled) == DIGEST


def test_the_digest_is_of_the_statement_alone() -> None:
    envelope = json.loads(TWO_TABLES.to_bytes()) | {"signatures": ["somebody's"]}

    assert digest_of(canonical(envelope)) == DIGEST


def test_the_same_instants_in_another_zone_are_the_same_receipt() -> None:
    paris = timezone(timedelta(hours=1))
    moments = ("hour", "since", "until", "read_at", "delivered_at")

    elsewhere = a_receipt(**{name: getattr(a_receipt(), name).astimezone(paris) for name in moments})

    assert elsewhere.to_bytes() == a_receipt().to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"organization": "other"},
        {"hour": FIRST_HOUR + timedelta(hours=1)},
        {"revision": 2},
        {"files": (a_receipt_file(rows=3),)},
        {"files": (a_receipt_file(sha256="5b" * 32),)},
        {"tables": (a_receipt_table(rows_at_source=3),)},
        {"tables": (a_receipt_table(filter="id > 1"),)},
        {"read_at": FIRST_HOUR + timedelta(microseconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_changes_the_digest(change: dict[str, Any]) -> None:
    assert digest_of(a_receipt(**change).to_bytes()) != digest_of(a_receipt().to_bytes())


def test_rows_are_those_of_all_files() -> None:
    assert a_receipt(files=(a_receipt_file(rows=2), a_receipt_file(table="weather", rows=5))).rows == 7


def test_counts_that_agree_leave_nothing_to_say() -> None:
    assert TWO_TABLES.unreconciled == ()


def test_a_row_that_got_lost_is_told() -> None:
    receipt = a_receipt(files=(a_receipt_file(rows=1),))

    assert receipt.unreconciled == ("table flights: 2 rows at the source, 1 in the file",)


def test_a_table_without_a_file_is_told() -> None:
    receipt = a_receipt(tables=(a_receipt_table(), a_receipt_table(name="weather", rows_at_source=0)))

    assert receipt.unreconciled == ("table weather: 0 rows at the source, but no file",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"payload": null}',
        b'{"payload": {}}',
        TWO_TABLES.to_bytes()[:-10],
        TWO_TABLES.to_bytes().replace(b"receipt/1", b"receipt/2"),
        TWO_TABLES.to_bytes().replace(b'"revision":2', b'"revision":2,"colour":"red"'),
        TWO_TABLES.to_bytes().replace(b"2013-01-01T00:00:00Z", b"2013-01-01T00:00:00"),
        TWO_TABLES.to_bytes().replace(b"2013-01-01T00:00:00Z", b"0001-01-01T00:00:00+05:00"),
        TWO_TABLES.to_bytes().replace(b"2013-01-01T01:00:00Z", b"9999-12-31T23:30:00Z"),
        b'{"payload":' + b"[" * 100_000,
    ],
    ids=range(14),
)
def test_what_is_no_receipt_is_refused_by_its_key(data: bytes) -> None:
    with pytest.raises(PermanentFailure, match=r"'a/key\.json' is not a receipt"):
        receipt_from(data, "a/key.json")


def test_canonical_json_has_one_form() -> None:
    assert canonical({"b": [1, True, None], "a": "é"}) == b'{"a":"\\u00e9","b":[1,true,null]}'


def test_canonical_json_knows_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))


def _reversed(value: Any) -> Any:
    """The same JSON with the members of every object in the opposite order."""
    if isinstance(value, dict):
        return {name: _reversed(value[name]) for name in sorted(value, reverse=True)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def test_a_receipt_cannot_be_changed() -> None:
    receipt: Any = a_receipt()

    with pytest.raises(ValueError, match="frozen"):
        receipt.revision = 2


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone"):
        Receipt(**dict(a_receipt()) | {"hour": FIRST_HOUR.replace(tzinfo=None)})


def an_hour_of_it(
    hours_later: int, at_source: int, written: int | None = None, **changes: Any
) -> ReceiptHour:
    hour = ReceiptHour(
        hour=FIRST_HOUR + timedelta(hours=hours_later),
        read_at=moment("2013-01-02 00:00"),
        rows_at_source={"flights": at_source},
        rows={"flights": at_source if written is None else written},
    )
    return hour.model_copy(update=changes)


def a_range(*hours: ReceiptHour, rows: int = 9, at_source: int = 9, **changes: Any) -> Receipt:
    """The receipt of the first three hours, in one file."""
    asked: dict[str, Any] = {
        "until": FIRST_HOUR + timedelta(hours=3),
        "tables": (a_receipt_table(rows_at_source=at_source),),
        "files": (a_receipt_file(rows=rows),),
        "hours": hours or (an_hour_of_it(0, 4), an_hour_of_it(1, 0), an_hour_of_it(2, 5)),
    }
    return a_receipt(**asked | changes)


def test_the_receipt_of_an_hour_has_no_member_for_hours_and_limit() -> None:
    payload = json.loads(a_receipt().to_bytes())["payload"]
    assert not {"hours", "row_limit"} & set(payload)


def test_a_range_whose_hours_add_up_leaves_nothing_to_say() -> None:
    whole = a_range()
    assert whole.unreconciled == ()
    assert receipt_from(whole.to_bytes(), "key") == whole


@pytest.mark.parametrize(
    ("whole", "sentences"),
    [
        (
            a_range(an_hour_of_it(0, 4), an_hour_of_it(1, 0), an_hour_of_it(2, 5, 4)),
            ["5 rows at the source in the hour 2013-01-01T02:00:00+00:00, 4 in the file"],
        ),
        # one row more than the whole has, and one that its hours do not know of
        (
            a_range(an_hour_of_it(0, 5), an_hour_of_it(1, 0), an_hour_of_it(2, 5)),
            ["9 rows at the source, 10 in its hours together"],
        ),
        (a_range(rows=8), ["9 rows at the source, 8 in the file"]),
        # an hour that is not there, and one that is there twice
        (a_range(an_hour_of_it(0, 4), an_hour_of_it(2, 5)), ["the hours listed are not those"]),
        (
            a_range(an_hour_of_it(0, 4), an_hour_of_it(1, 0), an_hour_of_it(1, 0), an_hour_of_it(2, 5)),
            ["the hours listed are not those from 2013-01-01T00:00:00+00:00 to 2013-01-01T03:00:00+00:00"],
        ),
        # a table that an hour says nothing of
        (
            a_range(an_hour_of_it(0, 4), an_hour_of_it(1, 0), an_hour_of_it(2, 5, rows={})),
            ["5 rows at the source in the hour 2013-01-01T02:00:00+00:00, 0 in the file"],
        ),
    ],
    ids=range(6),
)
def test_hours_of_a_range_that_do_not_add_up_are_told(whole: Receipt, sentences: list[str]) -> None:
    assert len(whole.unreconciled) == len(sentences)
    for told, sentence in zip(whole.unreconciled, sentences, strict=True):
        assert sentence in told


def test_a_range_that_nobody_could_count_is_told_at_once() -> None:
    endless = a_range(until=moment("9999-12-31 22:00"))
    assert [told.partition(" from ")[0] for told in endless.unreconciled] == [
        "the hours listed are not those"
    ]


def test_of_a_limit_the_first_rows_in_order_of_hours_are_due() -> None:
    hours = an_hour_of_it(0, 4, 4), an_hour_of_it(1, 0), an_hour_of_it(2, 5, 2)
    assert a_range(*hours, rows=6, row_limit=6).unreconciled == ()
    assert a_range(rows=9, row_limit=9).unreconciled == ()
    assert a_range(rows=9, row_limit=10).unreconciled == ()


def test_of_a_limit_other_rows_than_the_first_are_told() -> None:
    hours = an_hour_of_it(0, 4, 1), an_hour_of_it(1, 0), an_hour_of_it(2, 5, 5)
    assert a_range(*hours, rows=6, row_limit=6).unreconciled == (
        "table flights: 4 rows at the source in the hour 2013-01-01T00:00:00+00:00, 1 in the file,"
        " of which the first 6 were wanted",
        "table flights: 5 rows at the source in the hour 2013-01-01T02:00:00+00:00, 5 in the file,"
        " of which the first 6 were wanted",
    )
    assert a_range(rows=9, row_limit=6).unreconciled[0] == (
        "table flights: 9 rows at the source, 9 in the file, of which the first 6 were wanted"
    )
