"""Secrets, and every form in which one may be written: what is searched for in all that we emit."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, quote, quote_plus

from pydantic import BaseModel

from export_pipeline.connectors.secret import MASK, reveal

# The half of a shorter one may stand somewhere by chance, or for another reason.
SHORTEST_TO_HALVE = 24


def secrets_of(config: BaseModel) -> dict[str, str]:
    """Every secret of a connector by what it is, and what is made of it to be sent."""
    shown, held = config.model_dump(mode="json"), json.loads(reveal(config))
    secrets = dict(_masked(shown, held, ""))
    for name, value in list(secrets.items()):
        signature = dict(parse_qsl(value)).get("sig")
        if signature:
            secrets[f"{name}: signature"] = signature
        if value.lstrip().startswith("{"):
            lines = [line for line in json.loads(value)["private_key"].splitlines() if "-----" not in line]
            secrets |= {f"{name}: line {number}": line for number, line in enumerate(lines) if len(line) > 15}
    if held.get("password"):
        pair = f"{held['username']}:{held['password']}"
        secrets["authorization"] = base64.b64encode(pair.encode()).decode()
    return secrets


def _masked(shown: Mapping[str, object], held: Mapping[str, object], place: str) -> Iterator[tuple[str, str]]:
    for name, value in shown.items():
        inner = held[name]
        if isinstance(value, dict) and isinstance(inner, dict):
            yield from _masked(value, inner, f"{place}{name}.")
        elif value == MASK:
            yield f"{place}{name}", str(inner)


def forms(secret: str) -> Mapping[bytes, str]:
    """The secret as it may be written, and what each form is called."""
    raw = secret.encode()
    found: dict[bytes, str] = {}
    for form, name in (
        (raw, "as it is"),
        (raw.hex().encode(), "in hexadecimal digits"),
        (raw.hex().upper().encode(), "in hexadecimal digits"),
        (quote(secret, safe="").encode(), "quoted for a URL"),
        (quote(secret).encode(), "quoted for a URL"),
        (quote_plus(secret).encode(), "quoted for a form"),
        (json.dumps(secret)[1:-1].encode(), "escaped in JSON"),
        (json.dumps(json.dumps(secret)[1:-1])[1:-1].encode(), "escaped in JSON twice"),
        (repr(secret)[1:-1].encode(), "escaped in Python"),
        (raw[::-1], "backwards"),
    ):
        found.setdefault(form, name)
    for shift in range(3):  # wherever it stands in what was encoded
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * shift + raw)
            # But for the characters that hold bits of its neighbours.
            found[encoded[(0, 2, 3)[shift] : len(encoded) - (4 if (shift + len(raw)) % 3 else 0)]] = (
                "in Base64"
            )
    if len(secret) >= SHORTEST_TO_HALVE:
        found.setdefault(raw[: len(raw) // 2], "its first half")
        found.setdefault(raw[len(raw) // 2 :], "its second half")
    return {form: name for form, name in found.items() if len(form) >= 8}


class Search:
    """Looks for all of the secrets at once."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        assert secrets, "who looks for nothing finds nothing"
        self._names = {
            form: f"{secret}, {how}"
            for secret, value in secrets.items()
            for form, how in forms(value).items()
        }
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first)))

    def found_in(self, data: bytes) -> set[str]:
        """What each secret that stands there is, and in which form."""
        # Windows and Java write two bytes for each character.
        return {
            self._names[match]
            for text in (data, data.replace(b"\0", b""))
            for match in self._pattern.findall(text)
        }

    def found_in_all(self, things: Iterable[tuple[str, bytes]]) -> list[str]:
        """The same for many things, each with its name."""
        return [f"{name}: {secret}" for name, data in things for secret in sorted(self.found_in(data))]
