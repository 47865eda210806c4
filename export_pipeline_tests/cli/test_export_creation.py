"""Exports made from the command line: by options or by a definition, or only tried."""

import json
from pathlib import Path

import pytest

from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.installations import ROWS_PER_HOUR

FIRST_HOUR = ("--first-hour", "2026-01-05T00:00:00Z")
EVENTS = ("--table", "events", *FIRST_HOUR)


def test_every_option_reaches_the_definition(call_cli: CallCli) -> None:
    result = call_cli(
        "export",
        "create",
        "late-events",
        "--table=events:id, happened_at",
        "--filter=kind == 'kind 1'",
        "--filter=amount > 1",
        "--table-filter=EVENTS = id==5",
        "--format=jsonl.zst",
        "--subdirectory=$export/$user/$year",
        "--context=user=botify-team",
        "--context=project=botify-blog",
        "--filename=$month-$day-$hour.$extension",
        "--push-helpers",
        "--layout=hourly",
        "--first-hour=2026-01-05-05:00",
        "--until=2026-01-06T00:00:00+01:00",
        "--minutes-to-settle=90",
        "--json",
    )

    assert result.code == 0, result.err
    assert result.document["connector"] == "direct_download"
    assert result.document["path"] == "$export/$user/$year/$month-$day-$hour.$extension"
    assert result.document["standing"] is True
    assert result.document["definition"] == {
        "tables": [{"name": "events", "columns": ["id", "happened_at"], "filters": ["id==5"]}],
        "filters": ["kind == 'kind 1'", "amount > 1"],
        "tenant": None,
        "format": {
            "type": "jsonl",
            "compression": "zstd",
            "names": "api",
            "nested": False,
            "prepend_columns": [],
            "append_columns": [],
        },
        "subdirectory": "$export/$user/$year",
        "filename": "$month-$day-$hour.$extension",
        "context": {"user": "botify-team", "project": "botify-blog"},
        "push_helpers": True,
        "layout": "hourly",
        "row_limit": None,
        "first_hour": "2026-01-05T05:00:00Z",
        "until": "2026-01-05T23:00:00Z",
        "minutes_to_settle": 90,
    }
    assert result.document["applied_filters"] == {"events": "kind == 'kind 1' AND amount > 1 AND id == 5"}


@pytest.mark.parametrize(
    "options",
    [
        ("--format=csv", "--format-option=dialect=excel", "--format-option=header=none"),
        ('--format={"type": "csv", "compression": "none", "dialect": "excel", "header": "none"}',),
    ],
)
def test_a_format_has_options(call_cli: CallCli, options: tuple[str, ...]) -> None:
    made = call_cli("export", "create", "events", *EVENTS, *options, "--json").document["definition"][
        "format"
    ]

    assert (made["type"], made["compression"], made["dialect"], made["header"]) == (
        "csv",
        "none",
        "excel",
        "none",
    )
    shown = call_cli("export", "show", "events").out
    assert "format dialect" in shown
    assert "format header" in shown
    assert "format delimiter" not in shown


def test_an_option_without_a_format_is_one_of_csv_gz(call_cli: CallCli) -> None:
    option = '--format-option=append_columns=[{"value": "acme", "slug": "customer"}]'

    made = call_cli("export", "create", "events", *EVENTS, option, "--json").document["definition"]["format"]

    assert (made["type"], made["compression"]) == ("csv", "gzip")
    assert made["append_columns"] == [{"value": "acme", "slug": "customer", "name": None}]
    assert "acme" in call_cli("export", "show", "events").out


def test_what_is_shown_can_be_made_again(call_cli: CallCli, tmp_path: Path) -> None:
    first = call_cli("export", "create", "events", *EVENTS, "--json").document
    (tmp_path / "definition.json").write_text(json.dumps(first["definition"]))
    call_cli("export", "delete", "events", "--yes")

    again = call_cli(
        "export", "create", "events", "--definition", str(tmp_path / "definition.json"), "--json"
    ).document

    assert again["definition"] == first["definition"]


def test_a_definition_comes_from_standard_input(call_cli: CallCli) -> None:
    definition = b'first_hour = 2026-01-05T00:00:00Z\nformat.type = "parquet"\n[[tables]]\nname = "events"\n'

    result = call_cli("export", "create", "events", "--definition", "-", "--json", given=definition)

    assert result.document["definition"]["format"]["type"] == "parquet"


