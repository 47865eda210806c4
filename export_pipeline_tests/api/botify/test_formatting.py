"""The document's formatters are formats of ours."""

from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from export_pipeline.api.botify.formatting import format_of
from export_pipeline.errors import InvalidRequest
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import format_from
from export_pipeline.formats.json import JsonFormat


def csv_of(**config: Any) -> CsvFormat:
    made = format_from(format_of("csv", config, "crawl.20210102"))
    assert isinstance(made, CsvFormat)
    return made


def test_csv_without_options_is_as_the_document_has_it() -> None:
    made = csv_of()

    assert (made.delimiter, made.sep_line, made.header, made.compression) == (",", True, "display", "gzip")
    assert made.extension == "csv.gz"


@pytest.mark.parametrize(
    ("config", "header", "prefix"),
    [
        ({"header_format": "verbose"}, "display", ""),
        ({"header_format": "slug"}, "api", ""),
        ({"header_format": "collection_slug"}, "api", "crawl.20210102."),
        ({"header_format": "collection_slug", "print_header": False}, "none", ""),
    ],
)
def test_headers_are_as_asked(config: dict[str, Any], header: str, prefix: str) -> None:
    made = csv_of(**config)

    assert (made.header, made.header_prefix) == (header, prefix)


def test_columns_of_one_text_stand_before_and_behind() -> None:
    made = csv_of(
        delimiter=";",
        print_delimiter=False,
        prepend_columns=[{"value": "acme", "name": "Site", "slug": "site"}],
        append_columns=[{"value": "x", "slug": "tag"}],
    )

    assert (made.delimiter, made.sep_line) == (";", False)
    assert [(one.value, one.name, one.slug) for one in made.prepend_columns] == [("acme", "Site", "site")]
    assert [one.slug for one in made.append_columns] == ["tag"]


def test_json_is_nested() -> None:
    made = format_from(format_of("json", {}, "crawl"))

    assert isinstance(made, JsonFormat)
    assert (made.nested, made.extension) == (True, "json.gz")


@pytest.mark.parametrize("formatter", ["xml", "sitemap", "parquet", ""])
def test_no_other_formatter_is_there(formatter: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        format_of(formatter, {}, "crawl")

    assert refused.value.field == "payload.formatter"


@pytest.mark.parametrize(
    ("formatter", "config"),
    [("csv", {"header": "x"}), ("csv", {"header_format": "x"}), ("json", {"nested": True})],
)
def test_no_other_option_is_there(formatter: str, config: dict[str, Any]) -> None:
    with pytest.raises(RequestValidationError) as refused:
        format_of(formatter, config, "crawl")

    (only,) = refused.value.errors()
    assert only["loc"] == ("body", "payload", "formatter_config", next(iter(config)))
