"""`dataset check` finds every difference; `dataset show` lists what can be exported."""

import pytest

from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.installations import DECLARATION, Installation


def test_a_declaration_that_fits_has_no_errors(call_cli: CallCli) -> None:
    result = call_cli("dataset", "check", "--json")

    assert (result.code, result.document["ok"]) == (0, True)
    assert [p for p in result.document["problems"] if p["severity"] == "error"] == []


def test_every_error_is_printed(call_cli: CallCli, installation: Installation) -> None:
    installation.change_source("ALTER TABLE events RENAME kind TO sort")
    installation.change_source("ALTER TABLE events ALTER amount TYPE VARCHAR")

    result = call_cli("dataset", "check")

    assert result.code == 1
    lines = result.out.splitlines()
    file = installation.folder / "dataset.toml"
    assert lines[0].startswith(
        f"error: {file}:20:8: tables.events.columns[2].name: events has no column 'kind'"
    )
    assert lines[1].startswith(f"error: {file}:25:8: tables.events.columns[3].type: events.amount is VARCHAR")
    assert lines[-1].startswith("the declaration does not fit the database (tables: 1, errors: 2, warnings: ")


def test_warnings_alone_end_well(call_cli: CallCli, installation: Installation) -> None:
    declaration = DECLARATION.replace('name = "kind"', 'name = "kind"\nnullable = false')
    (installation.folder / "dataset.toml").write_text(declaration)

    result = call_cli("dataset", "check")

    assert result.code == 0
    place = f"{installation.folder / 'dataset.toml'}:21:12: tables.events.columns[2].nullable"
    assert f"warning: {place}: " in result.out


def test_programs_get_the_place_of_a_problem_in_parts(call_cli: CallCli, installation: Installation) -> None:
    installation.change_source("ALTER TABLE events RENAME kind TO sort")

    document = call_cli("dataset", "check", "--json").document

    (error,) = (p for p in document["problems"] if p["severity"] == "error")
    assert document["file"] == str(installation.folder / "dataset.toml")
    assert (error["line"], error["column"], error["path"]) == (20, 8, "tables.events.columns[2].name")


def test_what_is_not_in_the_file_is_placed_by_what_is_around_it(
    call_cli: CallCli, installation: Installation
) -> None:
    installation.change_source("ALTER TABLE events RENAME TO happenings")

    result = call_cli("dataset", "check")

    assert f"{installation.folder / 'dataset.toml'}:5:2: tables.events.relation: " in result.out


def test_a_source_that_cannot_be_reached_is_an_error(call_cli: CallCli, installation: Installation) -> None:
    installation.source_file.unlink()

    result = call_cli("dataset", "check", "--json")

    assert (result.code, result.document["problems"][0]["path"]) == (1, "source")


def test_of_a_source_that_cannot_be_reached_nothing_is_said_to_fit_or_not(
    call_cli: CallCli, installation: Installation
) -> None:
    installation.source_file.unlink()

    result = call_cli("dataset", "check")

    assert result.code == 1
    assert "there is no DuckDB file" in result.out
    assert result.out.endswith("not known: the database could not be asked\n")
    assert "does not fit" not in result.out


def test_a_missing_url_is_named(call_cli: CallCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVENTS_URL")

    result = call_cli("dataset", "check")

    assert (result.code, "EVENTS_URL is not set" in result.err) == (1, True)


def test_a_declaration_without_a_source_needs_none(
    call_cli: CallCli, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVENTS_URL")
    (installation.folder / "dataset.toml").write_text("")

    result = call_cli("dataset", "check")

    assert result.out == "no table is declared: only what is contributed can be exported\n"


def test_a_mistake_in_the_declaration_is_told_with_its_place(
    call_cli: CallCli, installation: Installation
) -> None:
    file = installation.folder / "dataset.toml"
    file.write_text(DECLARATION.replace('"int64"', '"integer"'))

    result = call_cli("dataset", "check")

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {file}:16:8: ")


def test_tables_and_columns_are_listed(call_cli: CallCli) -> None:
    (table,) = call_cli("dataset", "show", "--json").document["tables"]

    assert (table["name"], table["time_column"]) == ("events", "happened_at")
    assert table["columns"][1] == {
        "name": "id",
        "display_name": "id",
        "type": "int64",
        "nullable": False,
    }


def test_people_see_them_as_a_table(call_cli: CallCli) -> None:
    rows = [line.split()[:3] for line in call_cli("dataset", "show").out.splitlines()]

    assert ["amount", "decimal(12,2)", "yes"] in rows


def test_what_is_wrong_with_declared_connectors_is_told(
    call_cli: CallCli, installation: Installation
) -> None:
    (installation.folder / "dataset.toml").write_text(
        DECLARATION
        + '[connectors.lake]\ntype = "s3"\nbucket = "b"\n[connectors.sea]\ntype = "gcs"\nbukket = "sea"\n'
    )

    checked = call_cli("dataset", "check")

    assert checked.code == 2
    assert "connectors.lake.bucket: must be the bucket's bare name" in checked.err
    assert (
        "connectors.sea.bucket: is missing (the bucket's name); bukket: there is no such field" in checked.err
    )
