"""What a text has to be to pass for the `json` type: one meaning for those who read it and who write it."""

from pydantic_core import from_json


def is_json(text: str) -> bool:
    """Whether it is valid JSON (RFC 8259: no NaN, no lone surrogates), nested at most 200 deep."""
    try:
        from_json(text, allow_inf_nan=False, cache_strings="none")
    except ValueError:
        return False
    return True
