"""What clients write, as the document spells it: camelCase, and no field that there is not."""

import re
from typing import Annotated, Any

from fastapi import Depends
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from export_pipeline.api.bodies import JsonBody
from export_pipeline.errors import NotFound

LONGEST_NAME = 255
LONGEST_DESCRIPTION = 2048


class Words(JsonBody):
    """A body. What the service fills in is not looked at: clients send back what they were given."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    id: Any = Field(None, exclude=True)
    created_at: Any = Field(None, exclude=True)
    modified_at: Any = Field(None, exclude=True)


def _id(id: str) -> str:  # its name in the address
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", id):
        raise NotFound("what is named in the address is no id; lists have the ids there are")
    return id


# Of an output or a task, in an address.
Id = Annotated[str, Depends(_id)]
