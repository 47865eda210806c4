import math
from typing import TypeAlias

import pytest

from export_pipeline.extract.single import single

Held: TypeAlias = str | bytes | float | None


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        (0.1, 0.10000000149011612),
        (0.5, 0.5),
        (16777217.0, 16777216.0),
        (-0.0, -0.0),
        (math.inf, math.inf),
        (1e300, 1e300),
        (1e-300, 1e-300),
        ("text", "text"),
        (7, 7),
        (None, None),
    ],
)
def test_a_float_is_the_nearest_of_32_bits_and_all_else_is_itself(value: Held, nearest: Held) -> None:
    assert single(value) == nearest
