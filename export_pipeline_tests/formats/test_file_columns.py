"""The columns of a file: constants around the data's, named by API or display names."""

from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from export_pipeline.errors import InvalidRequest, PermanentFailure
from export_pipeline.formats.file_columns import ConstantColumn, FileColumns
from export_pipeline.formats.text import declared_kind
from export_pipeline_tests.builders import a_column
from export_pipeline_tests.formats.rows import a_batch, a_schema

FIRST = ConstantColumn(value="eins", slug="first", name="The first")
LAST = ConstantColumn(value="", slug="last")


def a_layout(**changes: Any) -> FileColumns:
    return FileColumns(**{"before": (FIRST,), "after": (LAST,)} | changes)


def test_constants_stand_around_the_data_in_every_row() -> None:
    schema = a_schema(n="int32")
    file_columns = a_layout()
    (batch,) = file_columns.batches([a_batch(schema, {"n": 1}, {"n": None})])
    table = pa.Table.from_arrays(batch.columns, schema=file_columns.schema(schema))
    assert table.to_pylist() == [
        {"first": "eins", "n": 1, "last": ""},
        {"first": "eins", "n": None, "last": ""},
    ]


def test_a_constant_is_a_string_that_is_never_null() -> None:
    field = a_layout().schema(a_schema(n="int32")).field("first")
    assert (declared_kind(field), field.nullable) == ("string", False)


def test_without_constants_the_batches_are_handed_on_as_they_are() -> None:
    batch = a_batch(a_schema(n="int32"), {"n": 1})
    assert next(a_layout(before=(), after=()).batches([batch])) is batch


@pytest.mark.parametrize(
    ("naming", "prefix", "names"),
    [
        ("api", "", ["first", "a_b", "last"]),
        ("api", "crawl.", ["first", "crawl.a_b", "last"]),
        ("display", "", ["The first", "A_B", "last"]),
        (None, "", ["first", "a_b", "last"]),
    ],
)
def test_columns_are_called_as_asked(naming: Any, prefix: str, names: list[str]) -> None:
    file_columns = a_layout(naming=naming, prefix=prefix)
    assert file_columns.schema(a_schema(a_b="int32")).names == names
    assert list(file_columns.check([a_column("a_b", display_name="A_B")])) == names


def test_the_declared_types_are_kept() -> None:
    schema = a_schema(a="json", b="uuid")
    shown = a_layout(naming="display").schema(schema)
    assert [declared_kind(field) for field in shown] == ["string", "json", "uuid", "string"]


TWO = [a_column("a", display_name="Carrier"), a_column("b", display_name="CARRIER")]


def test_columns_with_equal_display_names_cannot_share_a_file() -> None:
    with pytest.raises(InvalidRequest) as refused:
        a_layout(before=(), after=(), naming="display", option="header").check(TWO)
    assert refused.value.field == "format.header"
    assert str(refused.value) == (
        "format.header: columns 'a' and 'b' would both be called 'CARRIER' in the file; choose header=api,"
        " or leave one of them out"
    )


@pytest.mark.parametrize(
    ("naming", "cure"),
    [("api", "file; give the constant column"), ("display", "or give the constant column")],
)
def test_a_constant_called_like_a_column_is_refused(naming: Any, cure: str) -> None:
    with pytest.raises(InvalidRequest, match="'first' and 'FIRST' would both be called 'FIRST'") as refused:
        a_layout(naming=naming, before=(ConstantColumn(value="", slug="first"),)).check(
            [a_column("FIRST", display_name="FIRST")]
        )
    assert f"{cure} another name" in str(refused.value)


def test_where_nothing_is_named_constants_give_way_to_the_data() -> None:
    again = ConstantColumn(value="", slug="FIRST")
    file_columns = a_layout(naming=None, after=(again, again))
    assert file_columns.check([a_column("first")]) == ("first_2", "first", "FIRST_3", "FIRST_4")


def test_names_that_became_equal_since_fail_when_they_are_written() -> None:
    schema = a_schema(first="int32")
    with pytest.raises(PermanentFailure, match=r"'first' and 'first' .*the declaration was changed"):
        a_layout().schema(schema)


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "x"},
        {"slug": "x"},
        {"value": "x", "slug": ""},
        {"value": "x", "slug": "x", "name": ""},
        {"value": "x", "slug": "x\ny"},
        {"value": "x", "slug": "x", "name": "x\ty"},
        {"value": 1, "slug": "x"},
        {"value": "x" * 1001, "slug": "x"},
        {"value": "x", "slug": "x", "label": "x"},
    ],
)
def test_a_constant_needs_a_value_and_a_slug(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ConstantColumn(**wrong)
