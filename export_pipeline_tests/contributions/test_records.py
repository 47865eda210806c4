"""Records: their structure, their entity type's schema, and how much of either is too much."""

from typing import Any

import pytest

from export_pipeline.contributions.entity_types import schema_of
from export_pipeline.contributions.mistakes import Rejected
from export_pipeline.contributions.records import MOST_MISTAKES, Record, deletions_of, records_of
from export_pipeline.contributions.schemas import read_schema

BRITAIN: dict[str, Any] = {"id": "GB", "name": "United Kingdom", "entity": {"area": 242_900}}
AREAS = read_schema({"type": "object", "required": ["area"], "properties": {"area": {"type": "integer"}}})


def refused(body: Any, schema: Any = None) -> list[tuple[str, int | None, str]]:
    with pytest.raises(Rejected) as found:
        records_of(body, schema)
    return [(one.name, one.index, one.reason) for one in found.value.mistakes]


def test_records_are_read() -> None:
    assert records_of([BRITAIN], AREAS) == [
        Record(id="GB", name="United Kingdom", entity={"area": 242_900}, instance=None)
    ]
    assert records_of([BRITAIN | {"instance": {"a": 1}}], None)[0].instance == {"a": 1}
    assert records_of([], AREAS) == []


def test_the_last_of_an_id_counts() -> None:
    (record,) = records_of([BRITAIN, BRITAIN | {"name": "Britain"}], None)

    assert record.name == "Britain"


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"id": ""}, "records.id", "does not meet minimum length of 1"),
        ({"id": "i" * 257}, "records.id", "does not meet maximum length of 256"),
        ({"id": 3}, "records.id", "is not of a type(s) string"),
        ({"name": ""}, "records.name", "does not meet minimum length of 1"),
        ({"name": "n" * 257}, "records.name", "does not meet maximum length of 256"),
        ({"entity": []}, "records.entity", "is not of a type(s) object"),
        ({"instance": []}, "records.instance", "is not of a type(s) object"),
        ({"instance": None}, "records.instance", "is not of a type(s) object"),
        ({"other": 1}, "records", 'is not allowed to have the additional property "other"'),
    ],
)
def test_a_rule_of_the_table(change: dict[str, Any], name: str, reason: str) -> None:
    assert refused([BRITAIN, BRITAIN | change]) == [(name, 1, reason)]


def test_each_record_is_told_what_it_lacks() -> None:
    assert refused([{}, BRITAIN, 3]) == [
        ("records", 0, 'requires property "id"'),
        ("records", 0, 'requires property "name"'),
        ("records", 0, 'requires property "entity"'),
        ("records", 2, "is not of a type(s) object"),
    ]


@pytest.mark.parametrize("body", [{}, BRITAIN, "text", None])
def test_what_is_no_list_is_refused(body: Any) -> None:
    assert refused(body) == [("records", None, "is not of a type(s) array")]


def test_so_many_at_once_and_no_more() -> None:
    many = [BRITAIN | {"id": str(number)} for number in range(251)]

    assert len(records_of(many[:250], None)) == 250
    assert refused(many) == [("records", None, "does not meet maximum length of 250")]


def test_the_entity_follows_its_types_schema() -> None:
    assert refused([BRITAIN, BRITAIN | {"entity": {"area": "big"}}, BRITAIN | {"entity": {}}], AREAS) == [
        ("records.entity.area", 1, "is not of a type(s) integer"),
        ("records.entity", 2, 'requires property "area"'),
    ]


def test_what_is_wrong_with_the_structure_comes_first() -> None:
    told = refused([BRITAIN | {"entity": {"area": "big"}}, {}], AREAS)

    assert {index for _, index, _ in told} == {1}


def test_a_record_may_not_be_nested_without_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"a": deep}

    assert refused([BRITAIN | {"entity": deep}]) == [
        ("records.entity", 0, "does not meet maximum depth of 32")
    ]
    assert refused([BRITAIN | {"instance": deep}]) == [
        ("records.instance", 0, "does not meet maximum depth of 32")
    ]


def test_where_everything_is_wrong_not_all_of_it_is_told() -> None:
    wrong = {f"p{number}": 1 for number in range(100)}

    assert len(refused([BRITAIN | wrong for _ in range(50)])) == MOST_MISTAKES


def test_a_record_that_takes_too_long_to_check_is_refused() -> None:
    forever = schema_of({"$ref": "#"})

    assert refused([BRITAIN, BRITAIN], forever) == [
        ("records.entity", 0, "takes too long to be checked by the schema of its entity type")
    ]


def test_the_same_content_has_the_same_digest() -> None:
    one = Record(id="1", name="n", entity={"a": 1, "b": 2})

    assert one.digest == Record(id="2", name="n", entity={"b": 2, "a": 1}).digest
    assert one.digest != Record(id="1", name="n", entity={"a": 1, "b": 2}, instance={}).digest
    assert one.digest != Record(id="1", name="m", entity={"a": 1, "b": 2}).digest
    assert one.digest != Record(id="1", name="n", entity={"a": True, "b": 2}).digest


def test_ids_of_records_that_are_to_go() -> None:
    assert deletions_of(["GB", "FR", "GB"]) == ["GB", "FR"]
    with pytest.raises(Rejected) as found:
        deletions_of(["GB", 3, ""])
    assert [(one.name, one.index) for one in found.value.mistakes] == [("records", 1), ("records", 2)]
    with pytest.raises(Rejected, match="maximum length of 250"):
        deletions_of([str(number) for number in range(251)])
