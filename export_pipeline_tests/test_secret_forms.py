"""The search for secrets finds what is planted: otherwise finding nothing would prove nothing."""

import base64
import json
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.http import HttpConfig
from export_pipeline_tests.secret_forms import Search, secrets_of

SECRET = 'wJalr/XUtnFEMI+K7MDENG"bPxRfiCY=EXAMPLEKEY'

LEAKS = {
    "as it is": SECRET.encode(),
    "in Base64": base64.b64encode(SECRET.encode()),
    "in Base64, behind one character": base64.b64encode(b":" + SECRET.encode() + b":end"),
    "in Base64, behind two characters": base64.b64encode(b"ab" + SECRET.encode() + b"."),
    "in Base64 for URLs": base64.urlsafe_b64encode(b"user:" + SECRET.encode()),
    "quoted": quote(SECRET, safe="").encode(),
    "in JSON": json.dumps({"key": SECRET}).encode(),
    "in JSON in JSON": json.dumps({"event": json.dumps({"key": SECRET})}).encode(),
    "hexadecimal": SECRET.encode().hex().encode(),
    "first half": SECRET[:21].encode() + b"...",
    "second half": b"..." + SECRET[21:].encode(),
    "two bytes a character": SECRET.encode("utf-16-le"),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_planted_secret_is_found(leak: bytes) -> None:
    search = Search({"the key": SECRET})

    assert search.found_in(b"a line before\n" + leak + b"\na line behind")
    assert search.found_in(b"a line before\n" + leak[: len(leak) // 5] + b"\na line behind") == set()


def test_a_secret_in_a_database_is_found_in_the_bytes_of_its_file(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "events.db") as connection:
        connection.execute("CREATE TABLE events (text TEXT)")
        connection.execute("INSERT INTO events VALUES (?)", [json.dumps({"message": f"wrong: {SECRET}"})])
    connection.close()

    things = [(path.name, path.read_bytes()) for path in tmp_path.iterdir()]

    assert Search({"the key": SECRET}).found_in_all(things) == ["events.db: the key, escaped in JSON"]


def test_the_secrets_of_a_connector_are_known_by_their_type() -> None:
    sas = AzureConfig.model_validate(
        {"account_name": "acme", "container": "exports", "sas_token": "sv=1&sig=ab%2Fcd%3D"}
    )
    basic = HttpConfig.model_validate(
        {"url": "https://receiver.example/$key", "username": "acme", "password": "hunter2hunter2"}
    )
    inner = config_from(
        {
            "type": "direct_download",
            "store": {"type": "s3", "bucket": "mine", "access_key_id": "A", "secret_access_key": "deep"},
        }
    )

    assert secrets_of(sas) == {"sas_token": "sv=1&sig=ab%2Fcd%3D", "sas_token: signature": "ab/cd="}
    assert secrets_of(basic)["authorization"] == base64.b64encode(b"acme:hunter2hunter2").decode()
    assert secrets_of(inner) == {"store.secret_access_key": "deep"}


def test_a_private_key_is_looked_for_line_by_line() -> None:
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0BAQ",
        "c2Vjb25kIGxpbmUgb2YgaXQ",
        "-----END",
    ]
    key = {
        "type": "service_account",
        "client_email": "a@b.c",
        "private_key": "\n".join(lines),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    config = config_from({"type": "gcs", "bucket": "acme-exports", "service_account": json.dumps(key)})

    found = Search(secrets_of(config)).found_in(f"cannot load: {lines[2]}".encode())

    assert found == {"service_account: line 1, as it is"}
