"""Sessions mean what they say, whatever comes in between: other sessions, dead processes, races."""

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from export_pipeline.contributions.mistakes import Rejected
from export_pipeline.contributions.sessions import Action, Mode
from export_pipeline.control.contribution_sessions import (
    check_session,
    close_session,
    in_session,
    open_session,
    read_sent,
    send,
)
from export_pipeline.control.data_connectors import remove_data_connector
from export_pipeline.errors import NotFound, Unauthenticated
from export_pipeline.store.contributed_hours import changed_hours
from export_pipeline.store.contributed_records import ContributedRecord
from export_pipeline.store.contribution_sessions import end_sessions_unused_since, session_of
from export_pipeline.store.data_connectors import DataConnector, find_data_connector
from export_pipeline.store.database import open_control_database, reading, writing
from export_pipeline.store.entity_types import lock_entity_type
from export_pipeline.windows import floor
from export_pipeline_tests.contributing import (
    IDLE,
    a_record,
    closed,
    contributed,
    opened,
    sent,
    stored_data_connector,
    stored_entity,
    there,
)
from export_pipeline_tests.control_databases import emptied, somebody_waits

NO_TIME = timedelta(0)
IDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=3)
Use = Callable[[sa.Engine, DataConnector, str], object]
MODES = st.sampled_from(["stream", "accrue", "replace"])


def names(control: sa.Engine, connector: Any) -> list[str]:
    return [*there(control, connector)]


def test_a_streams_changes_count_at_once(control: sa.Engine) -> None:
    connector = stored_data_connector(control, stored_entity(control))
    sid = opened(control, connector, "stream")
    told = sent(control, connector, sid, a_record("GB"), a_record("FR"))

    assert names(control, connector) == ["FR", "GB"]
    assert {one.public_id for one in there(control, connector).values()} == {*told.values()}
    sent(control, connector, sid, delete=["FR"])
    closed(control, connector, sid, commit=False)
    assert names(control, connector) == ["GB"]


@pytest.mark.parametrize(
    ("mode", "commit", "left"),
    [
        ("accrue", True, ["DE", "GB"]),
        ("accrue", False, ["FR", "GB"]),
        ("replace", True, ["DE"]),
        ("replace", False, ["FR", "GB"]),
    ],
)
def test_the_others_count_when_they_are_closed_or_not_at_all(
    control: sa.Engine, mode: str, commit: bool, left: list[str]
) -> None:
    connector = stored_data_connector(control, stored_entity(control))
    contributed(control, connector, a_record("GB"), a_record("FR"))
    sid = opened(control, connector, mode)
    sent(control, connector, sid, a_record("DE"), delete=["FR"])

    assert names(control, connector) == ["FR", "GB"]
    closed(control, connector, sid, commit=commit)
    assert names(control, connector) == left


def test_what_waited_for_another_is_dated_when_its_turn_has_come(control: sa.Engine) -> None:
    """The hour in which it began to wait may be delivered by then, and nobody would look at it again."""
    entity = stored_entity(control)
    connector = stored_data_connector(control, entity)
    sid = opened(control, connector, "accrue")
    sent(control, connector, sid, a_record("GB"))
    with ThreadPoolExecutor(1) as pool:
        with writing(control) as connection:
            lock_entity_type(connection, entity.id)
            closing = pool.submit(closed, control, connector, sid)
            time.sleep(0.5)  # it waits by now; if it does not, nothing is shown, and nothing fails
            its_turn = datetime.now(UTC)
        closing.result()

    assert there(control, connector)["GB"].accepted_at >= its_turn


def test_a_session_that_is_not_open_is_nobodys(control: sa.Engine) -> None:
    entity = stored_entity(control)
    connector, other = (stored_data_connector(control, entity, cid) for cid in ("wikipedia", "factbook"))
    first = opened(control, connector, "accrue")
    second = opened(control, connector, "accrue")
    others = opened(control, other)

    for sid in (first, others, str(uuid.uuid4()), ""):
        with pytest.raises(Unauthenticated):
            sent(control, connector, sid, a_record())
        with pytest.raises(Unauthenticated):
            closed(control, connector, sid)
        with pytest.raises(Unauthenticated), reading(control) as connection:
            check_session(connection, connector, sid, IDLE)
    with reading(control) as connection:
        check_session(connection, connector, second, IDLE)
    closed(control, connector, second)
    with pytest.raises(Unauthenticated):
        closed(control, connector, second)
    assert names(control, connector) == []


