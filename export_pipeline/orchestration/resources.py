"""Dagster's way to our deployment. Fields of resources are shown and stored: so these hold no secret."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
from pydantic import Field, PrivateAttr

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.plan import TablePlan, derived_tables
from export_pipeline.extract.derived import DerivedSource
from export_pipeline.extract.source import Source
from export_pipeline.extract.sources import open_source
from export_pipeline.settings import Settings


class DeploymentResource(dg.ConfigurableResource["DeploymentResource"]):
    """The deployment, opened once per run. What it opens is named by the environment of the process."""

    force: bool = Field(
        default=False, description="Deliver again what is delivered already, instead of what is missing only."
    )
    _opened: Deployment | None = PrivateAttr(default=None)
    _sources: dict[str, Source] = PrivateAttr(default_factory=dict)
    _warned: set[str] = PrivateAttr(default_factory=set)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["DeploymentResource"]:  # noqa: ARG002
        self._opened = open_deployment(Settings())
        try:
            yield self
        finally:
            for source in self._sources.values():
                source.close()
            self._opened.close()
            self._opened = None
            self._sources.clear()

    @property
    def deployment(self) -> Deployment:
        assert self._opened is not None, "the resource is open only while a run or a tick lasts"
        return self._opened

    def source(self, plans: Sequence[TablePlan]) -> Source:
        """The database that the plans' tables are in, connected to when the first hour is read."""
        url = self.deployment.url_of(plans)
        if url not in self._sources:
            self._sources[url] = open_source(url, self.deployment.statement_limit)
        return DerivedSource(self._sources[url], derived_tables(plans))

    def warn_once(self, log: logging.Logger, text: str) -> None:
        """Log a warning, unless this run has done so: what holds for one chunk holds for the next, too."""
        if text not in self._warned:
            self._warned.add(text)
            log.warning("%s", text)

    def connector(self, connector_id: str) -> ConnectorConfig:
        """The connector with that id; its credentials stay in this process."""
        return self.deployment.connector(connector_id)

    def connector_or_why_not(self, connector_id: str) -> ConnectorConfig | ExportPipelineError:
        """The same; or, where it cannot be had, the error with which hours that go through it fail."""
        try:
            return self.connector(connector_id)
        except ExportPipelineError as error:
            return error
