"""A person is asked; a script has to say that it means it."""

from collections.abc import Mapping

import pytest

from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.terminals import run_in_a_terminal
from export_pipeline_tests.installations import Installation

QUESTION = "Delete the export events?"


def test_a_script_without_yes_is_refused(call_cli: CallCli, installation: Installation) -> None:
    installation.export()

    result = call_cli("export", "delete", "events")

    assert (result.code, result.err) == (
        2,
        "error: --yes: nobody is there to be asked; say --yes if it is meant\n",
    )
    assert call_cli("export", "show", "events").code == 0


def test_yes_skips_the_question(call_cli: CallCli, installation: Installation) -> None:
    installation.export()

    assert call_cli("export", "delete", "events", "--yes").code == 0
    assert call_cli("export", "show", "events").code == 2


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("y\n", 0, []), ("n\n", 1, ["events"]), ("\x03", 130, ["events"])]
)
def test_a_person_decides(
    call_cli: CallCli,
    environ: Mapping[str, str],
    installation: Installation,
    answer: str,
    code: int,
    left: list[str],
) -> None:
    installation.export()

    ended, screen = run_in_a_terminal(["export", "delete", "events"], environ, answer=answer, to=QUESTION)

    assert (ended, QUESTION in screen) == (code, True)
    exports = call_cli("export", "list", "--json").document["exports"]
    assert [export["name"] for export in exports] == left
