"""A secret reaches the encrypted store and nobody else."""

import json

import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from export_pipeline.connectors.secret import MASK, Secret, reveal

HIDDEN = "hunter2-hunter2"


class Door(BaseModel):
    name: str
    key: Secret | None = None
    spare: list[Secret] = []


def a_door() -> Door:
    return Door(name="front", key=SecretStr(HIDDEN), spare=[SecretStr(HIDDEN)])


def test_a_dump_shows_no_secret() -> None:
    door = a_door()

    assert HIDDEN not in door.model_dump_json()
    assert HIDDEN not in str(door.model_dump())
    assert HIDDEN not in str(door.model_dump(mode="json", context={"store": "store"}))
    assert json.loads(door.model_dump_json())["key"] == MASK


def test_text_forms_show_no_secret() -> None:
    assert HIDDEN not in f"{a_door()} {a_door()!r}"


def test_a_revealed_model_reads_back_as_it_was() -> None:
    door = a_door()

    again = Door.model_validate_json(reveal(door))

    assert again == door
    assert again.key is not None
    assert again.key.get_secret_value() == HIDDEN


def test_no_secret_stays_no_secret() -> None:
    door = Door(name="open")

    assert Door.model_validate_json(reveal(door)) == door
    assert json.loads(door.model_dump_json())["key"] is None


@pytest.mark.parametrize("text", [MASK, ""])
def test_a_mask_is_not_taken_for_a_secret(text: str) -> None:
    with pytest.raises(ValidationError, match="send the real value"):
        Door.model_validate({"name": "front", "key": text})


def test_what_is_no_text_is_no_secret() -> None:
    with pytest.raises(ValidationError, match="half of a character"):
        Door.model_validate({"name": "front", "key": "hunter2\ud800"})


def test_the_schema_says_that_it_is_a_password() -> None:
    schema = TypeAdapter(Secret).json_schema()

    assert schema["format"] == "password"
    assert schema["writeOnly"] is True
