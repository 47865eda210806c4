"""Asking a person at the terminal for a configuration, field by field, as its model describes them.

Secrets are not shown while they are typed; an argument of the command could be seen by others.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from export_pipeline.errors import InvalidRequest

Kind = TypeVar("Kind")


def someone_is_there(*, instead: str) -> None:
    """Refuse to ask where nobody answers; `instead` is the option to use."""
    if not sys.stdin.isatty():
        raise InvalidRequest(
            f"{instead}: nobody is there to be asked; say {instead} FILE, or - for standard input",
            field=instead.removeprefix("--"),
        )


def ask_for(model: type[BaseModel], present: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """What the person says to each field of `model`, but its type; what is left out is not in the answer.

    `present` are values to keep by pressing Enter, without secrets. `above` is put before the fields' names.
    """
    answers = {}
    for name, field in model.model_fields.items():
        if name == "type":
            continue
        if inner := _within(field, BaseModel):
            answer: Any = _ask_for_part(above + name, field, inner, present.get(name))
        else:
            answer = _ask(above + name, field, present.get(name))
        if answer is not None:
            answers[name] = answer
    return answers


def _ask_for_part(name: str, field: FieldInfo, model: type[BaseModel], present: Any) -> Any:
    """A part with fields of its own, if it is wanted."""
    about = f" ({field.description})" if field.description else ""
    if not field.is_required() and not typer.confirm(f"{name}{about}?", default=bool(present), err=True):
        return None
    return ask_for(model, present or {}, f"{name}.")


def _ask(name: str, field: FieldInfo, present: Any) -> Any:
    hidden = _within(field, SecretStr) is not None
    about = f" ({field.description})" if field.description else ""
    kept = present if present not in (None, "") and not hidden else None
    typed = typer.prompt(
        f"{name}{about}{_hint(field, kept, hidden=hidden)}",
        default="",
        show_default=False,
        hide_input=hidden,
        err=True,  # standard output may be read by a machine
    ).strip()
    if not typed:
        return kept
    if isinstance(kept, str) or typed[:1] not in ("[", "{") or hidden:
        return typed
    try:
        return json.loads(typed)  # a list, or tags by name
    except ValueError as error:
        raise InvalidRequest(f"{name}: is not JSON ({error}); correct it", field=name) from error


def _hint(field: FieldInfo, kept: Any, *, hidden: bool) -> str:
    if kept is not None:
        return f" [{kept}]"
    if hidden:
        return " [not shown; Enter to leave it out]"
    return "" if field.is_required() else " [Enter to leave it out]"


def _within(field: FieldInfo, kind: type[Kind]) -> type[Kind] | None:
    """The class of that kind which the field holds, or may hold."""
    return next((found for found in _classes([field.annotation]) if issubclass(found, kind)), None)


def _classes(annotations: Iterable[Any]) -> Iterable[type]:
    for annotation in annotations:
        if isinstance(annotation, type) and not get_args(annotation):
            yield annotation
        yield from _classes(get_args(annotation))
