"""Files that wait at our place."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from export_pipeline.connectors.direct_download import UNPLACED, DirectDownloadConfig, part_of
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.errors import HourFailed
from export_pipeline_tests.connectors.objects import put, read
from export_pipeline_tests.servers.s3 import S3Server


def test_files_wait_in_a_folder(tmp_path: Path) -> None:
    connector = DirectDownloadConfig(store=FolderConfig(path=tmp_path))

    put(connector.open(), "a/b.csv", b"1")

    assert (tmp_path / "a/b.csv").read_bytes() == b"1"


def test_files_wait_in_a_bucket(s3_server: S3Server) -> None:
    store = s3_server.config(s3_server.new_bucket())

    put(DirectDownloadConfig(store=store).open(), "a/b.csv", b"1")

    assert read(store.open(), "a/b.csv") == b"1"


def test_customers_are_not_told_where_files_wait(tmp_path: Path) -> None:
    connector = DirectDownloadConfig(store=FolderConfig(path=tmp_path))

    assert connector.location == "direct download"


def test_it_is_not_made_by_customers(tmp_path: Path) -> None:
    assert "there already" in DirectDownloadConfig(store=FolderConfig(path=tmp_path)).operators_only


def test_a_million_rows_unless_said_otherwise(tmp_path: Path) -> None:
    store = FolderConfig(path=tmp_path)

    assert DirectDownloadConfig(store=store).row_limit == 1_000_000
    assert DirectDownloadConfig(store=store, row_limit=5).row_limit == 5


def test_a_limit_without_rows_is_refused() -> None:
    with pytest.raises(ValidationError, match="row_limit"):
        DirectDownloadConfig(store=S3Config(bucket="sales"), row_limit=0)


def test_keys_are_as_long_as_its_store_takes(tmp_path: Path) -> None:
    store = FolderConfig(path=tmp_path)

    assert DirectDownloadConfig(store=store).key_limits == store.key_limits


@pytest.mark.parametrize("prefix", ["", "downloads"])
def test_each_organization_has_a_part_of_its_own(prefix: str) -> None:
    bucket = S3Config(bucket="sales", prefix=prefix)

    places = [part_of(bucket, name).location for name in ("acme", "default")]

    above = f"s3://sales/{prefix}".removesuffix("/")
    assert places == [f"{above}/acme", f"{above}/default"]
    assert part_of(FolderConfig(path=Path("/srv")), "acme").location == "/srv/acme"


def test_nothing_is_written_where_no_place_is_known() -> None:
    with pytest.raises(HourFailed):
        put(UNPLACED.open(), "a/b.csv", b"1")
