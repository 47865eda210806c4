"""`verify` finds what was changed, and says so in its exit code."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.schema import HOURS
from export_pipeline.windows import ONE_HOUR, HourRange
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.deliveries import deliver
from export_pipeline_tests.cli.terminals import run_in_a_terminal
from export_pipeline_tests.expiries import expire_export
from export_pipeline_tests.installations import FIRST, ROWS_PER_HOUR, Installation, hours

HOUR_1 = "2026-01-05-01-00"


@pytest.fixture
def delivered(installation: Installation) -> Installation:
    """Hours 0 to 2 of `events`."""
    deliver(installation, installation.export(), hours(0, 2))
    return installation


def test_what_was_delivered_verifies(call_cli: CallCli, delivered: Installation) -> None:
    files = (delivered.downloads / "events").glob("*.csv")

    result = call_cli("verify", "events", "--json")

    assert result.code == 0
    assert result.document == {
        "ok": True,
        "exports": [
            {
                "export": "events",
                "hours": 3,
                "rows": 3 * ROWS_PER_HOUR,
                "bytes": sum(file.stat().st_size for file in files),
                "expired": [],
                "faults": [],
                "repair": [],
            }
        ],
    }


def test_all_exports_are_verified_when_none_is_named(call_cli: CallCli, delivered: Installation) -> None:
    deliver(delivered, delivered.export("events-b"), hours(0, 0))

    result = call_cli("verify")

    assert result.code == 0
    assert [line.split()[:3] for line in result.out.splitlines() if "events" in line] == [
        ["events", "3", "60"],
        ["events-b", "1", "20"],
    ]


def test_a_changed_file_is_a_fault(call_cli: CallCli, delivered: Installation) -> None:
    with (delivered.downloads / "events" / f"{HOUR_1}.csv").open("ab") as file:
        file.write(b"one more row\r\n")

    result = call_cli("verify", "events")

    assert result.code == 1
    assert "2026-01-05T01:00:00Z  events/2026-01-05-01-00.csv: " in result.out


def test_what_is_damaged_or_missing_is_repaired_by_the_command_it_prints(
    call_cli: CallCli, delivered: Installation
) -> None:
    files = delivered.downloads / "events"
    (files / "2026-01-05-00-00.csv").unlink()
    with (files / f"{HOUR_1}.csv").open("ab") as file:
        file.write(b"one more row\r\n")

    command = (
        "export-pipeline task create events --from 2026-01-05T00:00:00Z --to 2026-01-05T02:00:00Z --force"
    )
    assert (
        f"move away what was changed, and deliver those hours again:\n  {command}\n" in call_cli("verify").out
    )
    (files / f"{HOUR_1}.csv").unlink()
    requested = call_cli(*command.split()[1:], "--json")
    assert (requested.code, requested.document["hours"]["wanted"]) == (0, 2)

    with reading(delivered.deployment.control) as connection:
        export = find_export(connection, "default", "events")
    deliver(delivered, export, hours(0, 1), proven_since=datetime.now(UTC))
    assert call_cli("verify").code == 0


def test_a_range_in_one_file_is_all_of_its_hours_and_is_repaired_as_a_whole(
    call_cli: CallCli, installation: Installation
) -> None:
    export = installation.export(standing=False, layout="single", filename="$hour.csv")
    deliver(installation, export, [HourRange.between(FIRST, FIRST + 2 * ONE_HOUR)])
    deliver(installation, export, [HourRange.between(FIRST + 2 * ONE_HOUR, FIRST + 4 * ONE_HOUR)])
    (found,) = call_cli("verify", "--json").document["exports"]
    assert (found["hours"], found["rows"], found["faults"]) == (4, 3 * ROWS_PER_HOUR, [])  # one is empty

    for file in (installation.downloads / "events").glob("*.csv"):
        file.unlink()

    (found,) = call_cli("verify", "--json").document["exports"]
    assert found["repair"] == [
        f"export-pipeline task create events --from 2026-01-05T{since}:00:00Z --to 2026-01-05T{until}:00:00Z"
        " --force"
        for since, until in [("00", "02"), ("02", "04")]
    ]
    first = found["repair"][0].split()[1:]
    assert call_cli(*first, "--json").code == 0


def test_for_another_organization_the_command_names_it(call_cli: CallCli, delivered: Installation) -> None:
    (delivered.downloads / "events" / f"{HOUR_1}.csv").unlink()

    result = call_cli("--organization", "default", "verify", "--json")

    (command,) = result.document["exports"][0]["repair"]
    assert command.startswith("export-pipeline --organization default task create events ")


def test_a_missing_receipt_is_a_fault(call_cli: CallCli, delivered: Installation) -> None:
    receipt = delivered.downloads / "events" / "_receipts" / "events" / f"{HOUR_1}.json"
    receipt.unlink()

    result = call_cli("verify", "--json")

    (fault,) = result.document["exports"][0]["faults"]
    assert (result.code, result.document["ok"]) == (1, False)
    assert (fault["hour"], fault["receipt"]) == (
        "2026-01-05T01:00:00Z",
        f"events/_receipts/events/{HOUR_1}.json",
    )


def test_a_wrong_count_is_found_unless_it_is_to_be_quick(call_cli: CallCli, delivered: Installation) -> None:
    receipt = delivered.downloads / "events" / "_receipts" / "events" / f"{HOUR_1}.json"
    envelope = json.loads(receipt.read_bytes())
    envelope["payload"]["files"][0]["rows"] += 1
    envelope["payload"]["tables"][0]["rows_at_source"] += 1
    text = json.dumps(envelope)
    receipt.write_text(text)
    with writing(delivered.deployment.control) as connection:
        connection.execute(HOURS.update().where(HOURS.c.hour == hours(1, 1)[0].start).values(receipt=text))

    assert call_cli("verify", "events").code == 1
    assert call_cli("verify", "events", "--quick").code == 0


def test_only_the_hours_asked_for_are_read(call_cli: CallCli, delivered: Installation) -> None:
    (delivered.downloads / "events" / f"{HOUR_1}.csv").unlink()

    result = call_cli("verify", "--from", "2026-01-05T02:00:00Z", "--to", "2026-01-05T03:00:00Z", "--json")

    assert (result.code, result.document["exports"][0]["hours"]) == (0, 1)


def test_nothing_delivered_in_the_range_is_a_fault(call_cli: CallCli, delivered: Installation) -> None:  # noqa: ARG001
    result = call_cli("verify", "events", "--from", "2026-01-05T10:00:00Z")

    assert (result.code, result.err) == (1, "nothing was delivered in that range\n")


def test_nothing_delivered_at_all_is_a_fault(call_cli: CallCli) -> None:
    result = call_cli("verify", "--json")

    assert (result.code, result.document) == (1, {"ok": False, "exports": []})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "2026-01-05T10:00:00"), "--from: '2026-01-05T10:00:00' names no zone"),
        (("--from", "2026-01-05-10:00", "--to", "2026-01-05-10:00"), "--to: 2026-01-05T10:00:00"),
        (("nothing",), "there is no export 'nothing'"),
    ],
)
def test_what_cannot_be_verified_is_refused(
    call_cli: CallCli,
    delivered: Installation,  # noqa: ARG001
    options: tuple[str, ...],
    message: str,
) -> None:
    result = call_cli("verify", *options)

    assert (result.code, result.err.startswith(f"error: {message}")) == (2, True)


def test_a_person_sees_a_bar_and_the_result(environ: Mapping[str, str], delivered: Installation) -> None:  # noqa: ARG001
    code, screen = run_in_a_terminal(["verify"], environ)

    assert code == 0
    assert "3/3" in screen
    assert "faults" in screen


def test_files_that_have_expired_are_no_fault_and_it_is_told_when(
    call_cli: CallCli, delivered: Installation
) -> None:
    with reading(delivered.deployment.control) as connection:
        export = find_export(connection, "default", "events")
    day = expire_export(delivered, export).date()
    deliver(delivered, export, hours(0, 0))  # one of them is there again
    assert len([*(delivered.downloads / "events").glob("*.csv")]) == 1

    result = call_cli("verify", "--json")

    (found,) = result.document["exports"]
    assert (result.code, result.document["ok"]) == (0, True)
    assert (found["hours"], found["faults"]) == (3, [])
    assert found["expired"] == [{"on": day.isoformat(), "hours": 2}]
    told = f"events: files of 2 hours expired on {day}; of these the receipts were read\n"
    assert told in call_cli("verify").out


def test_a_receipt_that_is_missing_is_a_fault_also_where_files_have_expired(
    call_cli: CallCli, delivered: Installation
) -> None:
    with reading(delivered.deployment.control) as connection:
        expire_export(delivered, find_export(connection, "default", "events"))
    (delivered.downloads / "events" / "_receipts" / "events" / f"{HOUR_1}.json").unlink()

    result = call_cli("verify", "--json")

    (fault,) = result.document["exports"][0]["faults"]
    assert (result.code, fault["hour"]) == (1, "2026-01-05T01:00:00Z")
