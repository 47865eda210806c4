"""The Arrow schema that a declaration decides."""

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.extract.schema import ARROW_TYPES, arrow_schema, arrow_type
from export_pipeline_tests.builders import a_column


def test_every_kind_has_an_arrow_type() -> None:
    assert set(ARROW_TYPES) | {Kind.DECIMAL} == set(Kind)
    assert str(arrow_type(ColumnType.parse("decimal(38,3)"))) == "decimal128(38, 3)"


def test_a_field_carries_its_declaration() -> None:
    field = arrow_schema([a_column("dep_time", "decimal(12,2)", nullable=False)]).field("dep_time")
    assert field.metadata == {b"type": b"decimal(12,2)", b"display_name": b"Dep time"}
    assert not field.nullable
