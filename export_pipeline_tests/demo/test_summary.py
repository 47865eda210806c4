"""The summary says of each file what its receipt says, and where it lies."""

import json
from pathlib import Path

from export_pipeline.demo.summary import summary_of, write_summary
from export_pipeline_tests.builders import (
    a_ledger_entry,
    a_receipt,
    a_receipt_file,
    an_export,
    an_hour,
)

DOWNLOADS = Path("/downloads")


def test_a_file_is_described_as_in_its_receipt_with_absolute_paths() -> None:
    (file,) = summary_of(an_export(), [a_ledger_entry()], DOWNLOADS)["files"]
    assert file == {
        "path": "/downloads/2013-01-01-00-00.csv",
        "hour": "2013-01-01T00:00:00Z",
        "table": "flights",
        "rows": 2,
        "bytes": 57,
        "sha256": "5a" * 32,
        "receipt": "/downloads/_receipts/flights/2013-01-01-00-00.json",
    }


def test_an_hour_of_two_tables_is_two_files_and_one_hour() -> None:
    files = (a_receipt_file(), a_receipt_file(table="weather", key="weather.csv", rows=1, bytes=9))
    receipt = a_receipt(files=files).to_bytes().decode()
    summary = summary_of(an_export(), [a_ledger_entry(receipt=receipt)], DOWNLOADS)
    assert [file["table"] for file in summary["files"]] == ["flights", "weather"]
    assert summary["hours"] == 1


def test_hours_rows_and_bytes_are_added_up() -> None:
    entries = [a_ledger_entry(rows=2, bytes=57), a_ledger_entry(hour=an_hour(1).start, rows=0, bytes=11)]
    summary = summary_of(an_export(), entries, DOWNLOADS)
    assert (summary["hours"], summary["rows"], summary["bytes"]) == (2, 2, 68)


def test_without_hours_it_says_so() -> None:
    summary = summary_of(an_export(), [], DOWNLOADS)
    assert (summary["hours"], summary["rows"], summary["bytes"], summary["files"]) == (0, 0, 0, [])


def test_it_says_what_was_asked_for() -> None:
    definition = an_export().definition.model_copy(update={"filters": ("distance > 100",)})
    summary = summary_of(an_export(definition=definition), [], DOWNLOADS)
    assert (summary["format"], summary["filter"]) == ("csv", "distance > 100")


def test_it_is_written_as_json_in_the_place_of_the_older_one_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text("older, and longer than the new one is going to be" * 9)
    write_summary(path, {"flights": {"hours": 1}})
    assert json.loads(path.read_text()) == {"exports": {"flights": {"hours": 1}}}
    assert [*tmp_path.iterdir()] == [path]
