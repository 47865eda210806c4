"""The document's formatters, as formats of ours. Files are compressed with gzip, as the document has them."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from export_pipeline.api.bodies import read_as
from export_pipeline.errors import InvalidRequest

FIELD = ("payload", "formatter_config")


class Constant(BaseModel, extra="forbid"):
    """A column that has the same text in every row."""

    value: str
    name: str | None = None
    slug: str


class CsvConfig(BaseModel, extra="forbid"):
    """The options of `csv`, with the document's defaults."""

    delimiter: str = ","
    print_delimiter: bool = True
    print_header: bool = True
    header_format: Literal["verbose", "slug", "collection_slug"] = "verbose"
    prepend_columns: list[Constant] = []
    append_columns: list[Constant] = []


class NoConfig(BaseModel, extra="forbid"):
    """`json` has no options."""


def format_of(formatter: str, config: Mapping[str, Any], collection: str) -> dict[str, Any]:
    """The format that a formatter is, for the rows of a collection."""
    match formatter:
        case "csv":
            return _csv(read_as(CsvConfig, config, *FIELD), collection)
        case "json":
            read_as(NoConfig, config, *FIELD)
            return {"type": "json", "nested": True}
        case _:
            raise InvalidRequest(
                "payload.formatter: must be csv or json; there is no other", field="payload.formatter"
            )


def _csv(config: CsvConfig, collection: str) -> dict[str, Any]:
    header: dict[str, str] = {"header": "none"}
    if config.print_header:
        header = {
            "verbose": {"header": "display"},
            "slug": {"header": "api"},
            "collection_slug": {"header": "api", "header_prefix": f"{collection}."},
        }[config.header_format]
    return {
        "type": "csv",
        "delimiter": config.delimiter,
        "sep_line": config.print_delimiter,
        **header,
        "prepend_columns": [one.model_dump() for one in config.prepend_columns],
        "append_columns": [one.model_dump() for one in config.append_columns],
    }
