"""Named filters from the command line: made, replaced, shown with their users, deleted when unused."""

import pytest

from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.installations import Installation


def texts(call_cli: CallCli) -> dict[str, str]:
    filters = call_cli("filter", "list", "--json").document["filters"]
    return {stored["name"]: stored["text"] for stored in filters}


def test_a_filter_is_made(call_cli: CallCli) -> None:
    result = call_cli("filter", "create", "CHEAP", "amount < 1")

    assert (result.code, result.out) == (
        0,
        "made the filter $CHEAP; exports take it with --filter '$CHEAP'\n",
    )
    assert texts(call_cli) == {"CHEAP": "amount < 1"}


def test_a_filters_text_comes_from_standard_input(call_cli: CallCli) -> None:
    result = call_cli("filter", "create", "CHEAP", "-", "--json", given=b"amount < 1\n  OR kind == 'k'\n")

    assert result.document["text"] == "amount < 1\n  OR kind == 'k'"
    assert (result.document["name"], result.document["created_at"]) == (
        "CHEAP",
        result.document["changed_at"],
    )


def test_what_is_no_text_is_refused(call_cli: CallCli) -> None:
    result = call_cli("filter", "create", "CHEAP", "-", given=b"\xff")

    assert (result.code, result.err) == (2, "error: TEXT: - is not UTF-8 text (byte 0)\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("CHE AP", "true"), "NAME: 'CHE AP' has to be 1 to 63 letters, digits, _ and -, no - first"),
        (("CHEAP", "amount <"), "filter, line 1, column 9: found the end of the text, expected a value"),
        (("CHEAP", ""), "filter: the text is blank"),
        (("CHEAP", "$CHEAP"), "filter, in $CHEAP, line 1, column 1: named filters stand for one another"),
    ],
)
def test_what_cannot_be_a_filter_is_refused(
    call_cli: CallCli, arguments: tuple[str, ...], message: str
) -> None:
    result = call_cli("filter", "create", *arguments)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")
    assert texts(call_cli) == {}


def test_a_name_is_taken_once(call_cli: CallCli) -> None:
    call_cli("filter", "create", "CHEAP", "amount < 1")

    result = call_cli("filter", "create", "CHEAP", "amount < 2", "--json")

    assert (result.code, result.error["type"]) == (2, "AlreadyExists")


def test_replacing_says_who_follows(call_cli: CallCli, installation: Installation) -> None:
    call_cli("filter", "create", "CHEAP", "amount < 1")
    call_cli("filter", "create", "DEAR", "NOT $CHEAP")
    assert call_cli("filter", "replace", "DEAR", "amount > 5 AND NOT $CHEAP").out == (
        "replaced $DEAR; no export stands on it\n"
    )
    installation.export(filter="$DEAR")

    people = call_cli("filter", "replace", "CHEAP", "amount < 2")
    machines = call_cli("filter", "replace", "CHEAP", "amount < 3", "--json")

    assert people.out == (
        "replaced $CHEAP; it is followed, from the next hour that is read,"
        " by export events and filter $DEAR\n"
    )
    assert machines.document["text"] == "amount < 3"
    assert machines.document["followers"] == {"exports": ["events"], "filters": ["DEAR"]}


def test_a_text_that_would_not_do_for_an_export_is_refused(
    call_cli: CallCli, installation: Installation
) -> None:
    call_cli("filter", "create", "CHEAP", "amount < 1")
    installation.export(filter="$CHEAP")

    result = call_cli("filter", "replace", "CHEAP", "price < 1", "--json")

    assert (result.code, result.error["type"], result.error["field"]) == (2, "InvalidRequest", "filter")
    assert "no longer do for the export events" in result.error["message"]
    assert texts(call_cli) == {"CHEAP": "amount < 1"}


def test_a_filter_is_shown_with_what_it_stands_for_and_who_uses_it(
    call_cli: CallCli, installation: Installation
) -> None:
    call_cli("filter", "create", "CHEAP", "amount<1")
    call_cli("filter", "create", "DEAR", "NOT $CHEAP")
    installation.export(filter="$CHEAP")

    shown = call_cli("filter", "show", "CHEAP")
    document = call_cli("filter", "show", "DEAR", "--json").document

    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert {"text amount<1", "resolved amount < 1"} < set(lines)
    assert {"used by exports events", "used by filters DEAR"} < set(lines)
    assert (document["text"], document["resolved"]) == ("NOT $CHEAP", "NOT amount < 1")
    assert document["users"] == {"exports": [], "filters": []}


def test_filters_are_listed(call_cli: CallCli) -> None:
    assert "export-pipeline filter create" in call_cli("filter", "list").out
    call_cli("filter", "create", "CHEAP", "amount < 1")

    listed = " ".join(call_cli("filter", "list").out.split())
    assert "CHEAP amount < 1 20" in listed


def test_an_unused_filter_is_deleted(call_cli: CallCli) -> None:
    call_cli("filter", "create", "CHEAP", "amount < 1")

    assert call_cli("filter", "delete", "CHEAP").code == 2  # nobody is there to be asked
    assert call_cli("filter", "delete", "CHEAP", "--yes").out == "deleted the filter $CHEAP\n"
    assert call_cli("filter", "show", "CHEAP").code == 2
    call_cli("filter", "create", "CHEAP", "amount < 2")
    assert call_cli("filter", "delete", "CHEAP", "--yes", "--json").document["text"] == "amount < 2"


def test_a_filter_in_use_stays(call_cli: CallCli, installation: Installation) -> None:
    call_cli("filter", "create", "CHEAP", "amount < 1")
    installation.export(filter="$CHEAP")

    result = call_cli("filter", "delete", "CHEAP", "--yes", "--json")

    assert (result.code, result.error["type"]) == (2, "InUse")
    assert result.error["message"].startswith("$CHEAP is used by export events; ")


def test_a_filter_that_is_not_there_is_not_asked_about(call_cli: CallCli) -> None:
    result = call_cli("filter", "delete", "CHEAP")

    assert result.err == "error: there is no named filter $CHEAP; there are none\n"


def test_another_organization_has_its_own_filters(call_cli: CallCli) -> None:
    call_cli("organization", "create", "acme")
    call_cli("--organization", "acme", "filter", "create", "CHEAP", "amount < 1")

    assert texts(call_cli) == {}
