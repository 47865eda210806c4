"""docs/api/managed.md: its commands are answered, and its tables name all there is."""

import re

from export_pipeline.api.managed.storage import STORAGE
from export_pipeline_tests.api.conftest import Api
from export_pipeline_tests.api.conftest import api as api
from export_pipeline_tests.docs.commands import answers_of
from export_pipeline_tests.docs.pages import page, tables

PAGE = "api/managed.md"


def test_the_commands_are_answered(api: Api) -> None:
    answers = answers_of(PAGE, URL=api.url, KEY=api.key(api.organization(), "connectors:edit"))

    states = [answer and answer["state"] for answer in answers]
    assert states == ["STARTING", "STARTING", "STOPPED", "STARTING", "FAILED", None]


def test_every_field_is_named() -> None:
    (rows,) = tables(page(PAGE))
    named: dict[str, set[str]] = {}
    for kind, fields, notes in rows:
        named.setdefault(kind, set()).update(re.findall(r"[a-z]+(?:_[a-z]+)*", f"{fields} {notes}"))

    assert named.keys() == STORAGE.keys()
    for kind, words in named.items():
        assert {*STORAGE[kind].model_fields} <= words
