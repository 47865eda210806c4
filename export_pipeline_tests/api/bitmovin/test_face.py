"""Which addresses are the face's."""

import pytest

from export_pipeline.api.app import FACES
from export_pipeline.api.bitmovin.face import BITMOVIN


@pytest.mark.parametrize("path", ["/v1/analytics/exports/", "/v1/analytics/outputs/azure", "/v1/analytics"])
def test_what_is_below_analytics_is_its_own(path: str) -> None:
    assert next(face for face in FACES if face.has(path)) is BITMOVIN


@pytest.mark.parametrize("path", ["/v1/jobs", "/api/v1/keys", "/v1/analytics-of-others"])
def test_what_is_not_is_others(path: str) -> None:
    assert not BITMOVIN.has(path)
