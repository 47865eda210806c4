"""The file formats there are: one union, which also validates requests and documents itself in OpenAPI."""

import json
import reprlib
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from export_pipeline.dataset.tables import suggestion
from export_pipeline.errors import InvalidRequest
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_columns import ConstantColumn
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.wording import said

FileFormat = Annotated[CsvFormat | JsonlFormat | JsonFormat | ParquetFormat, Field(discriminator="type")]

MEMBERS: Mapping[str, type[BaseModel]] = {
    member.model_fields["type"].default: member for member in get_args(get_args(FileFormat)[0])
}

_ADAPTER: TypeAdapter[FileFormat] = TypeAdapter(FileFormat)


def every_format() -> tuple[FileFormat, ...]:
    """Each format with each of its compressions, and else its defaults; the default compression first."""
    formats: list[FileFormat] = []
    for type_, member in MEMBERS.items():
        compression = member.model_fields["compression"]
        names = sorted(get_args(compression.annotation), key=lambda name: name != compression.default)
        formats += [_ADAPTER.validate_python({"type": type_, "compression": name}) for name in names]
    return tuple(formats)


def short_formats() -> dict[str, FileFormat]:
    """The formats by the endings of their files, as people type them: `csv`, `csv.gz`, `parquet`, ...

    A format's `extension` is its way back. Of several with the same ending: the default compression.
    """
    formats: dict[str, FileFormat] = {}
    for format_ in every_format():
        formats.setdefault(format_.extension, format_)
    return formats


def format_from(data: Mapping[str, Any] | str, options: Mapping[str, Any] | None = None) -> FileFormat:
    """The format that a request describes or a short spelling like `csv.gz` names, with `options` besides.

    Text that begins with a brace is the description as JSON. InvalidRequest names the field and what it may
    be.
    """
    options = options or {}
    short = data.lower() if isinstance(data, str) and not data.lstrip().startswith("{") else None
    described = _described(data) if short is None else _spelled_out(short)
    for name in options:
        if name in described and (short is None or name != "compression"):
            raise InvalidRequest(f"format.{name}: is said twice; say it once", field=f"format.{name}")
    described |= options
    try:
        format_ = _ADAPTER.validate_python(described)
    except ValidationError as error:
        raise _refused(error, described) from error
    if short is not None and short != format_.extension:
        raise InvalidRequest(
            f"format.compression: {short} is compressed otherwise; write {format_.extension}",
            field="format.compression",
        )
    return format_


def options_of(format_: FileFormat) -> dict[str, Any]:
    """The options, as JSON has them, in which the format differs from what its ending and dialect say."""
    options = format_.model_dump(mode="json", exclude={"type", "compression"})
    plain = {"type": format_.type, "compression": format_.compression}
    default = _ADAPTER.validate_python(plain).model_dump(mode="json")
    preset = _ADAPTER.validate_python(
        plain | {"dialect": options["dialect"]} if "dialect" in options else plain
    )
    presets = preset.model_dump(mode="json") | {"dialect": default.get("dialect")}
    return {name: value for name, value in options.items() if value != presets[name]}


def _spelled_out(short: str) -> dict[str, Any]:
    known = short_formats()
    if short not in known:
        raise InvalidRequest(
            f"format: {short!r} is not a format; the formats are {', '.join(known)}", field="format"
        )
    return known[short].model_dump(include={"type", "compression"})


def _described(data: Mapping[str, Any] | str) -> dict[str, Any]:
    try:
        return dict(json.loads(data) if isinstance(data, str) else data)
    except ValueError as error:
        raise InvalidRequest(f"format: is not JSON ({error}); correct it", field="format") from error


def _refused(error: ValidationError, data: Mapping[str, Any]) -> InvalidRequest:
    problem = error.errors(include_url=False, include_context=True)[0]
    # The union puts the format's type before the name of the option.
    _, *path = problem["loc"] or ("",)
    if not path:
        given = f"{data['type']!r} is not a format" if "type" in data else "the type is missing"
        return InvalidRequest(
            f"format.type: {given}; the types are {', '.join(MEMBERS)}", field="format.type"
        )
    field = ".".join(["format", *map(str, path)])
    if problem["type"] == "extra_forbidden":
        above, model = (data["type"], MEMBERS[data["type"]]) if len(path) == 1 else (path[0], ConstantColumn)
        options = [name for name in model.model_fields if name != "type"]
        message = f"{above} has no such option{suggestion(str(path[-1]), options)}"
    elif problem["type"] == "literal_error":
        message = f"{problem['input']!r} is not possible; choose {problem['ctx']['expected']}"
    elif problem["type"] in ("missing", "value_error"):
        message = said(problem)
    else:
        message = f"{reprlib.repr(problem['input'])} {said(problem)}"
    return InvalidRequest(f"{field}: {message}", field=field)
