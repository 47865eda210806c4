"""What a relation has, compared with what was declared. Real drift is in `test_every_reader`."""

import pytest

from export_pipeline.dataset.catalog import FoundColumn
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.shapes import check_shape, undeclared
from export_pipeline_tests.builders import a_column, a_table

DECLARED = {"id": ColumnType.parse("int64"), "fare": ColumnType.parse("decimal(12,2)")}


def found(name: str, type_: str, *becomes: Kind) -> FoundColumn:
    return FoundColumn(name=name, type=type_, becomes=frozenset(becomes), nullable=True)


ID = found("id", "bigint", Kind.INT64)
FARE = found("fare", "numeric(12, 2)", Kind.DECIMAL)


def test_what_was_declared_and_is_there_is_right() -> None:
    check_shape("flights", DECLARED, [ID, FARE, found("extra", "text", Kind.STRING)])


def test_names_may_be_there_in_another_case() -> None:
    check_shape("flights", DECLARED, [found("ID", "bigint", Kind.INT64), FARE])


def test_both_shapes_are_named_of_what_differs_and_the_cure() -> None:
    with pytest.raises(PermanentFailure) as failure:
        check_shape("flights", DECLARED, [found("fare", "text", Kind.STRING)])
    assert str(failure.value) == (
        "flights is not what was declared: declared is id int64, fare decimal(12,2); the database has no id,"
        " fare text; restore it there, or correct the declaration (`export-pipeline dataset check` shows all"
        " of it)"
    )


def test_what_is_not_known_is_left_to_the_values() -> None:
    check_shape("flights", DECLARED, None)
    unknown = FoundColumn(name="fare", type="geometry", becomes=None, nullable=True)
    check_shape("flights", DECLARED, [ID, unknown])


def test_a_document_may_come_of_anything() -> None:
    check_shape("flights", {"id": ColumnType.parse("json")}, [ID])


def test_columns_that_are_not_declared_are_told_of() -> None:
    table = a_table(columns=(a_column("id", "int64"), a_column("fare", "decimal(12,2)")))
    assert undeclared(table, [ID, FARE, found("Secret", "text", Kind.STRING)]) == ("Secret",)
