"""One installation, opened: control database, dataset, source and connectors, as the settings name them."""

import logging
import os
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD, DirectDownloadConfig, part_of
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.own_folders import keep_out_of
from export_pipeline.connectors.role_service import ask_at
from export_pipeline.connectors.unfinished import keep_in
from export_pipeline.connectors.vendor_logs import silence
from export_pipeline.control.connectors import check_connector
from export_pipeline.control.declaring import declare_connectors, difference
from export_pipeline.control.estimates import estimate_rows
from export_pipeline.control.organizations import give_organization
from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.dataset.environment import filled
from export_pipeline.dataset.tables import Dataset
from export_pipeline.documents import read_document
from export_pipeline.errors import (
    ExportPipelineError,
    InvalidRequest,
    NotFound,
    PermanentFailure,
    TransientFailure,
)
from export_pipeline.exports.export import DEFAULT_ORGANIZATION
from export_pipeline.exports.plan import TablePlan, derived_tables
from export_pipeline.extract.derived import DerivedSource
from export_pipeline.extract.sources import open_source
from export_pipeline.settings import Settings
from export_pipeline.store.connector_states import note_check
from export_pipeline.store.connectors import (
    StoredConnector,
    check_key,
    connector_config,
    get_connector,
    lock_declared,
    organizations_without,
)
from export_pipeline.store.contributed_tables import contributed_tables, with_contributed
from export_pipeline.store.database import open_control_database, reading, upgrade, writing
from export_pipeline.store.declared_connectors import declared_config
from export_pipeline.store.encryption import SecretKey, secret_key
from export_pipeline.store.exports import get_export
from export_pipeline.store.organizations import list_organizations

LOG = logging.getLogger(__name__)

DOWNLOADS = "EXPORT_PIPELINE_DOWNLOADS"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the entry points work with. `environ` holds the source's URL under the name the dataset gives, and
    what declared connectors take from it.
    """

    settings: Settings
    environ: Mapping[str, str] = field(repr=False)  # it holds secrets, ours and others'
    control: sa.Engine
    secret_key: SecretKey

    @property
    def dataset(self) -> Dataset:
        """The declaration, read anew: whoever edits it need not restart anything."""
        return load_dataset(self.settings.dataset_path, self.environ)

    def dataset_of(self, organization: str) -> Dataset:
        """The same with what was contributed to the organization, which is no other's to see."""
        dataset = self.dataset
        with reading(self.control) as connection:
            contributed = contributed_tables(connection, organization)
        return replace(dataset, tables=with_contributed(dataset.tables, contributed))

    def url_of(self, plans: Sequence[TablePlan]) -> str:
        """Where the tables of the plans are: what was contributed is in our own database."""
        return self.settings.control_database_url if derived_tables(plans) else self.source_url

    @property
    def source_url(self) -> str:
        """The source's URL, from the environment variable that the dataset names.

        PermanentFailure if there is none. Customers read it: where the declaration lies is the operator's.
        """
        variable = self.dataset.url_variable
        if variable is None:
            raise PermanentFailure(
                f"{self.settings.dataset_path.name} declares no source; add [source] and [tables], or export"
                " what is contributed"
            )
        try:
            return self.environ[variable]
        except KeyError as error:
            raise PermanentFailure(
                f"{variable} is not set; set it to the source's URL, like"
                " postgresql://user:password@host/database, where this runs"
            ) from error

    @property
    def claim_lease(self) -> timedelta:
        return timedelta(seconds=self.settings.claim_seconds)

    @property
    def statement_limit(self) -> timedelta:
        return timedelta(seconds=self.settings.statement_seconds)

    def connector(self, id_: str) -> ConnectorConfig:
        """A connector's configuration, credentials and all.

        The way out that is always there leads to where the settings of this process say, a declared one to
        where its declaration and the environment of this process say.
        """
        with reading(self.control) as connection:
            stored = get_connector(connection, id_)
            if stored.type == DIRECT_DOWNLOAD:
                return self.direct_download(stored.organization, stored.id, stored.name)
            if not stored.declared:
                return connector_config(connection, self.secret_key, id_)
        return declared_config(self.dataset, stored)

    def estimate(
        self, organization: str, plans: Sequence[TablePlan], since: datetime, until: datetime
    ) -> Mapping[str, int]:
        """The rows of each table in `[since, until)`, counted at the source for an organization."""
        source = DerivedSource(open_source(self.url_of(plans), self.statement_limit), derived_tables(plans))
        try:
            return estimate_rows(source, plans, since, until, organization=organization)
        finally:
            source.close()

    def direct_download(self, organization: str, id_: str, name: str) -> DirectDownloadConfig:
        """The operator's store, read anew, and the part of it that is the organization's, or the connector's
        if it is one that the organization has made besides, and may have deleted. No organization has a dot
        in its name.
        """
        whose = organization if name == DIRECT_DOWNLOAD else f"{organization}.{id_}"
        place = self.settings.downloads_document
        try:
            if place is None:
                store: Mapping[str, Any] = {"type": "folder", "path": self.settings.downloads_folder}
            else:
                store = filled(read_document(str(place), field=DOWNLOADS), self.environ)
            config = config_from({"type": DIRECT_DOWNLOAD, "store": store})
        except InvalidRequest as error:
            problem = str(error).removeprefix(f"{DOWNLOADS}: ")
        else:
            assert isinstance(config, DirectDownloadConfig)
            return config.model_copy(update={"store": part_of(config.store, whose)})
        # Customers read it where a check failed by it: where the document lies is the operator's.
        problem = problem.replace(str(place), "the document")
        raise InvalidRequest(f"{DOWNLOADS}: {problem}", field=DOWNLOADS)

    def check(self, connector: StoredConnector, steps: list[CheckStep] | None = None) -> None:
        """Check a connector now, and note what that makes of it; `steps` is told of each as it ends."""
        told = [] if steps is None else steps
        try:
            for step in check_connector(self.control, connector, self.connector(connector.id)):
                told.append(step)
        except NotFound:
            return  # deleted in the meantime
        except ExportPipelineError as error:  # it could not even be opened
            passes = isinstance(error, TransientFailure)
            told.append(self.note_failed_check(connector, f"{error}.", passes=passes))
        except Exception as error:
            # Unnoted, it would be due again at once, for ever. Its text may hold anything.
            message = f"The check broke off ({type(error).__name__}): this is a bug, please report it."
            told.append(self.note_failed_check(connector, message, passes=True))
            raise

    def check_if_new(self, export_id: str) -> None:
        """Check the connector that an export goes through, if it is a declared one that starts and is due.

        Whoever makes one by a command has it checked in the same breath. This one is made by a file, and
        without the daemon nobody else looks at it.
        """
        with reading(self.control) as connection:
            connector = get_connector(connection, get_export(connection, export_id).connector_id)
        self.checked_if_new(connector)

    def checked_if_new(self, connector: StoredConnector) -> StoredConnector:
        """The connector as it is then; if its check failed for now, it is checked again when that is due."""
        due = connector.next_check_at is None or connector.next_check_at <= datetime.now(UTC)
        if not (connector.declared and connector.state is ConnectorState.STARTING and due):
            return connector
        self.check(connector)
        with reading(self.control) as connection:
            return get_connector(connection, connector.id)

    def check_within(self, connector: StoredConnector, seconds: float) -> Sequence[CheckStep]:
        """Check a connector and wait so long for its steps; of one that has not ended by then that is noted.

        Its thread is left behind, and what it finds comes too late to be noted; it does not keep the process.
        """
        steps: list[CheckStep] = []

        def checked() -> None:
            try:
                self.check(connector, steps)
            except Exception as error:
                # It is noted. A thread tells the text by itself, and that may hold anything.
                LOG.error("a check broke off with %s", type(error).__name__)  # noqa: TRY400

        thread = threading.Thread(target=checked, name=f"check of {connector.name}", daemon=True)
        thread.start()
        thread.join(seconds)
        if not thread.is_alive():
            return steps
        message = f"The check has not ended within {seconds:.0f} seconds."
        return [*steps, self.note_failed_check(connector, message, passes=True)]

    def note_failed_check(self, connector: StoredConnector, message: str, *, passes: bool) -> CheckStep:
        """Note that a check came to nothing before its first step, or was not awaited."""
        step = CheckStep(name="check", ok=False, message=message, passes=passes)
        with writing(self.control) as connection:
            spread = random.random()  # noqa: S311 -- spreads checks, guards nothing
            note_check(connection, connector, [step], now=datetime.now(UTC), spread=spread)
        return step

    def close(self) -> None:
        self.control.dispose()


