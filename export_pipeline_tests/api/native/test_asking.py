"""Bodies that can be stored, conditions, and where in a body something is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.api.native.asking import Asked, Condition, below, etag_of
from export_pipeline.errors import InvalidRequest, PreconditionFailed


class Note(Asked):
    about: dict[str, Any]


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud83d"], ids=ascii)
def test_what_no_database_stores_is_refused_wherever_it_stands(text: str) -> None:
    for about in ({"a": text}, {text: 1}, {"a": [{"b": [text]}, 1]}):
        with pytest.raises(ValidationError, match="a character that is none"):
            Note(about=about)


def test_other_texts_are_taken() -> None:
    assert Note(about={"a": ["\n", "ä", "😀", 1, None]}).about["a"][2] == "😀"


@pytest.mark.parametrize("if_match", [None, "*", ' "a" ', '"b", "a"'])
def test_a_condition_that_holds(if_match: str | None) -> None:
    Condition(if_match).check('"a"')


@pytest.mark.parametrize("if_match", ["", '"b"', "a", 'W/"b"', '"a'])
def test_a_condition_that_does_not(if_match: str) -> None:
    with pytest.raises(PreconditionFailed, match="look at it again"):
        Condition(if_match).check('"a"')


def test_a_weak_etag_is_told_from_one_that_has_changed() -> None:
    with pytest.raises(PreconditionFailed, match="without the W/"):
        Condition('"b", W/"a"').check('"a"')
    Condition('W/"a", "a"').check('"a"')


def test_an_etag_changes_with_what_it_is_of() -> None:
    assert etag_of("a", 1) == etag_of("a", 1)
    assert etag_of("a", 1) != etag_of("a", 2)
    assert etag_of("\ud800", None).startswith('"')


@pytest.mark.parametrize(
    ("field", "said"), [("bucket", "config.bucket"), ("name", "name"), ("config", "config"), (None, None)]
)
def test_a_field_is_named_by_its_place_in_the_body(field: str | None, said: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused, below("config", but=("name",)):
        raise InvalidRequest(f"{field}: is wrong", field=field)
    assert (refused.value.field, str(refused.value)) == (said, f"{said}: is wrong")
