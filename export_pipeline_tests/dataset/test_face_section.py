"""Tables that documents have names of their own for."""

from pathlib import Path

import pytest

from export_pipeline.dataset.declaration import load_dataset
from export_pipeline_tests.dataset.declaring import FLIGHTS, mistakes_in


def test_the_table_of_a_role_is_found_whatever_its_case(tmp_path: Path) -> None:
    file = tmp_path / "flights.toml"
    file.write_text(FLIGHTS + '\n[faces.bitmovin]\nsessions = "Flights"\n')

    assert load_dataset(file, {}).faces == {"bitmovin": {"sessions": "flights"}}


def test_a_declaration_need_not_speak_of_them(tmp_path: Path) -> None:
    file = tmp_path / "flights.toml"
    file.write_text(FLIGHTS)

    assert load_dataset(file, {}).faces == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[faces.bitmovin]\nads = "flihgts"\n',
            "faces.bitmovin.ads: there is no table 'flihgts'; did you mean",
        ),
        ("[faces.bitmovin]\nads = 7\n", "faces.bitmovin.ads: has to be text"),
        ('[faces.bitmovin]\nsession = "flights"\n', "there is no such key here; did you mean 'sessions'"),
        ("[faces.bitmovine]\n", "there is no such key here; did you mean 'bitmovin'"),
        ("[faces]\nbitmovin = 7\n", "faces.bitmovin: has to be a table of keys"),
    ],
)
def test_what_is_wrong_is_pointed_at(tmp_path: Path, text: str, says: str) -> None:
    (mistake,) = mistakes_in(tmp_path, FLIGHTS + "\n" + text)

    assert says in mistake
