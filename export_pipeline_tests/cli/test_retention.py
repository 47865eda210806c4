"""`retention run`: what would go, what went, and what could not go."""

from datetime import UTC, datetime, timedelta

import pytest

from export_pipeline.store.database import writing
from export_pipeline.store.schema import HOURS
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.deliveries import deliver
from export_pipeline_tests.installations import Installation, hours


@pytest.fixture
def old(installation: Installation, call_cli: CallCli, monkeypatch: pytest.MonkeyPatch) -> Installation:  # noqa: ARG001
    """Three hours that were found in place eight days ago; files stay for seven."""
    deliver(installation, installation.export(), hours(0, 2))
    with writing(installation.deployment.control) as connection:
        eight_days_ago = datetime.now(UTC) - timedelta(days=8)
        connection.execute(HOURS.update().values(proven_at=eight_days_ago))
    monkeypatch.setenv("EXPORT_PIPELINE_DOWNLOAD_DAYS", "7")
    return installation


def there(installation: Installation) -> list[int]:
    return [path.stat().st_size for path in (installation.downloads / "events").glob("*.csv")]


def test_it_is_told_first_what_would_go(call_cli: CallCli, old: Installation) -> None:
    size = sum(there(old))

    result = call_cli("retention", "run", "--dry-run")

    assert result.code == 0
    assert f"files of 3 hours would be deleted, {size:,} bytes\n" in result.out
    (line,) = [line.split() for line in result.out.splitlines() if "events" in line]
    assert line == ["default", "events", "expired", "0", "3", f"{size:,}", "0"]
    assert len(there(old)) == 3


def test_then_it_goes(call_cli: CallCli, old: Installation) -> None:
    size = sum(there(old))

    result = call_cli("retention", "run", "--json")

    assert result.code == 0
    assert result.document == {
        "dry_run": False,
        "hours": 3,
        "bytes": size,
        "exports": [
            {
                "organization": "default",
                "export": "events",
                "deleted": False,
                "tasks": 0,
                "hours": 3,
                "bytes": size,
                "left": 0,
                "problems": [],
            }
        ],
        "leftovers": {
            "answers": 0,
            "request_counts": 0,
            "audit_entries": 0,
            "sessions": 0,
            "staged_runs": 0,
            "staged_bytes": 0,
        },
    }
    assert there(old) == []
    assert call_cli("retention", "run").out == "files of 0 hours deleted, 0 bytes\n"
    (entry,) = call_cli("audit", "list", "--subject", "events", "--limit", "1", "--json").document["entries"]
    assert (entry["action"], entry["before"]["hours"], entry["before"]["bytes"]) == ("export.expire", 3, size)


def test_other_things_of_old_are_told_too(
    call_cli: CallCli, old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXPORT_PIPELINE_DOWNLOAD_DAYS")
    monkeypatch.setenv("EXPORT_PIPELINE_AUDIT_DAYS", "1")
    with writing(old.deployment.control) as connection:
        connection.exec_driver_sql("UPDATE audit SET at = '2020-01-01 00:00:00.000000'")

    assert (
        "besides, would be deleted: 1 entries of the audit log\n"
        in call_cli("retention", "run", "--dry-run").out
    )
    assert "besides, deleted: 1 entries of the audit log\n" in call_cli("retention", "run").out


def test_what_cannot_be_deleted_is_a_failure(
    call_cli: CallCli, old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = old.folder / "downloads.json"
    document.write_text('{"type": "s3", "buckett": "x"}')
    monkeypatch.setenv("EXPORT_PIPELINE_DOWNLOADS", str(document))

    result = call_cli("retention", "run")

    assert result.code == 1
    assert "default/events: EXPORT_PIPELINE_DOWNLOADS: " in result.out
    assert "are tried again by the next run" in result.out
    assert len(there(old)) == 3


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EXPORT_PIPELINE_DOWNLOAD_DAYS", "0"),
        ("EXPORT_PIPELINE_DOWNLOAD_DAYS", "-7"),
        ("EXPORT_PIPELINE_DELETED_DAYS", "99999999999999999999"),
        ("EXPORT_PIPELINE_AUDIT_DAYS", "1e3"),
        ("EXPORT_PIPELINE_ANSWER_HOURS", "never"),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_name_and_nothing_goes(
    call_cli: CallCli, old: Installation, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    result = call_cli("retention", "run")

    assert result.code == 2
    assert result.err.startswith(f"error: {variable}: ")
    assert len(there(old)) == 3
