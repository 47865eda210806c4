"""Whatever control offers that changes something leaves an entry in the audit log: none is forgotten.

The source is read for it: a function changes something if it calls, through whatever others, one of the
store's that inserts, updates or deletes.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "export_pipeline"

_CONTRIBUTED = "records are data; whose token or key it was that sent them is a matter of the request log"

# What changes something and leaves no entry, and why.
NOT_NOTED = {
    "connectors.check_connector": "what a check finds is no change that people make",
    "schedules.make_due": "nobody but the calendar makes what is due; the request that is made is noted",
    "instances.enriched_record": "what a webhook answers is kept for a while, and nobody's choice",
    "contribution_sessions.open_session": _CONTRIBUTED,
    "contribution_sessions.send": _CONTRIBUTED,
    "contribution_sessions.close_session": _CONTRIBUTED,
    "corrections.note_corrections": "what hours hold is corrected since somebody contributed",
    "organizations.give_organization": "what an installation always has is made when it is first opened",
    "external_ids.with_external_id": "an external id is made when it is first needed, and nobody's choice",
}

WRITES = {"insert", "update", "delete"}

Function = tuple[str, str]  # module and name


def functions() -> dict[Function, ast.FunctionDef]:
    return {
        (f"{folder}.{path.stem}", node.name): node
        for folder in ("store", "control")
        for path in (PACKAGE / folder).glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }


def imported() -> dict[Function, Function]:
    """What a name means in a module that has it from another one."""
    return {
        (f"{folder}.{path.stem}", alias.asname or alias.name): (
            node.module.removeprefix("export_pipeline."),
            alias.name,
        )
        for folder in ("store", "control")
        for path in (PACKAGE / folder).glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


FUNCTIONS = functions()
IMPORTED = imported()


def mentioned(function: Function) -> Iterator[Function]:
    """The functions whose names stand in its body, called there or handed on."""
    module, _ = function
    for node in ast.walk(FUNCTIONS[function]):
        if isinstance(node, ast.Name):
            target = IMPORTED.get((module, node.id), (module, node.id))
            if target in FUNCTIONS and target != function:
                yield target


def noted(function: Function) -> bool:
    """Whether it is decorated for the audit log, or writes an entry itself."""
    decorators = [ast.unparse(one).partition("(")[0] for one in FUNCTIONS[function].decorator_list]
    return "audited" in decorators or ("control.audit", "note_change") in mentioned(function)


def writes(function: Function) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES
        for node in ast.walk(FUNCTIONS[function])
    )


def reaches(function: Function, seen: set[Function], *, past_noted: bool) -> bool:
    """Whether it changes something, itself or through others; of these all, or those that note nothing."""
    seen.add(function)
    if function[0].startswith("store.") and writes(function):
        return True
    return any(
        reaches(other, seen, past_noted=past_noted)
        for other in mentioned(function)
        if other not in seen and (past_noted or not noted(other))
    )


OFFERED = [
    (module, name)
    for module, name in FUNCTIONS
    if module.startswith("control.") and not name.startswith("_") and module != "control.audit"
]


def test_every_change_is_noted() -> None:
    silent = {
        f"{function[0].removeprefix('control.')}.{function[1]}"
        for function in OFFERED
        if not noted(function) and reaches(function, set(), past_noted=False)
    }
    assert silent == NOT_NOTED.keys(), "decorate it with @audited, or call note_change"


def test_what_is_noted_is_a_change() -> None:
    """The reading of the source is worth something only if it finds the changes that are known."""
    blind = [
        function for function in OFFERED if noted(function) and not reaches(function, set(), past_noted=True)
    ]
    assert blind == []
    assert sum(map(noted, OFFERED)) >= 15


def test_what_only_looks_is_not_taken_for_a_change() -> None:
    assert not reaches(("control.tasks", "show_task"), set(), past_noted=True)
    assert not reaches(("control.coverage", "coverage_of"), set(), past_noted=True)
