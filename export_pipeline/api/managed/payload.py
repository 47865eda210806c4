"""What the document sends to make a connector, and our refusals in its words."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import field_validator

from export_pipeline.api.bodies import JsonBody, read_as
from export_pipeline.api.managed.storage import STORAGE, Storage
from export_pipeline.errors import InvalidRequest

CONFIG = "storage_config"


class Payload(JsonBody, extra="forbid", hide_input_in_errors=True):
    """A kind of storage and its configuration, which is read as that kind has it."""

    storage_type: str
    storage_config: dict[str, Any]

    @field_validator("storage_type")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in STORAGE:
            raise ValueError(f"must be one of {', '.join(STORAGE)}")
        return name


def storage_of(body: Mapping[str, Any]) -> Storage:
    """The storage that a body describes. RequestValidationError names each field that is wrong."""
    payload = read_as(Payload, body)
    return read_as(STORAGE[payload.storage_type], payload.storage_config, CONFIG)


@contextmanager
def named_as_asked(storage: Storage) -> Iterator[None]:
    """Have the core's refusals name fields as the document does."""
    try:
        yield
    except InvalidRequest as error:
        if error.field is None or error.field in ("config", "name"):
            raise
        field = f"{CONFIG}.{storage.spoken.get(error.field, error.field)}"
        said = str(error).removeprefix(f"{error.field}: ")
        read = "read." if error.field.startswith("read") else ""
        names = {
            name.removeprefix(read): word for name, word in storage.spoken.items() if name.startswith(read)
        }
        said = re.sub(r"[a-z]+(_[a-z]+)+", lambda match: names.get(match[0], match[0]), said)
        problem = InvalidRequest(f"{field}: {said}", field=field)
    else:
        return
    raise problem
