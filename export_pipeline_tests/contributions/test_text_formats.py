"""Formats: what conforms, and what looks as if it did."""

import pytest

from export_pipeline.contributions.text_formats import FORMATS, conforms

TAKEN = {
    "date": ["2026-02-28", "2024-02-29"],
    "date-time": ["2026-01-05T10:00:00Z", "2026-01-05t10:00:00.123456789z", "2026-01-05T10:00:00-05:30"],
    "email": ["a@example.com"],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["2001:db8::1"],
    "time": ["10:00:00Z", "23:59:59.5+01:00"],
    "uri": ["http://my-domain.com/connectors/1", "urn:isbn:1", "http://[::1]:8080/a%20b?c=d#e"],
    "uuid": ["4527eff4-d9cf-41c0-9ecc-8e06b57fcf54"],
}

REFUSED = {
    "date": ["2026-02-30", "20260228", "2026-1-1", "2026-02-28 ", "٢٠٢٦-02-28"],
    "date-time": ["2026-01-05T10:00:00", "2026-01-05", "2026-01-05T25:00:00Z", "2026-01-05T10:00Z"],
    "email": ["a", "a@", "@b", "a b@c"],
    "ipv4": ["192.0.2.256", "192.0.2", "::1"],
    "ipv6": ["192.0.2.1", "2001:db8::g"],
    "time": ["10:00:00", "10:00Z", "24:00:00Z"],
    "uri": ["my-domain.com", "/connectors", "http://a b", "http://a/%zz", "http://a:99999999/", "http://é/"],
    "uuid": ["4527eff4d9cf41c09ecc8e06b57fcf54", "no"],
}


def test_every_format_is_tried() -> None:
    assert TAKEN.keys() == REFUSED.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", FORMATS)
def test_what_conforms_and_what_does_not(name: str) -> None:
    assert [text for text in TAKEN[name] if not conforms(text, name)] == []
    assert [text for text in REFUSED[name] if conforms(text, name)] == []


def test_a_format_that_nobody_knows_means_nothing() -> None:
    assert conforms("anything", "colour")
