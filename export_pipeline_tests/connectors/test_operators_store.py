"""What customers hear of the place where the operator keeps their files."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.errors import NotFound, PermanentFailure, TransientFailure
from export_pipeline_tests.connectors.objects import put, read
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.s3 import S3Server

BUCKET = "where-they-lie"


def test_what_fails_is_told_without_the_place(s3_server: S3Server, caplog: pytest.LogCaptureFixture) -> None:
    """Each way of asking; the log has it all."""
    store = s3_server.config(BUCKET, endpoint_url=f"http://127.0.0.1:{free_port()}")
    destination = DirectDownloadConfig(store=store).open()
    asked = (
        lambda: destination.head("a.csv"),
        lambda: [*destination.get("a.csv")],
        lambda: [*destination.list("")],
        lambda: destination.delete("a.csv"),
        lambda: put(destination, "a.csv", b"1"),
    )
    for ask in asked:
        caplog.clear()
        with pytest.raises(TransientFailure) as caught:
            ask()

        assert "in bucket '…': no answer from …; is the address right" in str(caught.value)
        assert BUCKET not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)
        assert BUCKET in caplog.text


def test_whose_it_is_to_mend_is_told(s3_server: S3Server) -> None:
    store = s3_server.config(s3_server.new_bucket(), secret_access_key=SecretStr("wrong"))

    with pytest.raises(PermanentFailure, match="`secret_access_key` is not that") as caught:
        put(DirectDownloadConfig(store=store).open(), "a.csv", b"1")

    assert str(store.bucket) not in str(caught.value)


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    destination = DirectDownloadConfig(store=FolderConfig(path=tmp_path)).open()
    put(destination, "a.csv", b"1")

    assert read(destination, "a.csv") == b"1"
    with pytest.raises(NotFound, match=r"'b\.csv'"):
        [*destination.get("b.csv")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "could not write 'exports/2026/a.csv' in bucket 'exports'",
            "could not write 'exports/2026/a.csv' in bucket '…'",
        ),
        ("no answer from HTTPS://Store.internal:9000/x; is it up?", "no answer from …; is it up?"),
        ("the server store.internal does not answer", "the server … does not answer"),
        ("10.0.0.7 and fe80::1:2 and ::1 are inside", "… and … and … are inside"),
        (
            "x@p.iam.gserviceaccount.com does not have storage.objects.get",
            "… does not have storage.objects.get",
        ),
        ("arn:aws:iam::123456789012:role/exports was refused", "… was refused"),
        ("at 10:00:00 UTC a.csv had 1.5 MB", "at 10:00:00 UTC a.csv had 1.5 MB"),
    ],
)
def test_names_of_places_are_left_out_and_nothing_else(s3_server: S3Server, text: str, told: str) -> None:
    store = s3_server.config("exports", endpoint_url="http://store.internal:9000")

    assert DirectDownloadConfig(store=store).places.untold(text) == told
