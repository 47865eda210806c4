"""`db upgrade` makes the control database, and leaves alone one that is up to date."""

from pathlib import Path

import pytest

from export_pipeline_tests.cli.conftest import CallCli


def test_a_control_database_is_made(
    call_cli: CallCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_HOME", str(tmp_path / "new"))

    result = call_cli("db", "upgrade", "--json")

    assert (result.code, list(result.document)) == (0, ["version"])
    assert (tmp_path / "new" / "control.db").exists()


def test_it_can_be_done_again(call_cli: CallCli) -> None:
    version = call_cli("db", "upgrade", "--json").document["version"]

    assert call_cli("db", "upgrade").out == f"the control database is at version {version}\n"


def test_a_file_that_is_no_database_is_left_alone(
    call_cli: CallCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.txt").write_text("Dear customer, " * 1000)
    monkeypatch.setenv("EXPORT_PIPELINE_CONTROL_URL", f"sqlite:///{tmp_path / 'letter.txt'}")

    result = call_cli("db", "upgrade")

    assert (result.code, "file is not a database" in result.err) == (1, True)
