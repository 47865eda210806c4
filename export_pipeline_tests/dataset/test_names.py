import pytest

from export_pipeline.dataset.names import (
    wrong_column_name,
    wrong_display_name,
    wrong_relation,
    wrong_table_name,
    wrong_url_variable,
)


@pytest.mark.parametrize(
    ("name", "allowed"), [("a", True), ("a_1", True), ("a" * 128, True), ("a" * 129, False), ("A", False),
                          ("1a", False), ("a\n", False), ("", False), ("a.b", False)],
)  # fmt: skip
def test_a_table_name_is_lower_case(name: str, allowed: bool) -> None:
    assert (wrong_table_name(name) is None) is allowed


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("a.B_1", True), ("_a", True), ("a" * 129, False), (".a", False), ("ä", False), ("", False)],
)
def test_a_column_name_needs_no_quotes(name: str, allowed: bool) -> None:
    assert (wrong_column_name(name) is None) is allowed


@pytest.mark.parametrize(
    ("wrong", "letters"), [(wrong_table_name("ключ"), "a-z"), (wrong_column_name("ключ"), "A-Z, a-z")]
)
def test_which_letters_are_meant_is_said(wrong: str | None, letters: str) -> None:
    """A letter is what every alphabet has."""
    assert wrong is not None
    assert f"begin with one of {letters}" in wrong


@pytest.mark.parametrize(("name", "allowed"), [("Temperatur (°C)", True), ("\t", False), ("a\x7f", False)])
def test_a_display_name_is_one_line_of_text(name: str, allowed: bool) -> None:
    assert (wrong_display_name(name) is None) is allowed


@pytest.mark.parametrize(
    ("name", "allowed"), [("Ops.my table", True), ("a.", False), ("a.b.c", False), ("", False)]
)
def test_a_relation_is_a_name_with_or_without_its_schema(name: str, allowed: bool) -> None:
    assert (wrong_relation(name) is None) is allowed


@pytest.mark.parametrize(
    ("name", "allowed"), [("DB_URL", True), ("db1", True), ("1DB", False), ("a-b", False)]
)
def test_a_variable_name_is_what_a_shell_takes(name: str, allowed: bool) -> None:
    assert (wrong_url_variable(name) is None) is allowed
