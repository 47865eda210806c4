"""Whom we ask for roles is the operator's word, and can be taken back."""

from export_pipeline.connectors.role_service import ask_at, asked_at


def test_the_operators_word_holds_until_another() -> None:
    ask_at("https://sts.inside.example")
    said = asked_at()
    ask_at(None)

    assert said == "https://sts.inside.example"
    assert asked_at() is None
