"""Links hold for exactly what they were given out for, and not for ever."""

from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from cryptography.fernet import Fernet

from export_pipeline.control.links import archive_address, check_link, file_address, signed_link
from export_pipeline.errors import Forbidden, Gone
from export_pipeline.store.encryption import SecretKey

KEY = SecretKey(Fernet.generate_key().decode())


def parts(link: str) -> tuple[str, int, str]:
    split = urlsplit(link)
    query = parse_qs(split.query)
    return unquote(split.path), int(query["expires"][0]), query["signature"][0]


def test_a_link_can_be_followed_whatever_the_name() -> None:
    path, expires, signature = parts(signed_link(KEY, "/downloads/a/what? 100% ü.zip"))

    assert path == "/downloads/a/what? 100% ü.zip"
    check_link(KEY, path, expires=expires, signature=signature)


def test_zips_and_files_are_below_their_task() -> None:
    zipped, file = archive_address(KEY, "t1", "all of it.zip"), file_address(KEY, "t1", "a/b.csv")

    assert parts(zipped)[0] == "/downloads/archives/t1/all of it.zip"
    assert parts(file)[0] == "/downloads/files/t1/a/b.csv"
    for link in (zipped, file):
        path, expires, signature = parts(link)
        check_link(KEY, path, expires=expires, signature=signature)


def test_another_address_another_end_another_key_or_no_signature_are_refused() -> None:
    path, expires, signature = parts(signed_link(KEY, "/downloads/a/b"))

    for address, end, signed in (
        ("/downloads/a/c", expires, signature),
        (path, expires + 1, signature),
        (path, expires, ""),
        (path, expires, signature.upper()),
        (path, expires, SecretKey(Fernet.generate_key().decode()).sign(f"link {expires} {path}")),
    ):
        with pytest.raises(Forbidden, match="ask for a new one"):
            check_link(KEY, address, expires=end, signature=signed)


def test_a_link_that_has_ended_is_gone() -> None:
    path, expires, signature = parts(signed_link(KEY, "/downloads/a/b", lasts=timedelta()))

    with pytest.raises(Gone, match="expired"):
        check_link(KEY, path, expires=expires, signature=signature)
