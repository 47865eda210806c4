"""Proving an hour from what lies in a real folder: every way in which it may be broken is found."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from export_pipeline.connectors.folder import FolderConfig, FolderDestination
from export_pipeline.errors import NotFound, PermanentFailure
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat, every_format
from export_pipeline.receipts import verifying
from export_pipeline.receipts.receipt import Receipt, canonical
from export_pipeline.receipts.verifying import Verification, read_receipt, verify
from export_pipeline_tests.builders import a_receipt, a_receipt_file, a_receipt_table
from export_pipeline_tests.formats.rows import a_batch, a_schema, written

RECEIPT_KEY = "_receipts/flights/2013-01-01-00-00.json"
ROWS = a_batch(
    a_schema(id="int64", carrier="string"),
    {"id": 1, "carrier": "UA"},
    {"id": 2, "carrier": 'a\r\n"b"'},
    {"id": 3, "carrier": None},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bucket"


@pytest.fixture
def destination(folder: Path) -> FolderDestination:
    return FolderConfig(path=folder).open()


def put(destination: FolderDestination, key: str, data: bytes) -> None:
    there = destination.head(key)
    upload = destination.begin(key, {})
    upload.write(data)
    upload.commit(replaces=there.version if there else None)


def deliver(
    destination: FolderDestination,
    *,
    format_: FileFormat | None = None,
    rows_in_receipt: int = ROWS.num_rows,
    data: bytes | None = None,
) -> Receipt:
    """An hour of two tables, in place; the receipt describes the files' bytes as they are."""
    format_ = format_ or CsvFormat(compression="none")
    data = written(format_, ROWS.schema, ROWS) if data is None else data
    files = tuple(
        a_receipt_file(
            table=table,
            key=f"{table}/2013-01-01-00.{format_.extension}",
            rows=rows_in_receipt,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            format=format_.model_dump(mode="json"),
        )
        for table in ("flights", "weather")
    )
    tables = tuple(a_receipt_table(name=file.table, rows_at_source=rows_in_receipt) for file in files)
    receipt = a_receipt(tables=tables, files=files)
    for file in files:
        put(destination, file.key, data)
    put(destination, RECEIPT_KEY, receipt.to_bytes())
    return receipt


def only_damage(found: Verification) -> str:
    assert found.miscounted == ()
    (sentence,) = found.damaged
    assert not found.ok
    assert found.problems == (sentence,)
    return sentence


@pytest.mark.parametrize("format_", every_format(), ids=lambda f: f"{f.type}-{f.compression}")
def test_an_hour_as_it_was_delivered_is_in_order(destination: FolderDestination, format_: FileFormat) -> None:
    receipt = deliver(destination, format_=format_)

    found = verify(destination, RECEIPT_KEY, delivered=receipt.to_bytes())

    assert found.problems == ()
    assert found.ok
    assert found.receipt == receipt


def test_a_missing_file_is_found(destination: FolderDestination, folder: Path) -> None:
    deliver(destination)
    (folder / "weather/2013-01-01-00.csv").unlink()

    assert only_damage(verify(destination, RECEIPT_KEY)) == "weather/2013-01-01-00.csv: is not there"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"UA", b"AA"),
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda _: b"",
    ],
    ids=["altered", "truncated", "lengthened", "emptied"],
)
@pytest.mark.parametrize("count_rows", [True, False])
def test_altered_bytes_are_found(
    destination: FolderDestination, folder: Path, damage: Callable[[bytes], bytes], count_rows: bool
) -> None:
    deliver(destination)
    file = folder / "flights/2013-01-01-00.csv"
    file.write_bytes(damage(file.read_bytes()))

    sentence = only_damage(verify(destination, RECEIPT_KEY, count_rows=count_rows))

    assert sentence.startswith("flights/2013-01-01-00.csv: ")
    assert hashlib.sha256(file.read_bytes()).hexdigest() in sentence


class Endless(FolderDestination):
    """A store that has lost the ends of files."""

    def get(self, key: str) -> Iterator[bytes]:
        yield from super().get(key)
        while key != RECEIPT_KEY:
            yield b"and so on"


def test_a_file_without_an_end_is_not_read_to_its_end(destination: FolderDestination, folder: Path) -> None:
    deliver(destination)

    found = verify(Endless(folder), RECEIPT_KEY)

    assert len(found.damaged) == 2
    assert "the receipt says" in found.damaged[0]


def test_a_missing_receipt_is_found(destination: FolderDestination, folder: Path) -> None:
    deliver(destination)
    (folder / RECEIPT_KEY).unlink()

    found = verify(destination, RECEIPT_KEY)

    assert found.receipt is None
    assert RECEIPT_KEY in only_damage(found)


def test_a_truncated_receipt_is_found(destination: FolderDestination, folder: Path) -> None:
    receipt = deliver(destination)
    (folder / RECEIPT_KEY).write_bytes(receipt.to_bytes()[:-3])

    found = verify(destination, RECEIPT_KEY)

    assert found.receipt is None
    assert "is not a receipt" in only_damage(found)


def test_a_receipt_that_was_altered_where_no_file_shows_it_is_found(
    destination: FolderDestination, folder: Path
) -> None:
    receipt = deliver(destination)
    altered = receipt.to_bytes().replace(b"sqlite read transaction", b"repeatable read")
    (folder / RECEIPT_KEY).write_bytes(altered)

    sentence = only_damage(verify(destination, RECEIPT_KEY, delivered=receipt.to_bytes()))

    assert sentence == f"{RECEIPT_KEY}: is not the receipt that was delivered"


