"""A secret has a type: it shows itself to one reader, the encrypted store, and to nobody else."""

from enum import Enum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, PlainSerializer, SecretStr, SerializationInfo

MASK = "**********"


class _Reader(Enum):
    """Who may see secrets. An enum, because no request and no settings file can hold its member by chance."""

    STORE = "store"


REVEAL = _Reader.STORE


def _serialize(secret: SecretStr, info: SerializationInfo) -> str:
    return secret.get_secret_value() if info.context is REVEAL else MASK


def _refuse_what_is_none(secret: SecretStr) -> SecretStr:
    """What we showed instead of a secret must not come back as one, and what is no text cannot be kept."""
    text = secret.get_secret_value()
    if text in ("", MASK):
        raise ValueError("this is no secret but the place of one: send the real value")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds half of a character; copy it anew, as a whole")
    return secret


# In a dump a secret is MASK, unless the dump's context is REVEAL; its `str` and `repr` are masked too.
Secret = Annotated[
    SecretStr, AfterValidator(_refuse_what_is_none), PlainSerializer(_serialize, return_type=str)
]


def reveal(config: BaseModel) -> str:
    """The model as JSON *with* its secrets: what the store encrypts, and nobody else asks for."""
    return config.model_dump_json(context=REVEAL)
