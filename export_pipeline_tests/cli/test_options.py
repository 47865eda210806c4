"""Fields are called what was typed."""

import pytest

from export_pipeline.cli.options import named
from export_pipeline.errors import InvalidRequest


def test_a_field_is_named_as_the_option() -> None:
    with pytest.raises(InvalidRequest, match=r"^--to: before the start$"), named(until="--to"):
        raise InvalidRequest("until: before the start", field="until")


def test_programs_still_get_the_field_of_the_definition() -> None:
    with pytest.raises(InvalidRequest) as caught, named(until="--to"):
        raise InvalidRequest("until: before the start", field="until")

    assert caught.value.field == "until"


@pytest.mark.parametrize("message", ["path: too long", "something else is wrong"])
def test_other_messages_are_left_alone(message: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{message}$"), named(until="--to"):
        raise InvalidRequest(message, field="path")
