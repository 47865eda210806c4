"""What each keyword of JSON Schema asks of one value, and what is said where it is not so.

Reasons are in the words of the document's service, and never hold the value.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from export_pipeline.contributions.text_formats import conforms

# Names that customers chose may be as long as they like; what is said of them need not.
LONGEST_NAME = 200
LONGEST_REASON = 500

# Told how many steps more a check takes.
Spend = Callable[[int], None]

# Whether a text is what one of the schema's patterns says.
Matches = Callable[[str, str], bool]


def shortened(text: str, longest: int = LONGEST_NAME) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def kind_of(value: Any) -> frozenset[str]:
    """The types of JSON Schema that the value is of."""
    match value:
        case None:
            return frozenset({"null"})
        case bool():
            return frozenset({"boolean"})
        case str():
            return frozenset({"string"})
        case list():
            return frozenset({"array"})
        case dict():
            return frozenset({"object"})
    whole = isinstance(value, int) or value.is_integer()
    return frozenset({"number", "integer"} if whole else {"number"})


def of_any(part: Mapping[str, Any], value: Any, spend: Spend) -> Iterator[str]:
    """Of its type, and of one of the values that are meant."""
    types = part.get("type")
    if types is not None:
        types = [types] if isinstance(types, str) else types
        if kind_of(value).isdisjoint(types):
            yield f"is not of a type(s) {','.join(types)}"
    if "enum" in part:
        known = _canonical(value, spend)
        if all(_canonical(one, spend) != known for one in part["enum"]):
            yield f"is not one of enum values: {','.join(map(_written, part['enum']))}"
    if "const" in part and _canonical(value, spend) != _canonical(part["const"], spend):
        yield f"does not exactly match expected constant: {_written(part['const'])}"


def of_text(part: Mapping[str, Any], value: str, matches: Matches) -> Iterator[str]:
    """Of its length, its pattern and its format."""
    yield from _length(part, len(value), "Length", "length")
    if "pattern" in part and not matches(part["pattern"], value):
        yield f"does not match pattern {json.dumps(shortened(part['pattern']), ensure_ascii=False)}"
    if "format" in part and not conforms(value, part["format"]):
        yield f"does not conform to the {json.dumps(part['format'])} format"


def of_number(part: Mapping[str, Any], value: float) -> Iterator[str]:
    """Of its size."""
    least, most = part.get("minimum"), part.get("maximum")
    above, below = part.get("exclusiveMinimum"), part.get("exclusiveMaximum")
    # As draft 4 has it, they say how the other two are meant.
    if isinstance(above, bool):
        least, above = (None, least) if above else (least, None)
    if isinstance(below, bool):
        most, below = (None, most) if below else (most, None)
    if least is not None and value < least:
        yield f"must be greater than or equal to {_written(least)}"
    if most is not None and value > most:
        yield f"must be less than or equal to {_written(most)}"
    if above is not None and value <= above:
        yield f"must be strictly greater than {_written(above)}"
    if below is not None and value >= below:
        yield f"must be strictly less than {_written(below)}"
    if "multipleOf" in part and not _is_multiple(value, part["multipleOf"]):
        yield f"is not a multiple of (divisible by) {_written(part['multipleOf'])}"


def of_list(part: Mapping[str, Any], value: list[Any], spend: Spend) -> Iterator[str]:
    """Of its length, and whether something stands there twice."""
    yield from _length(part, len(value), "Items", "length")
    if part.get("uniqueItems") and len({_canonical(one, spend) for one in value}) < len(value):
        yield "contains duplicate item"


def of_object(part: Mapping[str, Any], value: dict[str, Any]) -> Iterator[str]:
    """Of its size, and what it has to have."""
    yield from _length(part, len(value), "Properties", "property length")
    for name in part.get("required", ()):
        if name not in value:
            yield f'requires property "{shortened(name)}"'
    for name, needed in (*part.get("dependencies", {}).items(), *part.get("dependentRequired", {}).items()):
        if name in value and isinstance(needed, list):
            for other in needed:
                if other not in value:
                    yield f"property {shortened(other)} not found, required by {shortened(name)}"


def needs_of(part: Mapping[str, Any]) -> int:
    """How many names are looked for in an object because of others."""
    needs = (*part.get("dependencies", {}).values(), *part.get("dependentRequired", {}).values())
    return len(needs) + sum(len(needed) for needed in needs if isinstance(needed, list))


def _length(part: Mapping[str, Any], length: int, suffix: str, what: str) -> Iterator[str]:
    least, most = part.get(f"min{suffix}"), part.get(f"max{suffix}")
    if least is not None and length < least:
        yield f"does not meet minimum {what} of {_written(least)}"
    if most is not None and length > most:
        yield f"does not meet maximum {what} of {_written(most)}"


def _is_multiple(value: float, of: float) -> bool:
    # As they are written: 0.3 is a multiple of 0.1.
    return Fraction(str(value)) % Fraction(str(of)) == 0


def _canonical(value: Any, spend: Spend) -> str:
    """Equal for what JSON Schema takes for equal."""
    text = json.dumps(_plain(value), sort_keys=True)
    spend(1 + len(text) // 100)
    return text


def _plain(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain(one) for one in value]
        case dict():
            return {name: _plain(one) for name, one in value.items()}
    return value


def subschemas(choices: list[Any]) -> str:
    """How those are called that stand in a list."""
    return shortened(",".join(f"[subschema {number}]" for number in range(len(choices))))


def _written(value: Any) -> str:
    return shortened(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