def test_a_session_that_nobody_uses_is_over(control: sa.Engine) -> None:
    entity = stored_entity(control)
    connector, other = (stored_data_connector(control, entity, cid) for cid in ("wikipedia", "factbook"))
    sid = opened(control, connector, "accrue")
    sent(control, connector, sid, a_record())

    with reading(control) as connection:
        found = find_data_connector(connection, entity, "wikipedia")
    assert in_session(found, IDLE)
    assert not in_session(found, NO_TIME)
    with pytest.raises(Unauthenticated), writing(control) as connection:
        close_session(connection, connector, sid, commit=True, idle=NO_TIME)
    # It is rolled back for good when anybody opens one.
    with writing(control) as connection:
        open_session(connection, other, Mode.STREAM, NO_TIME)
    with pytest.raises(Unauthenticated):
        closed(control, connector, sid)
    assert names(control, connector) == []


def opened_when_all_have_lapsed(control: sa.Engine, connector: DataConnector) -> None:
    """A session of the connector's, by a clock on which no other was used for too long."""
    with writing(control) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        open_session(connection, connector, Mode.STREAM, NO_TIME)


@pytest.mark.parametrize("mode", ["accrue", "replace"])
def test_one_that_lapses_while_it_is_closed_is_closed_whole(shared_postgres: sa.Engine, mode: str) -> None:
    """It waits for another large one, say; and who opens theirs then does not wait for it."""
    control = emptied(shared_postgres)
    entity = stored_entity(control)
    connector, other = (stored_data_connector(control, entity, cid) for cid in ("wikipedia", "factbook"))
    contributed(control, connector, a_record("GB"))
    sid = opened(control, connector, mode)
    sent(control, connector, sid, a_record("FR"), delete=["GB"])
    with ThreadPoolExecutor(1) as pool:
        with writing(control) as connection:
            lock_entity_type(connection, entity.id)
            closing = pool.submit(closed, control, connector, sid)
            somebody_waits(control)
            opened_when_all_have_lapsed(control, other)
        closing.result()

    assert names(control, connector) == ["FR"]


@pytest.mark.parametrize("use", [closed, partial(sent, delete=["GB"])])
def test_one_that_is_being_rolled_back_is_not_open(shared_postgres: sa.Engine, use: Use) -> None:
    control = emptied(shared_postgres)
    entity = stored_entity(control)
    connector, other = (stored_data_connector(control, entity, cid) for cid in ("wikipedia", "factbook"))
    contributed(control, connector, a_record("GB"))
    sid = opened(control, connector, "replace")
    sent(control, connector, sid, a_record("FR"))
    with ThreadPoolExecutor(1) as pool:
        with writing(control) as connection:
            open_session(connection, other, Mode.STREAM, NO_TIME)
            using = pool.submit(use, control, connector, sid)
            somebody_waits(control)
        with pytest.raises(Unauthenticated):
            using.result()

    assert names(control, connector) == ["GB"]


def test_who_opens_one_waits_for_nobody_who_uses_theirs(shared_postgres: sa.Engine) -> None:
    control = emptied(shared_postgres)
    entity = stored_entity(control)
    connector, other = (stored_data_connector(control, entity, cid) for cid in ("wikipedia", "factbook"))
    sid = opened(control, connector, "accrue")
    with writing(control) as connection:
        what = read_sent(connection, connector, Action.UPSERT, [a_record("GB")])
        send(connection, connector, sid, what, IDLE)
        opened_when_all_have_lapsed(control, other)
    closed(control, connector, sid)

    assert names(control, connector) == ["GB"]


