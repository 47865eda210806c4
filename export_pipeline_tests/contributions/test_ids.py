"""Ids: those that people choose, and those that are made of them as the document's service makes them."""

import pytest

from export_pipeline.contributions.ids import contribution_id, lowered, public_id, slug_mistakes

PATTERN = 'does not match pattern "^[a-z][a-z0-9-]+$"'


def test_the_documents_own_connector_has_the_documents_own_id() -> None:
    made = contribution_id("country", "wikipedia", "a-long-secret-string")

    assert made == "9afcf3235500836c6fcd9e82110dbc05ffbb734b"


def test_a_record_has_an_id_of_its_connector_and_its_own() -> None:
    connector = contribution_id("country", "wikipedia", "a-long-secret-string")

    assert public_id(connector, "GB") != public_id(connector, "GBR")
    assert public_id(connector, "GB") == public_id(connector, "GB")
    assert len(public_id(connector, "é")) == 40


@pytest.mark.parametrize("slug", ["abc", "a-1", "country", "a" * 32])
def test_an_id_that_will_do(slug: str) -> None:
    assert list(slug_mistakes(slug)) == []


@pytest.mark.parametrize(
    ("slug", "reasons"),
    [
        ("ab", ["does not meet minimum length of 3"]),
        ("a" * 33, ["does not meet maximum length of 32"]),
        ("1bc", [PATTERN]),
        ("-bc", [PATTERN]),
        ("aBc", [PATTERN]),
        ("a_c", [PATTERN]),
        ("abc\n", [PATTERN]),
        ("é", ["does not meet minimum length of 3", PATTERN]),
        ("", ["does not meet minimum length of 3", PATTERN]),
    ],
)
def test_an_id_that_will_not(slug: str, reasons: list[str]) -> None:
    assert [(one.name, one.reason) for one in slug_mistakes(slug)] == [("slug", one) for one in reasons]


def test_only_letters_of_ascii_are_lowered() -> None:
    assert lowered("COUNTRY-1") == "country-1"
    assert lowered("\N{KELVIN SIGN}enya") == "\N{KELVIN SIGN}enya"
