"""Contribution sessions: how what is sent in one becomes part of what its connector contributed.

A stream's changes count at once. An accrual's and a replacement's count when it is closed, all together or,
if it is not to count or is never closed, not at all; of a replacement everything else goes.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from export_pipeline.contributions.conforming import Checked
from export_pipeline.contributions.mistakes import reject


class Mode(StrEnum):
    """How a session's changes come to count."""

    ACCRUE = "accrue"
    STREAM = "stream"
    REPLACE = "replace"


class Action(StrEnum):
    """What is to be done with what is sent."""

    UPSERT = "upsert"
    DELETE = "delete"


_MODE = Checked({"enum": [*Mode]})
_ACTION = Checked({"enum": [*Action]})
_COMMIT = Checked({"enum": ["true", "false"]})


def mode_of(word: str) -> Mode:
    """The mode that an address names."""
    reject(_MODE.mistakes(word.lower(), "mode"))
    return Mode(word.lower())


def action_of(word: str) -> Action:
    """The action that an address names."""
    reject(_ACTION.mistakes(word.lower(), "action"))
    return Action(word.lower())


def commit_of(word: str) -> bool:
    """Whether a session that is closed is to count, as an address says."""
    reject(_COMMIT.mistakes(word.lower(), "commit"))
    return word.lower() == "true"


def lapsed(last_used_at: datetime, now: datetime, idle: timedelta) -> bool:
    """Whether nobody used a session for so long that it was rolled back."""
    return last_used_at + idle <= now
