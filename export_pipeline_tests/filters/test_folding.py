import sys

import pytest

from export_pipeline.filters.folding import fold, other_forms

ALL = [chr(point) for point in range(sys.maxunicode + 1)]


def test_folding_keeps_the_number_of_characters() -> None:
    assert all(len(fold(character)) == 1 for character in ALL)


def test_what_is_folded_stays_as_it_is() -> None:
    assert all(fold(fold(character)) == fold(character) for character in ALL)


def test_ascii_letters_fold_to_lower_case_and_nothing_else_of_ascii_changes() -> None:
    ascii_ = "".join(ALL[:128])
    assert fold(ascii_) == ascii_.lower()


@pytest.mark.parametrize(
    ("text", "folded"),
    [("QUÉBEC", "québec"), ("Σςσ", "σσσ"), ("ẞß", "ßß"), ("İ", "İ"), ("ı", "ı"), ("\u212a", "k")],  # noqa: RUF001
)
def test_letters_fold_one_to_one_without_a_locale(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_the_other_forms_are_all_characters_that_fold_to_a_letter_of_the_text() -> None:
    expected = {
        (character, fold(character))
        for character in ALL
        if fold(character) in "ks-é" and fold(character) != character
    }
    assert set(other_forms("kks-é")) == expected
    assert len(other_forms("kks-é")) == len(expected)


def test_a_text_without_letters_has_no_other_forms() -> None:
    assert other_forms("12-%") == ()
