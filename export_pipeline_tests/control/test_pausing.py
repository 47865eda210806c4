"""Pausing an export, and going on with it."""

from pathlib import Path

import pytest

from export_pipeline.control.pausing import pause_export, resume_export
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline.store.audit import audit_page
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.pages import PageRequest
from export_pipeline_tests.installations import an_installation


def test_an_export_rests_and_goes_on_and_that_is_noted(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        installation.export("events")
        control = installation.deployment.control
        with writing(control) as connection:
            assert pause_export(connection, "default", "events").paused
            assert pause_export(connection, "default", "events").paused  # as it is already
            assert find_export(connection, "default", "events").paused
            assert not resume_export(connection, "default", "events").paused
        with reading(control) as connection:
            resumed, _, paused, *_ = audit_page(connection, "default", PageRequest()).items

    assert (paused.action, resumed.action) == ("export.pause", "export.resume")
    assert (paused.before or {})["paused"] is False
    assert (paused.after or {})["paused"] is True


def test_what_does_not_recur_cannot_be_paused(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        installation.export("events", standing=False)
        with writing(installation.deployment.control) as connection:
            with pytest.raises(InvalidRequest, match="for tasks only"):
                pause_export(connection, "default", "events")
            with pytest.raises(NotFound):
                resume_export(connection, "default", "nothing")