def test_the_receipt_of_another_hour_is_found(destination: FolderDestination, folder: Path) -> None:
    receipt = deliver(destination)
    other = receipt.model_copy(update={"revision": 5})
    (folder / RECEIPT_KEY).write_bytes(other.to_bytes())

    assert not verify(destination, RECEIPT_KEY, delivered=receipt.to_bytes()).ok


def test_a_receipt_whose_digest_was_altered_is_found(destination: FolderDestination, folder: Path) -> None:
    receipt = deliver(destination)
    altered = receipt.to_bytes().replace(receipt.files[0].sha256.encode(), b"0" * 64, 1)
    (folder / RECEIPT_KEY).write_bytes(altered)

    assert "the receipt says" in only_damage(verify(destination, RECEIPT_KEY))


def test_a_receipt_that_lies_about_the_rows_of_sound_bytes_is_found(destination: FolderDestination) -> None:
    deliver(destination, rows_in_receipt=4)

    found = verify(destination, RECEIPT_KEY)

    assert found.damaged == ()
    assert found.miscounted == tuple(
        f"{table}/2013-01-01-00.csv: 3 rows; the receipt says 4" for table in ("flights", "weather")
    )


def test_without_counting_only_the_receipts_own_numbers_are_compared(destination: FolderDestination) -> None:
    deliver(destination, rows_in_receipt=4)

    assert verify(destination, RECEIPT_KEY, count_rows=False).ok


def test_a_receipt_that_admits_a_lost_row_is_no_proof(destination: FolderDestination, folder: Path) -> None:
    receipt = deliver(destination)
    payload = json.loads(receipt.to_bytes())
    payload["payload"]["tables"][0]["rows_at_source"] = 4
    (folder / RECEIPT_KEY).write_bytes(canonical(payload))

    found = verify(destination, RECEIPT_KEY)

    assert found.miscounted == ("table flights: 4 rows at the source, 3 in the file",)


def test_a_file_whose_rows_cannot_be_counted_is_damaged(destination: FolderDestination) -> None:
    # Delivered as it is described, to the byte, and yet not a file of its format.
    deliver(destination, format_=CsvFormat(compression="gzip"), data=b"not compressed")

    found = verify(destination, RECEIPT_KEY)

    assert len(found.damaged) == 2
    assert "cannot be counted" in found.damaged[0]


def test_a_file_of_a_format_we_do_not_know_is_damaged(destination: FolderDestination, folder: Path) -> None:
    receipt = deliver(destination)
    (folder / RECEIPT_KEY).write_bytes(receipt.to_bytes().replace(b'"csv"', b'"xml"'))

    found = verify(destination, RECEIPT_KEY)

    assert len(found.damaged) == 2
    assert "'xml' is not a format" in found.damaged[0]


def test_a_receipt_that_names_files_outside_is_not_followed(
    destination: FolderDestination, folder: Path, tmp_path: Path
) -> None:
    receipt = deliver(destination)
    (tmp_path / "secret").write_text("not ours")
    outside = receipt.to_bytes().replace(b"flights/2013-01-01-00.csv", b"../secret")
    (folder / RECEIPT_KEY).write_bytes(outside)

    assert only_damage(verify(destination, RECEIPT_KEY)).startswith("../secret: ")


def test_one_broken_file_does_not_hide_another(destination: FolderDestination, folder: Path) -> None:
    deliver(destination)
    (folder / "flights/2013-01-01-00.csv").unlink()
    (folder / "weather/2013-01-01-00.csv").write_bytes(b"")

    assert len(verify(destination, RECEIPT_KEY).damaged) == 2


def test_a_file_too_large_for_memory_is_verified_too(destination: FolderDestination) -> None:
    data = b"id,carrier\r\n" + b"1,UA\r\n" * (verifying.IN_MEMORY_BYTES // 6 + 1)
    assert len(data) > verifying.IN_MEMORY_BYTES
    deliver(destination, data=data, rows_in_receipt=data.count(b"\n") - 1)

    assert verify(destination, RECEIPT_KEY).ok


def test_something_huge_in_place_of_the_receipt_is_not_read_to_its_end(
    destination: FolderDestination, folder: Path
) -> None:
    deliver(destination)
    with (folder / RECEIPT_KEY).open("wb") as file:
        file.truncate(200 * verifying.MAX_RECEIPT_BYTES)  # of zeros that take no room on the disk

    assert "no receipt: it is larger than" in only_damage(verify(destination, RECEIPT_KEY))


def test_a_receipt_can_be_read_alone(destination: FolderDestination) -> None:
    receipt = deliver(destination)

    assert read_receipt(destination, RECEIPT_KEY) == receipt


def test_reading_a_receipt_that_is_not_there(destination: FolderDestination) -> None:
    with pytest.raises(NotFound):
        read_receipt(destination, RECEIPT_KEY)


def test_reading_something_else_as_a_receipt(destination: FolderDestination) -> None:
    put(destination, RECEIPT_KEY, b"hello")

    with pytest.raises(PermanentFailure):
        read_receipt(destination, RECEIPT_KEY)


def test_of_files_that_are_to_be_there_no_more_the_receipt_is_read(
    destination: FolderDestination, folder: Path
) -> None:
    receipt = deliver(destination)
    for file in receipt.files:
        destination.delete(file.key)

    found = verify(destination, RECEIPT_KEY, delivered=receipt.to_bytes(), files=False)
    assert (found.ok, found.receipt) == (True, receipt)

    (folder / RECEIPT_KEY).write_bytes((folder / RECEIPT_KEY).read_bytes()[:-2])
    assert not verify(destination, RECEIPT_KEY, delivered=receipt.to_bytes(), files=False).ok
