"""A run over hours of one export: the three stages, each over a chunk of hours, and the ledger.

Nothing here knows who started the run; Dagster's ops call the three methods in turn, and so do tests.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.due import check_settled
from export_pipeline.exports.export import Export
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.plan import TablePlan
from export_pipeline.extract.source import Source
from export_pipeline.pipeline.beginning import BegunObjects, place_of
from export_pipeline.pipeline.chunk import Chunk, HourWaits, WaitsAfter, Worker, never
from export_pipeline.pipeline.claiming import BEGINS, GOES_ON, Claims, TakenHours
from export_pipeline.pipeline.delivering import deliver_hour
from export_pipeline.pipeline.doubting import Doubt
from export_pipeline.pipeline.enriching import enrich
from export_pipeline.pipeline.extracting import extract_hour
from export_pipeline.pipeline.formatting import format_hour
from export_pipeline.pipeline.hours import DeliveredHour, FormattedHour, StagedHour
from export_pipeline.pipeline.joining import extract_range
from export_pipeline.pipeline.recording import Overtaken, record_hour
from export_pipeline.pipeline.side_files import SideFiles
from export_pipeline.pipeline.staging import Staging, discard
from export_pipeline.pipeline.watching import always_wanted, stopped_when
from export_pipeline.store.connectors import StoredConnector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import HourFailure, every_revision, write_failure
from export_pipeline.store.waits import forget_wait
from export_pipeline.windows import HourRange, HourWindow

LOG = logging.getLogger(__name__)

# The first stage with the source it needs, for a later stage that misses what the first one staged.
ReadAgain = Callable[[Sequence[HourWindow]], Chunk[StagedHour]]

Hour = TypeVar("Hour", bound=StagedHour | FormattedHour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run's work on one export. `connector` may be the reason why there is none to be used.

    `proven_since` None leaves hours alone that are delivered; a moment leaves those alone that a run found
    in place since then (so a forced run that is taken up again does not begin anew). `check` checks the
    connector and notes what comes of that; `notes_waits` and `configuration` are as for `Claims`. Once it is
    `unwanted`, a stage stops within seconds and raises Cancelled; what is visible of an hour is made whole.
    """

    control: sa.Engine
    export: Export
    connector: ConnectorConfig | ExportPipelineError
    staging: Staging
    lease: timedelta
    hours_at_once: int
    check: Callable[[StoredConnector], object]
    notes_waits: bool = True
    configuration: int | None = None
    proven_since: datetime | None = None
    unwanted: Callable[[], bool] = always_wanted
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def run_id(self) -> str:
        return self.staging.run_id

    def extract(
        self, source: Source, plans: Sequence[TablePlan], windows: Sequence[HourWindow]
    ) -> Chunk[StagedHour]:
        """Stage the rows of every hour that is not delivered yet."""
        if isinstance(self.connector, ExportPipelineError):
            return self.refuse("extract", windows, self.connector)
        row_limit = self.connector.row_limit
        contributed = [plan.table.name for plan in plans if plan.table.contributed]

        def extract(window: HourWindow) -> StagedHour | None:
            if window not in taken.mine:
                return None
            check_settled(self.export.definition, window, datetime.now(UTC))
            folder = self.staging.folder(self.export.id, window)
            progress = self._claims.progress(self.export, window, "extract")
            enrich(self.control, self.export.organization, contributed, window, self.stop)
            read = partial(extract_hour, source, plans, row_limit=row_limit, stop=self.stop)
            if isinstance(window, HourRange):
                return extract_range(
                    window,
                    folder,
                    [plan.table.name for plan in plans],
                    read,
                    self._worker,
                    row_limit=row_limit,
                    first_rows=self.export.definition.row_limit,
                    progress=progress,
                )
            return read(window, folder, progress=progress)

        worker = self._worker
        if self.export.definition.layout is FileLayout.SINGLE:
            # Its hours are tried again one by one.
            worker = replace(worker, seconds_before_retries=())
        with self._at_work():
            taken = self._take(windows)
            left = [window for window in windows if window not in taken.waiting]
            done = worker.work("extract", left, lambda window: window, extract)
            return done.after(Chunk((), waiting=taken.waiting))

    def format(self, chunk: Chunk[StagedHour], read_again: ReadAgain | None = None) -> Chunk[FormattedHour]:
        """Write the files of every staged hour. Hours whose staged files are gone are read again first;
        without `read_again` they fail.
        """

        def format_(staged: StagedHour) -> FormattedHour | None:
            if staged.window not in taken.mine:
                return None
            progress = self._claims.progress(self.export, staged.window, "format")
            return format_hour(staged, self.export.definition.format, progress=progress)

        chunk = _whole(chunk, read_again)
        with self._at_work():
            taken, chunk = self._take_again(chunk)
            return self._worker.work("format", chunk.done, _window_of, format_).after(chunk)

    def deliver(
        self,
        chunk: Chunk[FormattedHour],
        on_delivered: Callable[[DeliveredHour], None],
        read_again: ReadAgain | None = None,
    ) -> Chunk[DeliveredHour]:
        """Deliver and record every formatted hour; `on_delivered` hears of each, in the calling thread.

        Hours whose files are gone are read and formatted again first; without `read_again` they fail.
        """

        def deliver(formatted: FormattedHour) -> DeliveredHour | None:
            window = formatted.window
            if window not in taken.mine:
                return None
            if self._waits(window, unless=GOES_ON):
                raise HourWaits
            with reading(self.control) as connection:
                known = every_revision(connection, self.export.id, window.start)
            progress = self._claims.progress(self.export, window, "upload")
            side_files.place(formatted, still_ours=lambda: self._still_goes_there(window))
            delivered = deliver_hour(
                formatted,
                self.export,
                destination,
                known,
                still_ours=lambda: self._still_goes_there(window),
                before_change=lambda: self._claims.doubt(self.export, window),
                begun=BegunObjects(
                    control=self.control,
                    export=self.export,
                    window=window,
                    run_id=self.run_id,
                    place=place,
                ),
                progress=progress,
                where=place,
            )
            try:
                record_hour(
                    self.control, self.export, delivered, self.run_id, self.configuration, place=place
                )
            except Overtaken as overtaken:
                self._waits(window, unless=GOES_ON)
                raise HourWaits from overtaken
            discard(formatted.files[0].path.parent)
            return delivered

        def told(hour: DeliveredHour) -> None:
            # Held until then: another run that finds the hour delivered would tell of it as well.
            on_delivered(hour)
            self._claims.give_up(self.export, hour.window)

        doubt = Doubt(self.control, self.export.connector_id, self.check)

        def waits_after(error: BaseException, window: HourWindow) -> bool:
            return doubt.raised_by(error) and self._waits(window, unless=BEGINS)

        chunk = _whole(chunk, read_again and (lambda windows: self.format(read_again(windows))))
        with self._at_work():
            taken, chunk = self._take_again(chunk)
            try:
                if isinstance(self.connector, ExportPipelineError):
                    raise self.connector
                destination = self.connector.open()
                place = place_of(self.connector, self.export.id)
                side_files = SideFiles(self.export, destination, self.connector.location)
            except ExportPipelineError as error:
                windows = [hour.window for hour in chunk.done]
                return self.refuse("upload", windows, error, waits_after).after(chunk)
            return self._worker.work(
                "upload", chunk.done, _window_of, deliver, told, waits_after=waits_after
            ).after(chunk)

    def refuse(
        self,
        stage: str,
        windows: Sequence[HourWindow],
        error: ExportPipelineError,
        waits_after: WaitsAfter = never,
    ) -> Chunk[Any]:
        """Fail hours for a reason that they have in common: the export's definition, its connector."""

        def fail(_window: HourWindow) -> None:
            raise error

        return self._worker.work(stage, windows, lambda window: window, fail, waits_after=waits_after)

    def _take(self, windows: Sequence[HourWindow]) -> TakenHours:
        """The hours that are to be done; nothing is kept of those that wait."""
        taken = self._claims.take_all(self.export, windows, proven_since=self.proven_since)
        for window in taken.waiting:
            self.staging.drop(self.export.id, window)
        return taken

    def _take_again(self, chunk: Chunk[Hour]) -> tuple[TakenHours, Chunk[Hour]]:
        """The hours of an earlier stage: ours still, or, when another process did that stage, taken now. And
        the chunk in which those that wait are moved to their like.
        """
        taken = self._take([hour.window for hour in chunk.done])
        left = tuple(hour for hour in chunk.done if hour.window not in taken.waiting)
        return taken, Chunk(left, waiting=taken.waiting).after(chunk)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """The run keeps its claims, and stops once nobody wants it any more."""
        with stopped_when(self.unwanted, self.stop), self._claims.kept_alive():
            yield

    @property
    def _claims(self) -> Claims:
        return Claims(self.control, self.run_id, self.lease, self.stop, self.notes_waits, self.configuration)

    @property
    def _worker(self) -> Worker:
        return Worker(self.export.id, self.run_id, self.hours_at_once, self.stop, self._note_failure)

    def _still_goes_there(self, window: HourWindow) -> None:
        """Conflict when the hour is another run's by now, HourWaits when its connector leads elsewhere."""
        self._claims.check(self.export, window)
        if self._claims.overtaken(self.export):
            self._waits(window, unless=GOES_ON)
            raise HourWaits

    def _waits(self, window: HourWindow, *, unless: frozenset[ConnectorState]) -> bool:
        """Whether an hour of ours has to wait for the connector, unless that is in one of these states."""
        waits = self._claims.waits(self.export, window, proven_since=self.proven_since, unless=unless)
        if waits:
            self.staging.drop(self.export.id, window)
        return waits

    def _note_failure(self, failure: HourFailure, window: HourWindow) -> None:
        with writing(self.control) as connection:
            write_failure(connection, failure)
            forget_wait(connection, self.export.id, window.start)  # wanted still, but not for its connector
        self.staging.drop(self.export.id, window)
        self._claims.give_up(self.export, window)


def _whole(chunk: Chunk[Hour], make: Callable[[Sequence[HourWindow]], Chunk[Hour]] | None) -> Chunk[Hour]:
    """The chunk with all its files: hours whose files are gone are made again.

    As when the stage before was another machine's, or somebody cleared the staging folder.
    """
    gone = [hour.window for hour in chunk.done if not hour.on_disk]
    if not gone or make is None:
        return chunk
    LOG.warning("staged files are gone, the source is read again: %s", ", ".join(w.key for w in gone))
    made = make(gone)
    there = [hour for hour in chunk.done if hour.window not in gone]
    return Chunk((*there, *made.done), made.found, made.failed, made.waiting).after(chunk)


def _window_of(hour: StagedHour | FormattedHour) -> HourWindow:
    return hour.window
