"""The deployment inside a run: opened once, closed at the end, and without a secret to show."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest

from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.errors import NotFound
from export_pipeline.orchestration.resources import DeploymentResource
from export_pipeline.store.database import reading
from export_pipeline_tests.installations import Installation


@contextmanager
def opened(resource: DeploymentResource | None = None) -> Iterator[DeploymentResource]:
    """The resource as a run has it."""
    with dg.build_resources({"deployment": resource or DeploymentResource()}) as resources:
        yield resources.deployment


def test_it_is_the_deployment_that_the_environment_names(installation: Installation) -> None:
    export = installation.export()
    with opened() as resource, reading(resource.deployment.control) as connection:
        assert resource.deployment.settings.home == installation.folder
        assert connection.exec_driver_sql("SELECT id FROM exports").scalar() == export.id


@pytest.mark.usefixtures("installation")
def test_it_is_opened_once_and_not_for_each_question() -> None:
    with opened() as resource:
        assert resource.deployment is resource.deployment
        first, second = resource.source([]), resource.source([])
        with first.snapshot(), second.snapshot():
            assert len(resource._sources) == 1


@pytest.mark.usefixtures("installation")
def test_after_the_run_it_is_closed() -> None:
    with opened() as resource:
        resource.source([])
    with pytest.raises(AssertionError, match="only while a run or a tick lasts"):
        _ = resource.deployment


def test_the_source_is_not_asked_for_before_an_hour_is_read(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planning and uploading work while it is away."""
    monkeypatch.delenv("EVENTS_URL")
    export = installation.export()
    with opened() as resource:
        assert isinstance(resource.connector(export.connector_id), DirectDownloadConfig)
        assert isinstance(resource.connector_or_why_not(export.connector_id), DirectDownloadConfig)
        assert isinstance(resource.connector_or_why_not("nobody"), NotFound)


@pytest.mark.usefixtures("installation")
def test_what_holds_for_all_of_a_run_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("of_a_run")
    with opened() as resource:
        for _ in range(3):
            resource.warn_once(log, "the source has columns that are not declared")
        resource.warn_once(log, "another thing")
    assert caplog.text.count("not declared") == 1
    assert "another thing" in caplog.text


def test_without_force_only_what_is_missing_is_delivered() -> None:
    assert not DeploymentResource().force


def test_force_is_all_that_can_be_configured_and_so_all_that_is_shown() -> None:
    assert {*DeploymentResource.model_fields} == {"force"}
