"""The errors: the tree that is drawn is the tree there is."""

import inspect
import re

from export_pipeline import errors
from export_pipeline.errors import ExportPipelineError, InvalidRequest, Spoilt


def test_the_drawn_tree_is_the_tree_there_is() -> None:
    assert _drawn() == {
        name: class_.mro()[1].__name__
        for name, class_ in inspect.getmembers(errors, inspect.isclass)
        if class_ is not ExportPipelineError
    }


def test_an_invalid_request_names_its_field_beside_the_message() -> None:
    error = InvalidRequest("start: 'x' is not a time", field="start")
    assert (str(error), error.field) == ("start: 'x' is not a time", "start")


def test_a_failure_retold_is_the_same_failure() -> None:
    failure = Spoilt("busy", wait=3)
    failure.unheard = True

    told = failure.retold("could not write 'a': busy")

    assert (type(told), str(told), told.wait, told.unheard) == (Spoilt, "could not write 'a': busy", 3, True)
    assert str(failure) == "busy"


def _drawn() -> dict[str, str]:
    """Each error of the module's docstring with the one it hangs from, by their indentation."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if not (match := re.match(r"([ │├└─]*)([A-Z]\w+)  ", line)):
            continue
        depth, name = len(match[1]), match[2]
        above = [(d, n) for d, n in above if d < depth]
        if above:
            parents[name] = above[-1][1]
        above.append((depth, name))
    return parents
