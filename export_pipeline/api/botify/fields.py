"""The document's names for what the core calls otherwise."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from export_pipeline.errors import InvalidRequest

# How a refusal begins that is about a name of nothing.
NO_SUCH_FIELD = "there is no field"

QUERY = "payload.query"

SPOKEN: Mapping[str, str] = {
    "columns": f"{QUERY}.query.dimensions",
    "connector": "payload.connector",
    "context.project": "payload.project",
    "context.user": "payload.username",
    "filename": "payload.extra_config.filename",
    "filter": f"{QUERY}.query.filters",
    "filters": f"{QUERY}.query.filters",
    "format": "payload.formatter_config",
    "layout": "payload.extra_config.filename",
    "name": "payload.project",
    "path": "payload.extra_config",
    "row_limit": "payload.export_size",
    "since": f"{QUERY}.periods",
    "subdirectory": "payload.extra_config.subdirectory",
    "tables": f"{QUERY}.collections",
    "tables.columns": f"{QUERY}.query.dimensions",
    "tenant": "payload.username",
    "until": f"{QUERY}.periods",
}

OPTIONS: Mapping[str, str] = {"header": "header_format", "sep_line": "print_delimiter"}


@contextmanager
def named_as_asked() -> Iterator[None]:
    """Have the core's refusals name fields as the document does."""
    try:
        yield
    except InvalidRequest as error:
        field = error.field and _spoken(error.field)
        if field is None or field == error.field:
            raise
        said = str(error).removeprefix(f"{error.field}").lstrip(" ,:")
        raise InvalidRequest(f"{field}: {said}", field=field) from error


def _spoken(field: str) -> str:
    """The document's name for a field, or for the nearest one that it stands in."""
    if field.startswith("format."):
        option, dot, below = field.removeprefix("format.").partition(".")
        return f"payload.formatter_config.{OPTIONS.get(option, option)}{dot}{below}"
    parts = [part for part in field.split(".") if not part.isdigit()]
    while parts and ".".join(parts) not in SPOKEN:
        parts.pop()
    return SPOKEN[".".join(parts)] if parts else field
