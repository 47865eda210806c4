from pathlib import Path

import pytest

from export_pipeline.dataset.mistakes import Mistakes, dotted, quoted
from export_pipeline.errors import InvalidRequest


def test_nothing_is_raised_without_a_mistake() -> None:
    Mistakes(Path("a.toml"), "").raise_any()


def test_mistakes_come_in_the_order_of_the_file() -> None:
    mistakes = Mistakes(Path("a.toml"), "a = 1\nb = 2\n")
    mistakes.add(("b",), "wrong")
    mistakes.add_key(("a",), "unknown")
    with pytest.raises(InvalidRequest, match=r"\Aa\.toml:1:1: a: unknown\na\.toml:2:5: b: wrong\Z"):
        mistakes.raise_any()


def test_a_place_is_written_as_a_dotted_path() -> None:
    assert dotted(("tables", "a b", "columns", 3, "type")) == "tables.'a b'.columns[3].type"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\nb", r"'a\nb'"), ("x" * 100, repr("x" * 60 + "...")), ("db://u:pw@h", "(a URL, not shown)")],
)
def test_a_text_is_quoted_on_one_line_short_and_without_secrets(text: str, expected: str) -> None:
    assert quoted(text) == expected
