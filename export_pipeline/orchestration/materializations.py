"""What Dagster is told of an hour: one materialization per revision, with what a person wants to see."""

from collections.abc import Mapping, Sequence

import dagster as dg
import sqlalchemy as sa

from export_pipeline.exports.export import Export
from export_pipeline.orchestration.names import asset_key
from export_pipeline.pipeline.hours import DeliveredHour
from export_pipeline.receipts.receipt import Receipt, receipt_from
from export_pipeline.store.database import reading
from export_pipeline.store.ledger import LedgerEntry, latest_entries
from export_pipeline.windows import ONE_HOUR, HourWindow

REVISION = "revision"


class Materializer:
    """Tells Dagster of delivered hours, from within the op that delivers them."""

    def __init__(self, context: dg.OpExecutionContext, export: Export, control: sa.Engine) -> None:
        self._context = context
        self._export = export
        self._control = control

    def delivered(self, hour: DeliveredHour) -> None:
        """An hour was delivered just now, or delivered again and found unchanged."""
        if hour.changed:
            self._tell(hour.window, _metadata(hour.receipt, hour.receipt_key, hour.seconds))
        else:
            self.found([hour.window])

    def found(self, windows: Sequence[HourWindow]) -> None:
        """Hours were delivered before. Told all the same if the run that did it died before it could."""
        if not windows:
            return
        keys = ", ".join(window.key for window in windows)
        self._context.log.info(f"delivered already, and left as they are: {keys}")
        if not self._export.standing:
            return
        told = self._told(windows)
        with reading(self._control) as connection:
            entries = latest_entries(
                connection, self._export.id, windows[0].start, windows[-1].start + ONE_HOUR
            )
        wanted = {window.start: window for window in windows}
        for entry in entries:
            window = wanted.get(entry.hour)
            if window is not None and told.get(window.key) != entry.revision:
                self._tell(window, _metadata(_receipt_of(entry), entry.receipt_key, entry.seconds))

    def _told(self, windows: Sequence[HourWindow]) -> dict[str, object]:
        """Per hour, the revision Dagster was told of last."""
        records: list[dg.EventLogRecord] = []
        cursor = None
        while True:
            page = self._context.instance.fetch_materializations(
                dg.AssetRecordsFilter(
                    asset_key=asset_key(self._export), asset_partitions=[window.key for window in windows]
                ),
                limit=1000,
                cursor=cursor,
                ascending=True,
            )
            records += page.records
            if not page.has_more:
                break
            cursor = page.cursor
        return {
            record.asset_materialization.partition: record.asset_materialization.metadata[REVISION].value
            for record in records
            if record.asset_materialization is not None
            and record.asset_materialization.partition is not None
            and REVISION in record.asset_materialization.metadata
        }

    def _tell(self, window: HourWindow, metadata: Mapping[str, dg.MetadataValue]) -> None:
        if self._export.standing:
            self._context.log_event(
                dg.AssetMaterialization(
                    asset_key=asset_key(self._export), partition=window.key, metadata=metadata
                )
            )
        else:
            self._context.log.info(f"delivered {window.key}: {metadata['rows'].value} rows")


def _receipt_of(entry: LedgerEntry) -> Receipt:
    return receipt_from(entry.receipt.encode(), entry.receipt_key)


def _metadata(receipt: Receipt, receipt_key: str, seconds: float) -> Mapping[str, dg.MetadataValue]:
    files = dg.TableMetadataValue(
        records=[
            dg.TableRecord(
                {
                    "table": file.table,
                    "path": file.key,
                    "rows": file.rows,
                    "bytes": file.bytes,
                    "sha256": file.sha256,
                }
            )
            for file in receipt.files
        ],
        schema=dg.TableSchema(
            columns=[
                dg.TableColumn("table", "string"),
                dg.TableColumn("path", "string"),
                dg.TableColumn("rows", "int"),
                dg.TableColumn("bytes", "int"),
                dg.TableColumn("sha256", "string"),
            ]
        ),
    )
    only = receipt.files[0] if len(receipt.files) == 1 else None
    single = (
        {"path": dg.MetadataValue.text(only.key), "sha256": dg.MetadataValue.text(only.sha256)}
        if only
        else {}
    )
    return {
        "rows": dg.MetadataValue.int(receipt.rows),
        "bytes": dg.MetadataValue.int(sum(file.bytes for file in receipt.files)),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
        **single,
        "receipt": dg.MetadataValue.text(receipt_key),
        REVISION: dg.MetadataValue.int(receipt.revision),
        "snapshot": dg.MetadataValue.text(receipt.snapshot),
        "files": files,
    }
