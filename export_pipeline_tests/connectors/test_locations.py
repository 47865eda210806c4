"""Folders and addresses as configurations say them."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from export_pipeline.connectors.locations import Endpoint, EndpointWithPath, Prefix, below


@pytest.mark.parametrize(
    ("given", "folder"), [("", ""), ("/", ""), ("a/b", "a/b"), ("a/b/", "a/b"), ("Zürich", "Zürich")]
)
def test_a_folder_has_no_slash_at_its_end(given: str, folder: str) -> None:
    assert TypeAdapter(Prefix).validate_python(given) == folder


@pytest.mark.parametrize("given", ["/a", "a//b", "a/../b", "./a", "a\0"])
def test_a_folder_that_leads_elsewhere_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="must look like exports/daily"):
        TypeAdapter(Prefix).validate_python(given)


def test_a_folder_leaves_room_for_keys() -> None:
    with pytest.raises(ValidationError, match="is too long"):
        TypeAdapter(Prefix).validate_python("x" * 1_025)


def test_what_lies_in_a_folder_begins_with_its_name() -> None:
    assert below("a/b") == "a/b/"
    assert below("") == ""


@pytest.mark.parametrize("address", [Endpoint, EndpointWithPath])
@pytest.mark.parametrize(
    "given",
    [
        *("", "storage.example.com", "ftp://x", "https://", "https://host:port", "https://host:0"),
        *(
            "https://user@host",
            "https://host?x",
            "https://host#x",
            "https://host/#",
            "https://host/?",
            "https://ho st",
            "https://host\\x",
        ),
        *("http://a..b", "http://.a", f"http://{'a' * 64}.example", "http://" + "a." * 127, "http://[::1"),
    ],
)
def test_an_address_that_cannot_be_asked_is_refused(address: Any, given: str) -> None:
    with pytest.raises(ValidationError, match=r"must look like https://storage\.example\.com"):
        TypeAdapter(address).validate_python(given)


@pytest.mark.parametrize(
    "given", ["http://my_store:9000", "http://[::1]:9000", "https://a.example.", "https://zürich.example"]
)
def test_an_address_that_can_be_asked_is_taken(given: str) -> None:
    assert TypeAdapter(Endpoint).validate_python(given) == given


def test_only_some_stores_lie_below_a_path() -> None:
    assert TypeAdapter(EndpointWithPath).validate_python("http://host/account/") == "http://host/account"
    with pytest.raises(ValidationError, match="must end after the host"):
        TypeAdapter(Endpoint).validate_python("http://host/account/")


@pytest.mark.parametrize("path", ["//", "/a//b", "/a/../b", "/./a"])
def test_a_path_that_browsers_would_write_otherwise_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="no part of the path may be empty"):
        TypeAdapter(EndpointWithPath).validate_python(f"https://host{path}")
