"""The file formats there are: one union, which also validates requests and documents itself in OpenAPI."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter, ValidationError

from export_pipeline.errors import InvalidRequest
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat

FileFormat = Annotated[CsvFormat | JsonlFormat | JsonFormat | ParquetFormat, Field(discriminator="type")]

_ADAPTER: TypeAdapter[FileFormat] = TypeAdapter(FileFormat)


def every_format() -> tuple[FileFormat, ...]:
    """Each format with each of its compressions, and else its defaults; the default compression first."""
    formats: list[FileFormat] = []
    for member in get_args(get_args(FileFormat)[0]):
        default = member()
        compressions = get_args(member.model_fields["compression"].annotation)
        others = [member(compression=name) for name in compressions if name != default.compression]
        formats += [default, *others]
    return tuple(formats)


def short_formats() -> dict[str, FileFormat]:
    """The formats by the endings of their files, as people type them: `csv`, `csv.gz`, `parquet`, ...

    A format's `extension` is its way back. Of several with the same ending: the default compression.
    """
    formats: dict[str, FileFormat] = {}
    for format_ in every_format():
        formats.setdefault(format_.extension, format_)
    return formats


def format_from(data: Mapping[str, Any] | str) -> FileFormat:
    """The format that a request describes, or that a short spelling like `csv.gz` names.

    InvalidRequest names the field and what it may be.
    """
    if isinstance(data, str):
        known = short_formats()
        if data.lower() not in known:
            raise InvalidRequest(
                f"format: {data!r} is not a format; the formats are {', '.join(known)}", field="format"
            )
        return known[data.lower()]
    try:
        return _ADAPTER.validate_python(dict(data))
    except ValidationError as error:
        raise _refused(error, data) from error


def _refused(error: ValidationError, data: Mapping[str, Any]) -> InvalidRequest:
    problem = error.errors(include_url=False, include_context=True)[0]
    members = {member.model_fields["type"].default: member for member in get_args(get_args(FileFormat)[0])}
    # The union puts the format's type before the name of the option.
    _, *path = problem["loc"] or ("",)
    if not path:
        given = f"{data['type']!r} is not a format" if "type" in data else "the type is missing"
        return InvalidRequest(
            f"format.type: {given}; the types are {', '.join(members)}", field="format.type"
        )
    field = ".".join(["format", *map(str, path)])
    options = members[data["type"]].model_fields
    if problem["type"] == "extra_forbidden":
        message = f"{data['type']} has no such option; its options are {', '.join(options)}"
    elif problem["type"] == "literal_error":
        message = f"{problem['input']!r} is not possible; choose {problem['ctx']['expected']}"
    else:
        message = f"{problem['msg']}, got {problem['input']!r}"
    return InvalidRequest(f"{field}: {message}", field=field)
