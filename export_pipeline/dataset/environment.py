"""Values that stand in the environment, and not in a document, so that secrets need not.

A value `{env = "VARIABLE"}` (in JSON `{"env": "VARIABLE"}`) stands for that environment variable's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from export_pipeline.errors import InvalidRequest


def filled(document: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The document with the values of environment variables in their places."""
    return {name: _filled(value, environ, name) for name, value in document.items()}


def variables_in(value: Any) -> Iterator[str]:
    """The environment variables that stand in a document, in its order."""
    match value:
        case {"env": str(variable)} if len(value) == 1:
            yield variable
        case dict():
            for inner in value.values():
                yield from variables_in(inner)
        case list():
            for inner in value:
                yield from variables_in(inner)


def _filled(value: Any, environ: Mapping[str, str], field: str) -> Any:
    match value:
        case {"env": str(variable)} if len(value) == 1:
            if variable not in environ:
                raise InvalidRequest(f"{field}: the environment variable {variable} is not set", field=field)
            return environ[variable]
        case dict():
            return {name: _filled(inner, environ, f"{field}.{name}") for name, inner in value.items()}
        case list():
            return [_filled(inner, environ, f"{field}.{index}") for index, inner in enumerate(value)]
        case _:
            return value