def test_whenever_one_lapses_all_of_it_counts_or_nothing(control: sa.Engine) -> None:
    entity = stored_entity(control)
    connector, other = (stored_data_connector(control, entity, cid) for cid in ("wikipedia", "factbook"))
    expected: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        for number in range(20):
            new = sorted(f"{number}-{part}" for part in range(10))
            sid = opened(control, connector, "replace")
            sent(control, connector, sid, *map(a_record, new))
            closing = pool.submit(closed, control, connector, sid)
            time.sleep(0.001 * (number % 10))
            pool.submit(opened_when_all_have_lapsed, control, other).result()
            problem = closing.exception()
            assert problem is None or isinstance(problem, Unauthenticated)
            expected = expected if problem else new
            assert names(control, connector) == expected


def test_who_waits_until_theirs_is_rolled_back_holds_nobody_elses(shared_postgres: sa.Engine) -> None:
    """Whoever rolls it back may be waiting for those: neither would ever have their turn."""
    control = emptied(shared_postgres)
    entity = stored_entity(control)
    connector, other = (stored_data_connector(control, entity, cid) for cid in ("wikipedia", "factbook"))
    for one in (connector, other):
        opened(control, one)
    with ThreadPoolExecutor(1) as pool:
        with writing(control) as connection:
            session_of(connection, connector, locked=True)
            opening = pool.submit(opened_when_all_have_lapsed, control, connector)
            somebody_waits(control)
            assert end_sessions_unused_since(connection, datetime.now(UTC)) == 2
        opening.result()


def test_nobody_rolls_back_what_other_organizations_left(control: sa.Engine) -> None:
    """It takes as long as much was sent."""
    ours = stored_data_connector(control, stored_entity(control))
    theirs = stored_data_connector(control, stored_entity(control, organization="other"))
    sid = opened(control, theirs, "accrue")
    opened_when_all_have_lapsed(control, ours)

    sent(control, theirs, sid, a_record())


def test_nothing_is_opened_for_a_connector_that_is_gone(control: sa.Engine) -> None:
    entity = stored_entity(control)
    connector = stored_data_connector(control, entity)
    sid = opened(control, connector, "accrue")
    with writing(control) as connection:
        remove_data_connector(connection, entity.organization, "country", "wikipedia")

    with pytest.raises(NotFound):
        opened(control, connector)
    with pytest.raises(NotFound):
        sent(control, connector, sid, delete=["GB"])


def test_records_follow_their_entity_types_schema(control: sa.Engine) -> None:
    areas = {"type": "object", "properties": {"area": {"type": "integer"}}}
    connector = stored_data_connector(control, stored_entity(control, schema=areas))
    sid = opened(control, connector)
    with pytest.raises(Rejected, match=r"records.entity.area \(1\)"):
        sent(control, connector, sid, a_record("GB", area=1), a_record("FR", area="big"))

    assert names(control, connector) == []


def test_a_schema_that_nobody_can_use_is_passed_over_and_told(control: sa.Engine) -> None:
    entity = stored_entity(control, schema={"$ref": "http://elsewhere.example/schema"})
    connector = stored_data_connector(control, entity)
    with reading(control) as connection:
        read = read_sent(connection, connector, Action.UPSERT, [a_record()])

    assert len(read.upserts) == 1
    assert "nothing is fetched" in (read.unchecked or "")


def test_only_what_is_seen_changes_an_hour(control: sa.Engine) -> None:
    entity = stored_entity(control)
    live = stored_data_connector(control, entity, live=True)
    hidden = stored_data_connector(control, entity, "factbook")

    def changes() -> list[int]:
        with reading(control) as connection:
            noted = changed_hours(connection, entity.id, _long_ago(), _long_ago() + timedelta(days=99_999))
        return [one.changes for one in noted.values()]

    contributed(control, hidden, a_record())
    assert changes() == []
    contributed(control, live, a_record())
    assert sum(changes()) == 1
    contributed(control, live, a_record())  # the same again
    assert sum(changes()) == 1


SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.5); RETURN coalesce(NEW, OLD); END';
CREATE TRIGGER slow BEFORE INSERT OR DELETE ON contributed_records FOR EACH ROW EXECUTE FUNCTION slow()
"""


def test_an_hours_change_is_dated_when_all_of_it_is_done(shared_postgres: sa.Engine) -> None:
    """A large session takes minutes, or a connector that goes; who corrects hours looks back for two."""
    control = emptied(shared_postgres)
    entity = stored_entity(control)
    connector = stored_data_connector(control, entity, live=True)

    def noted_of(record: ContributedRecord) -> datetime:
        with reading(control) as connection:
            hours = changed_hours(connection, entity.id, _long_ago(), _long_ago() + timedelta(days=99_999))
        return hours[floor(record.accepted_at)].changed_at

    with writing(control) as connection:
        connection.exec_driver_sql(SLOW)
    try:
        contributed(control, connector, a_record())
        (record,) = there(control, connector).values()
        noted = noted_of(record)
        deleted_at = datetime.now(UTC)
        with writing(control) as connection:
            remove_data_connector(connection, entity.organization, entity.eid, connector.cid)
    finally:
        with writing(control) as connection:
            connection.exec_driver_sql("DROP FUNCTION slow CASCADE")

    assert noted >= record.accepted_at + timedelta(seconds=0.5)
    assert noted_of(record) >= deleted_at + timedelta(seconds=0.5)


def _long_ago() -> datetime:
    return datetime.fromisoformat("2020-01-01T00:00:00+00:00")


DIES = """
import sys, time
from datetime import timedelta
from export_pipeline.control.contribution_sessions import close_session
from export_pipeline.store.data_connectors import contributing_connector
from export_pipeline.store.database import open_control_database, writing

control = open_control_database(sys.argv[1])
with writing(control) as connection:
    connector = contributing_connector(connection, sys.argv[2], sys.argv[3])
    close_session(connection, connector, sys.argv[4], commit=True, idle=timedelta(days=1))
    print("closed", flush=True)
    time.sleep(600)
