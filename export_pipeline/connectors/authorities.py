"""Whose certificates are trusted: one rule for all stores and receivers whose address a customer may name."""

import os

# Where operators say it, in the order in which they are heeded. Whichever it is, it holds for all.
VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def authorities() -> str | None:
    """The file of certificates that the operator names; None for those that are trusted everywhere."""
    return next((path for name in VARIABLES if (path := os.environ.get(name))), None)
