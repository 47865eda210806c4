"""Which file of certificates is trusted."""

import pytest

from export_pipeline.connectors.authorities import VARIABLES, authorities


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_nothing_that_is_said_names_no_file() -> None:
    assert authorities() is None


@pytest.mark.parametrize("name", VARIABLES)
def test_any_of_the_variables_names_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/operators.pem")

    assert authorities() == "/operators.pem"


def test_the_first_that_says_anything_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES, ("", "/second.pem", "/third.pem"), strict=False):
        monkeypatch.setenv(name, value)

    assert authorities() == "/second.pem"