"""


def test_a_process_that_is_killed_leaves_what_was_there(control: sa.Engine) -> None:
    connector = stored_data_connector(control, stored_entity(control))
    contributed(control, connector, a_record("GB"))
    sid = opened(control, connector, "replace")
    sent(control, connector, sid, a_record("FR"), a_record("DE"))
    url = control.url.render_as_string(hide_password=False)
    given = url, connector.organization, connector.contribution_id, sid
    with subprocess.Popen([sys.executable, "-c", DIES, *given], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "closed\n"
        finally:
            process.kill()
    assert process.returncode == -signal.SIGKILL

    assert names(control, connector) == ["GB"]
    closed(control, connector, sid)  # it is as open as it was
    assert names(control, connector) == ["DE", "FR"]


def test_eight_that_race_are_one_after_the_other(control: sa.Engine) -> None:
    connector = stored_data_connector(control, stored_entity(control), live=True)

    def contribute(number: int) -> bool:
        """Whether the session was left to its end."""
        try:
            sid = opened(control, connector, "replace")
            for part in range(3):
                sent(control, connector, sid, a_record(f"{number}-{part}"))
            closed(control, connector, sid)
        except Unauthenticated:  # another was opened meanwhile
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        ended = [number for number, done in enumerate(pool.map(contribute, range(8))) if done]

    # The last that was opened is closed by nobody else; and never is there a mixture of two.
    assert ended
    whose = {name.split("-")[0] for name in names(control, connector)}
    assert len(names(control, connector)) == 3
    assert len(whose) == 1
    assert int(whose.pop()) in ended


def test_eight_connectors_of_one_entity_type_are_not_in_each_others_way(control: sa.Engine) -> None:
    entity = stored_entity(control)
    connectors = [stored_data_connector(control, entity, f"c-{number}", live=True) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: contributed(control, one, a_record("a"), a_record("b")), connectors))

    assert all(names(control, one) == ["a", "b"] for one in connectors)


def machine_on(control: sa.Engine) -> type[RuleBasedStateMachine]:
    """Any interleaving of what contributors and misfortune do, against a model of a few lines."""
    url = control.url

    class Sessions(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.control = control
            self.entity = stored_entity(control, organization=f"org-{uuid.uuid4().hex[:12]}")
            self.connector = stored_data_connector(control, self.entity, live=True)
            self.records: dict[str, int] = {}
            self.accepted: dict[str, tuple[int, datetime]] = {}
            self.sid: str | None = None
            self.mode = ""
            self.staged: dict[str, int | None] = {}
            self.over: list[str] = []

        @rule(mode=MODES)
        def open(self, mode: str) -> None:
            self._leave()
            self.sid, self.mode, self.staged = opened(self.control, self.connector, mode), mode, {}

        @precondition(lambda self: self.sid)
        @rule(ids=IDS, value=st.integers(0, 2))
        def upsert(self, ids: list[str], value: int) -> None:
            assert self.sid is not None
            sent(self.control, self.connector, self.sid, *(a_record(id_, value=value) for id_ in ids))
            self._stage(dict.fromkeys(ids, value))

        @precondition(lambda self: self.sid)
        @rule(ids=IDS)
        def delete(self, ids: list[str]) -> None:
            assert self.sid is not None
            sent(self.control, self.connector, self.sid, delete=ids)
            self._stage(dict.fromkeys(ids))

        @precondition(lambda self: self.sid)
        @rule(commit=st.booleans())
        def close(self, commit: bool) -> None:
            assert self.sid is not None
            closed(self.control, self.connector, self.sid, commit=commit)
            if commit and self.mode != "stream":
                self._count(replace=self.mode == "replace")
            self._leave()

        @precondition(lambda self: self.over)
        @rule()
        def use_one_that_is_over(self) -> None:
            with pytest.raises(Unauthenticated):
                sent(self.control, self.connector, self.over[-1], a_record("a"))
            with pytest.raises(Unauthenticated):
                closed(self.control, self.connector, self.over[-1])

        @precondition(lambda self: self.sid)
        @rule(ids=IDS, close=st.booleans())
        def die_in_the_middle(self, ids: list[str], close: bool) -> None:
            """What was begun is cut off before its end, with the connection."""
            assert self.sid is not None
            with self.control.connect() as connection:
                transaction = connection.begin()
                what = read_sent(connection, self.connector, Action.UPSERT, [a_record(id_) for id_ in ids])
                send(connection, self.connector, self.sid, what, IDLE)
                if close:
                    close_session(connection, self.connector, self.sid, commit=True, idle=IDLE)
                connection.invalidate()
                transaction.rollback()

        @rule()
        def come_back_as_another_process(self) -> None:
            if self.control is not control:
                self.control.dispose()
            self.control = open_control_database(url.render_as_string(hide_password=False))

        @invariant()
        def it_is_as_the_model_has_it(self) -> None:
            found = there(self.control, self.connector)
            assert {id_: record.entity.get("value") for id_, record in found.items()} == self.records
            with reading(self.control) as connection:
                stored = find_data_connector(connection, self.entity, "wikipedia")
            assert in_session(stored, IDLE) == (self.sid is not None)
            for id_, record in found.items():
                value, at = self.accepted.get(id_, (None, None))
                if value == self.records[id_]:  # what is contributed again as it is stays in its hour
                    assert record.accepted_at == at
            self.accepted = {id_: (self.records[id_], one.accepted_at) for id_, one in found.items()}

        def teardown(self) -> None:
            if self.control is not control:
                self.control.dispose()

        def _stage(self, changes: dict[str, int | None]) -> None:
            self.staged |= changes
            if self.mode == "stream":
                self._count(replace=False)
                self.staged = {}

        def _count(self, *, replace: bool) -> None:
            before = {} if replace else self.records
            after = before | self.staged
            self.records = {id_: value for id_, value in after.items() if value is not None}

        def _leave(self) -> None:
            if self.sid is not None:
                self.over.append(self.sid)
            self.sid, self.staged = None, {}

    return Sessions


def test_any_interleaving_is_as_a_simple_model_has_it(control: sa.Engine) -> None:
    few = control.dialect.name == "postgresql"
    run_state_machine_as_test(
        machine_on(control),
        settings=settings(
            max_examples=20 if few else 100,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[*HealthCheck],
        ),
    )
