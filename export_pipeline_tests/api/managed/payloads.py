"""Payloads as the document shows them."""

import base64
from collections.abc import Mapping
from typing import Any

KEY = base64.b64encode(b"secret of the account").decode()

S3: Mapping[str, Any] = {
    "bucket_name": "acme-exports",
    "region": "eu-central-1",
    "url": "https://minio.example.com",
    "username_read": "AKIAREAD",
    "password_read": "secret-to-read",
    "username_write": "AKIAWRITE",
    "password_write": "secret-to-write",
}
AZURE: Mapping[str, Any] = {
    "container_name": "exports",
    "region": "westeurope",
    "url": "https://acme.blob.core.windows.net",
    "account_name_read": "acme",
    "account_key_read": KEY,
    "account_name_write": "acme",
    "account_key_write": KEY,
}
RECEIVER: Mapping[str, Any] = {
    "url": "https://receiver.example.com/$key?sig=secret",
    "method": "POST",
    "token_write": "secret-to-write",
    "url_read": "https://shows.example.com/$key",
    "username_read": "acme",
    "password_read": "secret-to-read",
}
CONFIGS: Mapping[str, Mapping[str, Any]] = {"AmazonS3": S3, "AzureStorage": AZURE, "HttpData": RECEIVER}


def a_payload(storage_type: str = "AmazonS3", **changes: Any) -> dict[str, Any]:
    """The kind's payload, with what differs; None takes a field away."""
    config = {**CONFIGS[storage_type], **changes}
    return {
        "storage_type": storage_type,
        "storage_config": {name: value for name, value in config.items() if value is not None},
    }
