"""Which addresses are a face's."""

import pytest
from fastapi import Response

from export_pipeline.api.face import Face


@pytest.mark.parametrize(
    ("prefix", "path", "has"),
    [
        ("/v1/analytics", "/v1/analytics", True),
        ("/v1/analytics", "/v1/analytics/exports/", True),
        ("/v1/analytics", "/v1/analyticsx", False),
        ("/v1/analytics", "/v1", False),
        ("", "/anything", True),
    ],
)
def test_an_address_is_a_faces_or_below_it(prefix: str, path: str, has: bool) -> None:
    face = Face(name="a", prefixes=(prefix,), routers=(), answer=lambda _request, _problem: Response())

    assert face.has(path) is has
