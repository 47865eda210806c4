"""The words of sessions, and when one that nobody uses is over."""

from datetime import UTC, datetime, timedelta

import pytest

from export_pipeline.contributions.mistakes import Rejected
from export_pipeline.contributions.sessions import Action, Mode, action_of, commit_of, lapsed, mode_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_words_are_taken_in_either_case() -> None:
    assert [mode_of(word) for word in ("stream", "ACCRUE", "Replace")] == [
        Mode.STREAM,
        Mode.ACCRUE,
        Mode.REPLACE,
    ]
    assert [action_of(word) for word in ("upsert", "Delete")] == [Action.UPSERT, Action.DELETE]
    assert [commit_of(word) for word in ("true", "FALSE")] == [True, False]


def test_other_words_are_refused() -> None:
    with pytest.raises(Rejected, match="mode: is not one of enum values: accrue,stream,replace"):
        mode_of("append")
    with pytest.raises(Rejected, match="action: is not one of enum values: upsert,delete"):
        action_of("remove")
    with pytest.raises(Rejected, match="commit: is not one of enum values: true,false"):
        commit_of("1")


def test_a_session_is_over_when_nobody_used_it_for_long() -> None:
    hour = timedelta(hours=1)

    assert not lapsed(NOON, NOON + timedelta(minutes=59), hour)
    assert lapsed(NOON, NOON + hour, hour)
