"""Where in a store a connector writes, as configurations say it: a folder, the store's own address."""

import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

from export_pipeline.connectors.limits import S3_KEYS, text_problem

STORAGE = "https://storage.example.com"


def _folder(prefix: str) -> str:
    bare = prefix.removesuffix("/")
    segments = bare.split("/")
    if bare and (text_problem(bare) or any(segment in ("", ".", "..") for segment in segments)):
        raise ValueError("must look like exports/daily: no slash in front, no '..', no control characters")
    if problem := S3_KEYS.problem(bare):
        raise ValueError(f"is too long: {problem}")
    return bare


def asks_a_host(parts: SplitResult) -> bool:
    """Whether the address names a host, as names are made, and a port. False or ValueError: it does not."""
    host = parts.hostname or ""
    host.encode("idna")  # a part that is empty or longer than 63
    return parts.scheme in ("http", "https") and 0 < len(host) <= 253 and parts.port != 0


def _address(url: str, example: str = STORAGE) -> SplitResult:
    try:
        parts = urlsplit(url)
        valid = asks_a_host(parts)
    except ValueError:
        valid = False
    if not valid or re.search(r"[\s\x00-\x1f\\?#]", url) or "@" in parts.netloc:
        raise ValueError(f"must look like {example}, without user, password or query")
    return parts


def _host(url: str) -> str:
    if _address(url).path not in ("", "/"):
        raise ValueError("must end after the host: the bucket goes into `bucket`, a path into `prefix`")
    return url.removesuffix("/")


def address_like(example: str) -> AfterValidator:
    """Takes the address of a host, or of a path there; refusals tell the example."""

    def checked(url: str) -> str:
        path = _address(url, example).path.removesuffix("/")
        if any(part in ("", ".", "..") for part in path.split("/")[1:]):
            raise ValueError(f"must look like {example}/path: no part of the path may be empty, . or ..")
        return url.removesuffix("/")

    return AfterValidator(checked)


# A folder in the store, without slashes around it; empty: all of the store.
Prefix = Annotated[str, AfterValidator(_folder)]

# The address of a store whose buckets are named elsewhere.
Endpoint = Annotated[str, AfterValidator(_host)]

# The address of a store that may lie below a path of its host.
EndpointWithPath = Annotated[str, address_like(STORAGE)]


def below(prefix: str) -> str:
    """What the keys of everything in the folder begin with."""
    return f"{prefix}/" if prefix else ""
