"""docs/api/bitbroker.md: its commands are answered, and its tables name all there is."""

from export_pipeline.contributions.sessions import Mode
from export_pipeline.contributions.text_formats import FORMATS
from export_pipeline.settings import Settings
from export_pipeline_tests.api.conftest import Api
from export_pipeline_tests.api.conftest import api as api
from export_pipeline_tests.docs.commands import answers_of
from export_pipeline_tests.docs.pages import page, tables

PAGE = "api/bitbroker.md"


def test_the_commands_are_answered(api: Api) -> None:
    key = api.key(api.organization())

    told = [one for one in answers_of(PAGE, URL=api.url, KEY=key) if one is not None]

    upserted, deleted, shown, seen = told
    assert (upserted.keys(), deleted.keys()) == ({"GB", "FR"}, {"FR"})
    assert (shown["is_live"], shown["in_session"]) == (True, False)
    assert [(one["id"], one["name"]) for one in seen] == [(upserted["GB"], "United Kingdom")]


def test_its_bases_are_those_of_the_settings() -> None:
    parts, *_ = tables(page(PAGE))

    for part, base, setting, *_ in parts:
        assert Settings.model_fields[f"{part}_base"].default == base
        assert setting == f"EXPORT_PIPELINE_{part.upper()}_BASE"


def test_every_mode_and_format_is_named() -> None:
    *_, modes, _ = tables(page(PAGE))

    assert {row[0] for row in modes} == {*Mode}
    assert all(f"`{name}`" in page(PAGE) for name in FORMATS)
