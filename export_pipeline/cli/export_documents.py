"""Exports as commands show them: as JSON for machines, as lines and cells for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from export_pipeline.cli.printing import moment
from export_pipeline.windows import ONE_HOUR, floor

if TYPE_CHECKING:
    from export_pipeline.control.coverage import Coverage
    from export_pipeline.exports.export import Export
    from export_pipeline.store.ledger import HourFailure


def export_document(export: "Export", connector: str) -> dict[str, object]:
    """The export; `definition` can be handed to `export create --definition` as it is."""
    return {
        "name": export.slug,
        "id": export.id,
        "connector": connector,
        "standing": export.standing,
        "generated": export.generated,
        "paused": export.paused,
        "created_at": export.created_at,
        "asset_key": asset_key(export) if export.standing else None,
        "path": export.definition.path,
        "definition": export.definition.model_dump(mode="json"),
    }


def next_hour_document(export: "Export", now: datetime) -> dict[str, object] | None:
    """The hour that is delivered next by itself, and when; None when there is none."""
    from export_pipeline.exports.due import next_due

    due = next_due(export.definition, now) if export.standing else None
    return {"hour": due.window.start, "due_at": due.due_at} if due else None


def estimate_document(
    export: "Export", rows: Mapping[str, int], since: datetime, until: datetime
) -> dict[str, object]:
    """What a dry run says."""
    return {
        "name": export.slug,
        "path": export.definition.path,
        "definition": export.definition.model_dump(mode="json"),
        "since": since,
        "until": until,
        "rows": rows,
    }


def estimate_lines(
    export: "Export", rows: Mapping[str, int], since: datetime, until: datetime
) -> Iterator[str]:
    """The same for people."""
    yield f"the export {export.slug} could be made; nothing was"
    for table, number in rows.items():
        yield f"{table}: {number:,} rows from {moment(since)} to {moment(until)}"


def coverage_document(coverage: "Coverage") -> dict[str, object]:
    """How much is delivered, every failure, and what waits for the connector."""
    delivered = coverage.delivered
    return {
        "hours": delivered.hours,
        "rows": delivered.rows,
        "bytes": delivered.bytes,
        "first_hour": delivered.first_hour,
        "last_hour": delivered.last_hour,
        "expired_hours": delivered.expired,
        "failures": [failure_document(failure) for failure in coverage.failures],
        "waits_for": coverage.waits_for,
        "waiting": [{"hour": wait.hour, "since": wait.since} for wait in coverage.waiting],
    }


def waits_line(coverage: "Coverage") -> str | None:
    """How many hours wait, and for what; None when nothing does, nor would."""
    if not coverage.waiting:
        return f"hours wait for {coverage.waits_for}" if coverage.waits_for else None
    number = len(coverage.waiting)
    hours = "1 hour waits" if number == 1 else f"{number:,} hours wait"
    first = moment(coverage.waiting[0].hour)
    if coverage.waits_for is None:
        return f"{hours}, from {first} on; the connector is RUNNING again, and they are delivered now"
    return f"{hours}, from {first} on, for {coverage.waits_for}"


def failure_document(failure: "HourFailure") -> dict[str, object]:
    """Why an hour is not delivered; `kind` says what to do about it."""
    return {
        "hour": failure.hour,
        "stage": failure.stage,
        "kind": failure.kind,
        "message": failure.message,
        "failed_at": failure.failed_at,
    }


def failure_line(failure: "HourFailure") -> str:
    """The same for people."""
    return f"{moment(failure.hour)}  {failure.stage}: {failure.message} ({failure.kind})"


def described(export: "Export", connector: str) -> Iterator[tuple[str, str]]:
    """The export's fields for people, one by one."""
    from export_pipeline.formats.file_format import options_of

    definition = export.definition
    yield "name", export.slug
    for choice in definition.tables:
        yield "table", f"{choice.name}: {', '.join(choice.columns) or 'all columns'}"
        for text in choice.filters:
            yield f"filter of {choice.name}", text
    for text in definition.filters:
        yield "filter", text
    if not any((definition.filters, *(choice.filters for choice in definition.tables))):
        yield "filter", "all rows"
    if definition.tenant is not None:
        yield "tenant", definition.tenant
    yield "format", definition.format.extension
    for option, value in options_of(definition.format).items():
        yield f"format {option}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    yield "connector", connector
    yield "path", definition.path
    yield "layout", definition.layout.value
    if definition.row_limit is not None:
        yield "row limit", f"{definition.row_limit:,}"
    yield "first hour", moment(definition.first_hour)
    yield "until", moment(definition.until)
    yield "minutes to settle", str(definition.minutes_to_settle)
    yield "recurs", recurs(export)
    if export.standing:
        yield "Dagster asset", asset_key(export)


def row(export: "Export", connector: str) -> tuple[str, ...]:
    """The export in a list, for people."""
    definition = export.definition
    return (
        export.slug,
        ", ".join(choice.name for choice in definition.tables),
        definition.format.extension,
        connector,
        definition.path,
        moment(definition.first_hour),
        moment(definition.until),
        recurs(export),
    )


def waits_lines(exports: Sequence["Export"], reasons: Mapping[str, str | None]) -> list[str]:
    """Which of the exports wait, and for what; `reasons` are those of their connectors."""
    return [
        f"{export.slug}: hours wait for {reason}"
        for export in exports
        if (reason := reasons[export.connector_id])
    ]


def recurs(export: "Export") -> str:
    """Whether the export is delivered by itself."""
    if not export.standing:
        return "for tasks only"
    return "paused" if export.paused else "hourly"


def asset_key(export: "Export") -> str:
    """How Dagster calls a standing export: `exports/flights`."""
    return "/".join(export.asset_path)


def what_happens_next(export: "Export", now: datetime, program: str) -> Iterator[str]:
    """After an export is made: when it is delivered by itself, and how to get what is not.

    `program` is what commands begin with.
    """
    from export_pipeline.control.tasks import MAX_HOURS
    from export_pipeline.exports.due import next_due

    definition = export.definition
    due = next_due(definition, now) if export.standing else None
    if due is not None:
        yield (
            f"made {export.slug}: Dagster asset {asset_key(export)}, once its code location is reloaded;"
            f" the hour {moment(due.window.start)} is due at {moment(due.due_at)}"
        )
    elif export.standing:
        yield (
            f"made {export.slug}: Dagster asset {asset_key(export)}, once its code location is reloaded;"
            " all of its hours are past"
        )
    else:
        yield f"made {export.slug}: it is delivered for tasks only"
    past = min(definition.until or floor(now), floor(now) if due is None else due.window.start)
    if definition.first_hour < past:
        end = min(past, definition.first_hour + MAX_HOURS * ONE_HOUR)
        more = "" if end == past else f", and so on, up to {MAX_HOURS:,} hours at a time"
        yield (
            f"request the hours before that: {program} task create {export.slug}"
            f" --from {moment(definition.first_hour)} --to {moment(end)}{more}"
        )
