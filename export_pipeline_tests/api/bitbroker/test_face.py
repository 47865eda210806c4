"""Which addresses are the face's, and which it may not have."""

from pathlib import Path

import pytest

from export_pipeline.api.app import FACES, faces_of
from export_pipeline.errors import ExportPipelineError
from export_pipeline.settings import Settings


def owner(path: str, settings: Settings) -> str:
    return next(face.name for face in faces_of(settings) if face.has(path))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1", "bitbroker"),
        ("/v1/entity/country", "bitbroker"),
        ("/v1/nothing", "bitbroker"),
        ("/contributor/v1/connector/x/session/open/stream", "bitbroker"),
        ("/consumer/v1/entity", "bitbroker"),
        ("/v1/analytics/exports", "bitmovin"),
        ("/v1/jobs", "botify"),
        ("/v1/connectors/acme", "botify"),
        ("/connectors", "managed"),
        ("/api/v1/keys", "native"),
        ("/v1x", "native"),
        ("/contributor", "native"),
    ],
)
def test_it_has_what_is_below_its_bases_and_no_others(path: str, name: str, settings: Settings) -> None:
    assert owner(path, settings) == name


def test_settings_move_it(settings: Settings) -> None:
    moved = settings.model_copy(update={"coordinator_base": "/bbk"})

    assert owner("/bbk/entity", moved) == "bitbroker"
    assert owner("/v1/entity", moved) == "native"


@pytest.mark.parametrize("base", ["/api", "/api/v1", "/connectors", "/v1/jobs", "/docs", "/rest/v15/x"])
def test_it_is_not_moved_onto_another_face(base: str, settings: Settings) -> None:
    with pytest.raises(ExportPipelineError, match=r"belongs to the \w+ face; choose another"):
        faces_of(settings.model_copy(update={"consumer_base": base}))


def test_the_native_face_has_what_is_nobodys() -> None:
    assert FACES[-1].has("/whatever")