def test_a_definition_and_options_do_not_mix(call_cli: CallCli) -> None:
    result = call_cli("export", "create", "events", "--definition", "-", *EVENTS)

    assert result.code == 2
    assert result.err.endswith("leave out the other options, or the definition: --table, --first-hour\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--table", "events"), "--first-hour: is missing"),
        (FIRST_HOUR, "--table: is missing"),
        (("--table", "events", "--first-hour", "2026-01-05T00:00:00"), "--first-hour: '2026-01-05T00:00:00'"),
        (("--table", "events", "--first-hour", "2026-01-05T00:30:00Z"), "--first-hour: 2026-01-05T00:30:00"),
        ((*EVENTS, "--until", "yesterday"), "--until: 'yesterday' is not a time"),
        ((*EVENTS, "--format", "xlsx"), "--format: 'xlsx' is not a format; the formats are csv"),
        (
            (*EVENTS, "--format-option", "headr=none"),
            "--format-option headr: csv has no such option; did you",
        ),
        (
            (*EVENTS, "--format-option", "header=x"),
            "--format-option header: 'x' is not possible; choose 'api'",
        ),
        ((*EVENTS, "--format-option", "header"), "--format-option: 'header' is not NAME=VALUE"),
        (
            (*EVENTS, "--format", '{"type": "csv", "null": "0"}'),
            "--format-option null: '0' is how a value is",
        ),
        ((*EVENTS, "--minutes-to-settle", "-1"), "--minutes-to-settle: "),
        ((*EVENTS, "--until", "2026-01-05T00:00:00Z"), "--until: must be after the first hour, 2026-01-05"),
        ((*EVENTS, "--filter", "size =="), "--filter, line 1, column 8: "),
        (
            (*EVENTS, "--filename", "all.csv"),
            "--subdirectory, --filename: 'all.csv' gives several hours the same name",
        ),
        (
            (*EVENTS, "--subdirectory", "a" * 1025),
            "--subdirectory: is too long; write at most 1024 characters",
        ),
        (
            (*EVENTS, "--format-option", "append_columns=nojson"),
            "--format-option append_columns: 'nojson' is no list; write one as JSON",
        ),
        (
            (*EVENTS, "--filename", "$user-$date-$hour"),
            "--subdirectory, --filename: $user has no value in this export; give it one in context.user (on"
            " the command line: --context user=VALUE)",
        ),
        ((*EVENTS, "--filename", "$" * 1025), "--filename: is too long; write at most 1024 characters"),
        (("--table", "e" * 256, *FIRST_HOUR), "--table: is too long; write at most 255 characters"),
        (("--table", "events:size", *FIRST_HOUR), "--table: table 'events' has no column 'size'"),
        (
            (*EVENTS, "--filter", "kin == 'x'"),
            "--filter, line 1, column 1: table 'events' has no column 'kin'; did",
        ),
        (
            (*EVENTS, "--table-filter", "event=true"),
            "--table-filter: 'event=true' has to begin with a table that is chosen, and =; chosen: events",
        ),
        ((*EVENTS, "--table-filter", "id == 5"), "--table-filter: 'id == 5' has to begin with"),
        ((*EVENTS, "--table-filter", "events=ids == 5"), "filter of table 'events', line 1, column 1: table"),
        ((*EVENTS, *["--filter", "true"] * 21), "--filter: has too many items; give at most 20"),
        (("--table", "event", *FIRST_HOUR), "--table: there is no table 'event'; did you mean 'events'?"),
        ((*EVENTS, "--context", "botify-team"), "--context: 'botify-team' is not NAME=VALUE"),
        ((*EVENTS, "--context", "usr=a"), "--context usr: there is no such field; did you mean 'user'?"),
        ((*EVENTS, "--context", "user=a/b"), "--context user: must be one part of a path"),
        ((*EVENTS, "--connector", "nowhere"), "--connector: there is no connector 'nowhere'"),
    ],
)
def test_what_cannot_be_done_is_refused(call_cli: CallCli, options: tuple[str, ...], message: str) -> None:
    result = call_cli("export", "create", "events", *options)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")
    assert call_cli("export", "list", "--json").document == {"exports": []}


def test_a_name_that_cannot_be_one_is_refused(call_cli: CallCli) -> None:
    result = call_cli("export", "create", "Events", *EVENTS)

    assert (result.code, result.err.startswith("error: NAME: 'Events' has to be")) == (2, True)


def test_making_an_export_says_what_happens_next(call_cli: CallCli) -> None:
    result = call_cli("export", "create", "events", *EVENTS)

    assert "Dagster asset exports/events" in result.out
    assert "task create events --from 2026-01-05T00:00:00Z" in result.out


def test_making_an_export_with_filters_says_what_is_applied(call_cli: CallCli) -> None:
    call_cli("filter", "create", "CHEAP", "AMOUNT < 1")

    result = call_cli("export", "create", "events", *EVENTS, "--filter", "$CHEAP", "--filter", "id != 5")

    assert result.out.splitlines()[-1] == "rows of events: amount < 1 AND id != 5"


def test_a_dry_run_counts_rows_and_makes_nothing(call_cli: CallCli) -> None:
    create = ("export", "create", "events", *EVENTS, "--until=2026-01-05T01:00:00Z", "--dry-run")

    said, told = call_cli(*create), call_cli(*create, "--json").document

    assert said.code == 0
    assert "the export events could be made; nothing was" in said.out
    assert f"events: {ROWS_PER_HOUR:,} rows from 2026-01-05T00:00:00Z" in said.out
    assert told["rows"] == {"events": ROWS_PER_HOUR}
    assert call_cli("export", "list", "--json").document == {"exports": []}
    refused = call_cli("export", "create", "events", "--table=nothing", *FIRST_HOUR, "--dry-run")
    assert (refused.code, "no table" in refused.err) == (2, True)


def test_a_dry_run_without_the_source_names_the_variable(
    call_cli: CallCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVENTS_URL")

    said = call_cli("export", "create", "events", *EVENTS, "--dry-run")

    assert (said.code, said.err.startswith("error: EVENTS_URL is not set; set it to")) == (1, True)


def test_a_task_s_hours_may_share_a_file(call_cli: CallCli) -> None:
    options = ("--once", "--layout=single", "--row-limit=500", "--filename=all.$extension")

    made = call_cli("export", "create", "events", *EVENTS, *options, "--json").document["definition"]

    assert (made["layout"], made["row_limit"]) == ("single", 500)
    shown = call_cli("export", "show", "events").out
    assert "single" in shown
    assert "500" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--layout=daily", "--once"), "--layout: "),
        (("--layout=single",), "layout"),
        (("--row-limit=5",), "--row-limit: "),
        (("--layout=single", "--once", "--row-limit=0"), "--row-limit: "),
    ],
    ids=str,
)
def test_a_layout_that_cannot_be_is_refused(
    call_cli: CallCli, options: tuple[str, ...], message: str
) -> None:
    refused = call_cli("export", "create", "events", *EVENTS, *options)

    assert refused.code == 2
    assert message in refused.err
