"""What became of the hours of a run: told chunk by chunk, judged when the last chunk is through."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

from export_pipeline.pipeline.chunk import Chunk
from export_pipeline.pipeline.hours import DeliveredHour
from export_pipeline.store.ledger import HourFailure
from export_pipeline.windows import HourWindow

# Enough to see what is wrong. An event that names a year of hours would be megabytes of the same sentence.
FAILURES_NAMED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hours `delivered` by the run (each read back from the destination as it was put there), `found` there
    since an earlier run, and `failed`; `waiting` for the connector. Small, as a run keeps those of all its
    chunks.

    `rows` and `miscounted` are of the delivered hours: how many, and where counts differ.
    """

    delivered: tuple[HourWindow, ...] = ()
    found: tuple[HourWindow, ...] = ()
    failed: tuple[HourFailure, ...] = ()
    waiting: tuple[HourWindow, ...] = ()
    rows: int = 0
    miscounted: tuple[str, ...] = ()

    @classmethod
    def of(cls, chunk: Chunk[DeliveredHour]) -> "Outcome":
        """What became of a chunk's hours."""
        return cls(
            delivered=tuple(hour.window for hour in chunk.done),
            found=chunk.found,
            failed=chunk.failed,
            waiting=chunk.waiting,
            rows=sum(hour.receipt.rows for hour in chunk.done),
            miscounted=tuple(
                f"{hour.receipt_key}: {sentence}"
                for hour in chunk.done
                for sentence in hour.receipt.unreconciled
            ),
        )

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            delivered=self.delivered + other.delivered,
            found=self.found + other.found,
            failed=self.failed + other.failed,
            waiting=self.waiting + other.waiting,
            rows=self.rows + other.rows,
            miscounted=self.miscounted + other.miscounted,
        )

    @property
    def hours(self) -> int:
        """How many were worked on."""
        return len(self.delivered) + len(self.found) + len(self.failed)

    def untold(self, windows: Sequence[HourWindow]) -> tuple[HourWindow, ...]:
        """Those of the hours of which nothing is told."""
        told = {window.start for window in self.delivered + self.found + self.waiting}
        told |= {one.hour for one in self.failed}
        return tuple(window for window in windows if window.start not in told)

    def raise_for_undelivered(self, waits_for: str) -> None:
        """Fail the op, and with it the run, if hours failed or wait; name them, each with its reason.

        `waits_for` says for what hours wait.
        """
        lines: list[str] = []
        if self.failed:
            failed = sorted(self.failed, key=lambda failure: failure.hour)
            lines += self._shares()
            lines += [described(failure) for failure in failed[:FAILURES_NAMED]]
            if (more := len(failed) - FAILURES_NAMED) > 0:
                lines.append(f"and {more} more; `export-pipeline export show --json` has them all")
        if self.waiting:
            lines.append(f"{hours_wait(len(self.waiting))} for {waits_for}")
        if not lines:
            return
        raise dg.Failure(
            "\n".join(lines),
            metadata={"failed_hours": len(self.failed), "waiting_hours": len(self.waiting)},
            # What was worth retrying has been retried, hour by hour; what waits is taken up when it can be.
            allow_retries=False,
        )

    def _shares(self) -> Iterator[str]:
        """How many failed, if there is more to say than what the line of the only one says."""
        failed, all_ = len(self.failed), self.hours + len(self.waiting)
        if failed < all_:
            others = "are delivered, or wait" if self.waiting else "are delivered"
            yield f"{failed} of {all_} hours failed; the others {others}."
        elif all_ > 1:
            yield f"All {all_} hours failed."


def hours_wait(number: int) -> str:
    """`1 hour waits`, `2 hours wait`."""
    return "1 hour waits" if number == 1 else f"{number:,} hours wait"


def described(failure: HourFailure) -> str:
    """The hour, where it failed, what to do next (retry, configure, report), and why."""
    return f"{HourWindow(failure.hour).key} ({failure.stage}, {failure.kind}): {failure.message}"
