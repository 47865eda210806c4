"""docs/dagster.md: its code locations are run as they stand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipeline_tests.docs.pages import blocks, page, tables
from export_pipeline_tests.installations import DECLARATION, Installation, an_installation
from export_pipeline_tests.servers.s3 import S3Server

PAGE = page("dagster.md")
WRITING, ASKING = blocks(PAGE, "python")
(DECLARED,) = blocks(PAGE, "toml")


@pytest.fixture
def bucket(tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The bucket of the connector `lake`, which is declared beside the dataset."""
    bucket = s3_server.new_bucket()
    with an_installation(tmp_path / "home") as installation:
        declare_lake(installation, s3_server, bucket)
        for name, value in installation.variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("LAKE_SECRET", s3_server.admin.secret_access_key)
        yield bucket


def declare_lake(installation: Installation, server: S3Server, bucket: str) -> None:
    """As the page does, at a server of the test."""
    declared = (
        DECLARED.replace('"acme-lake"', f'"{bucket}"\nendpoint_url = "{server.endpoint_url}"')
    ).replace("AKIAACMEACMEACMEACME", server.admin.access_key_id)
    (installation.folder / "dataset.toml").write_text(f"{DECLARATION}\n{declared}")


def materialized(code: str, name: str) -> Any:
    """What the asset of that code location hands on, in a run of its own."""
    names: dict[str, Any] = {"__name__": "a_code_location"}
    exec(code, names)
    definitions: dg.Definitions = names["defs"]
    with dg.instance_for_test() as instance:
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
    assert result.success
    return result.output_for_node(name)


def test_the_asset_writes_its_report_through_the_connector(bucket: str, s3_server: S3Server) -> None:
    materialized(WRITING, "weekly_report")

    written = s3_server.client().get_object(Bucket=bucket, Key="reports/weekly.txt")
    assert written["Body"].read() == b"All is well.\n"
    assert written["Metadata"]["made-by"] == "weekly_report"


def test_the_client_is_the_vendor_s_own(bucket: str) -> None:
    assert bucket in materialized(ASKING, "buckets")


def test_the_resources_of_the_page_are_there() -> None:
    (rows,) = tables(PAGE)
    for name in (row[0] for row in rows if row[0].startswith("export_pipeline.")):
        module, _, attribute = name.rpartition(".")
        assert hasattr(__import__(module, fromlist=[attribute]), attribute)