def open_deployment(settings: Settings, environ: Mapping[str, str] = os.environ) -> Deployment:
    """Bring the control database up to date and make sure every organization can export at once.

    The default organization is made; another one has to be there. Where nothing is missing, nothing is
    written.
    """
    allow(settings.allowed_networks)
    ask_at(settings.sts_endpoint_url)
    silence()
    keep_in(settings.unfinished_folder)
    keep_out_of(settings.own_folders)
    control = open_control_database(settings.control_database_url)
    upgrade(control)
    deployment = Deployment(settings, environ, control, key_of(settings))
    with reading(control) as connection:
        check_key(connection, deployment.secret_key)
        organizations = list_organizations(connection)
        lacking = organizations_without(connection, DIRECT_DOWNLOAD)
    if settings.organization not in {DEFAULT_ORGANIZATION, *organizations}:
        raise NotFound(
            f"there is no organization {settings.organization!r};"
            f" make it with: export-pipeline organization create {settings.organization}"
        )
    if lacking or DEFAULT_ORGANIZATION not in organizations:
        with writing(control) as connection:
            for organization in (DEFAULT_ORGANIZATION, *organizations_without(connection, DIRECT_DOWNLOAD)):
                give_organization(connection, deployment.secret_key, organization)
    _declare_connectors(deployment)
    return deployment


def key_of(settings: Settings) -> SecretKey:
    """The keys that seal stored credentials: given, or those of the file, which is made when needed."""
    given = settings.secret_key.get_secret_value() if settings.secret_key else None
    return secret_key(given, settings.key_file)


def _declare_connectors(deployment: Deployment) -> None:
    """Make the connectors known that are declared. A mistake there keeps nobody from using the others."""
    dataset = _declaration(deployment)
    if dataset is None:
        return
    with reading(deployment.control) as connection:
        found = difference(connection, dataset)
    for problem in found.problems:
        LOG.warning("a declared connector is not used: %s", problem)
    if found.to_do:
        with writing(deployment.control) as connection:
            lock_declared(connection)
            # Once more: it may have been edited, and that been noted, while we waited for the lock.
            if dataset := _declaration(deployment):
                declare_connectors(connection, dataset)


def _declaration(deployment: Deployment) -> Dataset | None:
    """What can be read of it; whoever needs something of it is told, with all that is wrong."""
    if not deployment.settings.dataset_path.exists():
        return None
    try:
        return deployment.dataset
    except InvalidRequest:
        return None
