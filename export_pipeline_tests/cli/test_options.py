"""Fields are called what was typed."""

import pytest

from export_pipeline.cli.options import named, named_values
from export_pipeline.errors import InvalidRequest


def test_a_field_is_named_as_the_option() -> None:
    with pytest.raises(InvalidRequest, match=r"^--to: before the start$"), named(until="--to"):
        raise InvalidRequest("until: before the start", field="until")


@pytest.mark.parametrize(
    ("field", "message", "typed"),
    [
        ("until", "since, until: lie in one hour", "--from, --to: lie in one hour"),
        ("until", "until, line 2: no time", "--to, line 2: no time"),
        ("since.hour", "since.hour: too early", "--from: too early"),
    ],
)
def test_so_are_several_fields_and_places_within_one(field: str, message: str, typed: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{typed}$"), named(since="--from", until="--to"):
        raise InvalidRequest(message, field=field)


def test_programs_still_get_the_field_of_the_definition() -> None:
    with pytest.raises(InvalidRequest) as caught, named(until="--to"):
        raise InvalidRequest("until: before the start", field="until")

    assert caught.value.field == "until"


@pytest.mark.parametrize("message", ["path: too long", "something else is wrong"])
def test_other_messages_are_left_alone(message: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{message}$"), named(until="--to"):
        raise InvalidRequest(message, field="path")


def test_a_field_below_is_named_with_the_option_above() -> None:
    with (
        pytest.raises(InvalidRequest, match=r"^--format-option header: is not possible$") as caught,
        named(**{"format.": "--format-option ", "format": "--format"}),
    ):
        raise InvalidRequest("format.header: is not possible", field="format.header")

    assert caught.value.field == "format.header"


def test_values_are_typed_by_name() -> None:
    typed = ["header=none", "null==", "delimiter=;", 'append_columns=[{"value": "=", "slug": "x"}]', "null_="]

    assert named_values(typed, field="--format-option") == {
        "header": "none",
        "null": "=",
        "delimiter": ";",
        "append_columns": [{"value": "=", "slug": "x"}],
        "null_": "",
    }


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["header"], "--option: 'header' is not NAME=VALUE"),
        (["=none"], "--option: '=none' is not NAME=VALUE"),
        (["a=1", "a=2"], "--option: a is given twice; give it once"),
        (["a=[1"], r"--option: a: is not JSON \(.*\); correct it"),
    ],
)
def test_what_is_no_named_value_is_refused(typed: list[str], message: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{message}$"):
        named_values(typed, field="--option")
