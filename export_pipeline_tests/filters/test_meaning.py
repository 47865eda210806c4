import math

import pytest

from export_pipeline.filters.meaning import holds
from export_pipeline.filters.text import filter_from
from export_pipeline.filters.tree import EVERY_ROW, NO_ROW, Named
from export_pipeline_tests.filters.tables import EVENTS


def passes(text: str, **row: object) -> bool:
    return holds(filter_from(text, EVENTS), row)


@pytest.mark.parametrize(
    "text",
    [
        "city == 'Paris'",
        "city =~ 'pARIS'",
        "city =@ 'ARI'",
        "city IN ['Rome', 'Paris']",
        "city < 'a'",
        "city >= 'Paris'",
        "city != 'paris'",
        "city !~ 'Rome'",
        "city !@ 'x'",
        "city NOT_IN ['paris']",
        "city != null",
    ],
)
def test_a_city_that_fits_passes(text: str) -> None:
    assert passes(text, city="Paris")


@pytest.mark.parametrize(
    "text",
    [
        "city == 'paris'",
        "city =~ 'Pari'",
        "city =@ 'Rome'",
        "city IN ['paris']",
        "city > 'a'",
        "city != 'Paris'",
        "city !~ 'paris'",
        "city !@ 'PAR'",
        "city NOT_IN ['Paris']",
        "city IS NULL",
    ],
)
def test_a_city_that_does_not_fit_is_dropped(text: str) -> None:
    assert not passes(text, city="Paris")


@pytest.mark.parametrize(
    "text",
    [
        "city != 'Paris'",
        "city !~ 'Paris'",
        "city !@ 'Paris'",
        "city NOT_IN ['Paris']",
        "NOT city == 'Paris'",
        "NOT city < 'Paris'",
        "city == null",
        "city IS NULL",
        "city IN ['Paris', null]",
    ],
)
def test_a_row_without_a_city_passes_what_excludes_cities(text: str) -> None:
    assert passes(text, city=None)


@pytest.mark.parametrize(
    "text",
    [
        "city == 'Paris'",
        "city =~ 'Paris'",
        "city =@ 'Paris'",
        "city IN ['Paris']",
        "city < 'Paris'",
        "city >= 'Paris'",
        "city != null",
        "city NOT_IN ['Paris', null]",
    ],
)
def test_a_row_without_a_city_passes_nothing_else(text: str) -> None:
    assert not passes(text, city=None)


def test_nan_is_neither_above_nor_below_nor_equal_to_a_number() -> None:
    assert not any(passes(f"ratio {operator} 1", ratio=math.nan) for operator in ("==", "<", "<=", ">", ">="))
    assert passes("ratio != 1", ratio=math.nan)
    assert not passes("ratio IS NULL", ratio=math.nan)


def test_not_binds_before_and_and_and_before_or() -> None:
    assert passes("visits == 1 OR visits == 2 AND visits == 3", visits=1)
    assert not passes("(visits == 1 OR visits == 2) AND visits == 3", visits=1)
    assert not passes("NOT visits == 1 AND visits == 1", visits=2)


def test_the_empty_filter_passes_every_row_and_its_opposite_none() -> None:
    assert holds(EVERY_ROW, {})
    assert not holds(NO_ROW, {})


def test_a_name_not_resolved_means_nothing() -> None:
    with pytest.raises(ValueError, match="resolve the filter first"):
        holds(Named("BOTS"), {})
