"""The kernels behind their typed door."""

import pyarrow as pa

from export_pipeline.formats.kernels import TO_THE_END, chosen, contents, joined, replaced, spliced


def test_a_null_part_makes_the_row_null() -> None:
    assert joined("<", pa.array(["a", None]), ">").to_pylist() == ["<a>", None]


def test_a_null_part_is_replaced_when_asked() -> None:
    assert joined(pa.array(["a", None]), pa.array(["b", "c"]), by=",", null="-").to_pylist() == ["a,b", "-,c"]


def test_the_mask_chooses() -> None:
    assert chosen(pa.array([True, False, None]), "yes", pa.array(["a", "b", "c"])).to_pylist() == [
        "yes",
        "b",
        None,
    ]


def test_a_part_is_replaced_from_the_end() -> None:
    assert spliced(pa.array(["abcd", None]), -2, TO_THE_END, "==").to_pylist() == ["ab==", None]


def test_replacements_follow_each_other() -> None:
    assert replaced(pa.array(["a"]), {"a": "bb", "b": "c"}).to_pylist() == ["cc"]


def test_the_contents_of_a_slice_are_its_own() -> None:
    assert bytes(contents(pa.array(["ab", "cd", None, "ef"]).slice(1, 2))) == b"cd"


def test_a_column_without_values_has_no_contents() -> None:
    assert bytes(contents(pa.array([], pa.string()))) == b""
