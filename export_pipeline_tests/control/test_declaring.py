"""Declared connectors get an id, and lose it; what is wrong with one is pointed at and harms no other."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.checking import CheckStep
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.connectors import (
    create_connector,
    delete_connector,
    fail_connector,
    replace_connector,
    start_connector,
    stop_connector,
)
from export_pipeline.control.declaring import declare_connectors, declared_problems, difference
from export_pipeline.control.exports import create_export, delete_export
from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import AlreadyExists, InvalidRequest, WrongState
from export_pipeline.exports.export import DEFAULT_ORGANIZATION
from export_pipeline.store.connector_states import change_state, note_check
from export_pipeline.store.connectors import StoredConnector, find_connector, list_connectors, lock_declared
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import AUDIT, CONNECTORS
from export_pipeline_tests.builders import a_definition, an_s3_connector
from export_pipeline_tests.control_databases import KEY
from export_pipeline_tests.dataset.declaring import FLIGHTS

LAKE = '[connectors.lake]\ntype = "s3"\nbucket = "acme-lake"\n'
SEA = '[connectors.sea]\ntype = "gcs"\nbucket = "acme-sea"\n'
LINE = FLIGHTS.count("\n") + 1  # of the first connector


@pytest.fixture(autouse=True)
def _organization(control: sa.Engine) -> None:
    with writing(control) as connection:
        ensure_organization(connection, DEFAULT_ORGANIZATION)


def declared(folder: Path, *connectors: str, environ: Mapping[str, str] | None = None) -> Dataset:
    file = folder / "dataset.toml"
    file.write_text(FLIGHTS + "".join(connectors))
    return load_dataset(file, environ or {})


def declare(control: sa.Engine, dataset: Dataset) -> dict[str, StoredConnector]:
    """What is known of the default organization's connectors afterwards."""
    with writing(control) as connection:
        declare_connectors(connection, dataset)
        return {one.name: one for one in list_connectors(connection, DEFAULT_ORGANIZATION)}


def export(control: sa.Engine, dataset: Dataset, connector: str = "lake") -> None:
    with writing(control) as connection:
        create_export(
            connection,
            KEY,
            dataset,
            organization=DEFAULT_ORGANIZATION,
            slug="flights",
            connector=connector,
            definition=a_definition(tables=({"name": "flights", "columns": ["carrier"]},), tenant="AA"),
        )


def problems(control: sa.Engine, dataset: Dataset) -> list[str]:
    with reading(control) as connection:
        return [str(problem) for problem in declared_problems(connection, dataset)]


def test_a_declared_connector_is_known_and_has_to_earn_it_to_run(control: sa.Engine, tmp_path: Path) -> None:
    known = declare(control, declared(tmp_path, LAKE, SEA))

    assert {name: (one.type, one.state, one.declared) for name, one in known.items()} == {
        "lake": ("s3", ConnectorState.STARTING, True),
        "sea": ("gcs", ConnectorState.STARTING, True),
    }


def test_it_keeps_its_id(control: sa.Engine, tmp_path: Path) -> None:
    dataset = declared(tmp_path, LAKE)
    before = declare(control, dataset)

    with reading(control) as connection:
        assert not difference(connection, dataset).to_do
    assert declare(control, dataset) == before


def test_it_is_the_organization_s_that_it_names(control: sa.Engine, tmp_path: Path) -> None:
    with writing(control) as connection:
        ensure_organization(connection, "acme")

    assert declare(control, declared(tmp_path, LAKE + 'organization = "acme"\n')) == {}
    with reading(control) as connection:
        assert [one.name for one in list_connectors(connection, "acme")] == ["lake"]


def test_one_of_another_type_keeps_its_id_too(control: sa.Engine, tmp_path: Path) -> None:
    before = declare(control, declared(tmp_path, LAKE))["lake"]
    after = declare(control, declared(tmp_path, LAKE.replace("s3", "gcs")))["lake"]

    assert (before.id, before.type, after.type) == (after.id, "s3", "gcs")


def moved(control: sa.Engine, state: ConnectorState, name: str = "lake") -> StoredConnector:
    """The connector, in that state."""
    with writing(control) as connection:
        known = find_connector(connection, DEFAULT_ORGANIZATION, name)
        return change_state(connection, known.id, state, "So be it.", now=datetime.now(UTC))


@pytest.mark.parametrize("state", ["RUNNING", "FAILED", "STARTING"])
def test_one_that_was_edited_starts_anew_and_no_other_does(
    control: sa.Engine, tmp_path: Path, state: str
) -> None:
    declare(control, declared(tmp_path, LAKE, SEA))
    before = {name: moved(control, ConnectorState(state), name) for name in ("lake", "sea")}

    after = declare(control, declared(tmp_path, LAKE.replace("acme-lake", "acme-pond"), SEA))

    assert after["sea"] == before["sea"]
    assert after["lake"].state is ConnectorState.STARTING
    assert after["lake"].checked_at is None
    assert (after["lake"].id, after["lake"].configuration) == (before["lake"].id, 2)
    assert after["lake"].generation > before["lake"].generation


@pytest.mark.parametrize("state", ["STOPPED", "STOPPING"])
def test_one_that_was_edited_and_is_stopped_stays_so(control: sa.Engine, tmp_path: Path, state: str) -> None:
    declare(control, declared(tmp_path, LAKE))
    before = moved(control, ConnectorState(state))

    after = declare(control, declared(tmp_path, LAKE.replace("acme-lake", "acme-pond")))["lake"]

    assert (after.state, after.reason, after.configuration) == (before.state, before.reason, 2)
    assert after.generation > before.generation


def test_one_of_which_nobody_noted_what_was_declared_goes_on(control: sa.Engine, tmp_path: Path) -> None:
    """As those do that were declared before that was noted."""
    declare(control, declared(tmp_path, LAKE))
    moved(control, ConnectorState.RUNNING)
    with writing(control) as connection:
        connection.execute(CONNECTORS.update().values(declaration=None))

    known = declare(control, declared(tmp_path, LAKE))["lake"]
    edited = declare(control, declared(tmp_path, LAKE.replace("acme-lake", "acme-pond")))["lake"]

    assert (known.state, known.configuration) == (ConnectorState.RUNNING, 1)
    assert (edited.state, edited.configuration) == (ConnectorState.STARTING, 2)


def notice_at_once(control: sa.Engine, dataset: Dataset) -> None:
    """Six processes read the declaration in the same moment."""
    together = threading.Barrier(6)

    def notice(_: int) -> None:
        together.wait(30)
        with writing(control) as connection:
            lock_declared(connection)
            declare_connectors(connection, dataset)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(notice, range(6)))


def test_an_edit_that_many_notice_at_once_is_one_change(control: sa.Engine, tmp_path: Path) -> None:
    declare(control, declared(tmp_path, LAKE))

    notice_at_once(control, declared(tmp_path, LAKE.replace("acme-lake", "acme-pond")))

    with reading(control) as connection:
        known = find_connector(connection, DEFAULT_ORGANIZATION, "lake")
    assert (known.state, known.configuration) == (ConnectorState.STARTING, 2)


def test_one_that_many_find_new_at_once_is_told_of_once(control: sa.Engine, tmp_path: Path) -> None:
    notice_at_once(control, declared(tmp_path, LAKE))

    with reading(control) as connection:
        told = connection.scalars(sa.select(AUDIT.c.action).where(AUDIT.c.subject == "lake")).all()
    assert told == ["connector.declare"]


def test_what_was_checked_before_the_edit_counts_no_more(control: sa.Engine, tmp_path: Path) -> None:
    checked = declare(control, declared(tmp_path, LAKE))["lake"]
    declare(control, declared(tmp_path, LAKE.replace("acme-lake", "acme-pond")))

    with writing(control) as connection:
        steps = [CheckStep(name="write", ok=True, message="It was written.")]
        assert note_check(connection, checked, steps, now=datetime.now(UTC), spread=0) is None


def test_one_that_is_declared_no_more_is_forgotten_when_nothing_uses_it(
    control: sa.Engine, tmp_path: Path
) -> None:
    dataset = declared(tmp_path, LAKE, SEA)
    kept = declare(control, dataset)["lake"]
    export(control, dataset)

    assert declare(control, declared(tmp_path)) == {"lake": kept}
    with writing(control) as connection:
        delete_export(connection, DEFAULT_ORGANIZATION, "flights")
    assert declare(control, declared(tmp_path)) == {}


def test_what_is_stored_is_not_forgotten(control: sa.Engine, tmp_path: Path) -> None:
    with writing(control) as connection:
        create_connector(
            connection, KEY, organization=DEFAULT_ORGANIZATION, name="lake", config=an_s3_connector()
        )

    assert [*declare(control, declared(tmp_path))] == ["lake"]


def test_an_export_s_path_is_checked_against_what_the_declared_one_takes(
    control: sa.Engine, tmp_path: Path
) -> None:
    prefix = "p" * 1000
    dataset = declared(tmp_path, LAKE + f'prefix = "{prefix}"\n')
    declare(control, dataset)

    with pytest.raises(InvalidRequest, match="takes 1040 bytes with the connector's prefix"):
        export(control, dataset)


def test_it_is_changed_where_it_is_declared(control: sa.Engine, tmp_path: Path) -> None:
    before = declare(control, declared(tmp_path, LAKE))
    cure = r"from here: edit \[connectors.lake\] in the dataset's declaration"

    with writing(control) as connection:
        with pytest.raises(InvalidRequest, match=f"cannot be deleted {cure}"):
            delete_connector(connection, DEFAULT_ORGANIZATION, "lake")
        with pytest.raises(InvalidRequest, match=f"cannot be replaced {cure}"):
            replace_connector(
                connection, KEY, organization=DEFAULT_ORGANIZATION, name="lake", config=an_s3_connector()
            )

    assert declare(control, declared(tmp_path, LAKE)) == before


def test_its_name_is_taken(control: sa.Engine, tmp_path: Path) -> None:
    declare(control, declared(tmp_path, LAKE))

    with (
        pytest.raises(
            AlreadyExists, match=r"'lake' is declared beside the dataset; edit \[connectors.lake\]"
        ),
        writing(control) as connection,
    ):
        create_connector(
            connection, KEY, organization=DEFAULT_ORGANIZATION, name="lake", config=an_s3_connector()
        )


def test_it_may_be_stopped_and_failed_by_hand(control: sa.Engine, tmp_path: Path) -> None:
    declare(control, declared(tmp_path, LAKE))

    with writing(control) as connection:
        assert stop_connector(connection, DEFAULT_ORGANIZATION, "lake").state is ConnectorState.STOPPED
        assert fail_connector(connection, DEFAULT_ORGANIZATION, "lake").state is ConnectorState.FAILED
        with pytest.raises(WrongState, match=r"can be done: stop, fail$"):
            start_connector(connection, DEFAULT_ORGANIZATION, "lake")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LAKE.replace("lake]", "The-Lake]"), "0:2: connectors.The-Lake: 'The-Lake' has to be 2 to 63 of a-z"),
        (LAKE.replace('"s3"', '"s33"'), "1:8: connectors.lake.type: has to be one of azure, "),
        (LAKE.replace('"s3"', '"direct_download"'), "1:8: connectors.lake.type: has to be one of azure, "),
        (
            LAKE + 'organization = "defualt"\n',
            "3:16: connectors.lake.organization: there is no organization 'd",
        ),
    ],
    ids=["name", "type", "direct_download", "organization"],
)
def test_one_that_is_wrong_is_pointed_at_and_harms_no_other(
    control: sa.Engine, tmp_path: Path, text: str, expected: str
) -> None:
    dataset = declared(tmp_path, text, SEA)
    line, _, rest = expected.partition(":")

    (problem,) = problems(control, dataset)

    assert problem.startswith(f"{tmp_path}/dataset.toml:{LINE + int(line)}:{rest}")
    assert [*declare(control, dataset)] == ["sea"]


def test_one_that_was_made_by_hand_stays_the_one_that_is_used(control: sa.Engine, tmp_path: Path) -> None:
    with writing(control) as connection:
        made = create_connector(
            connection, KEY, organization=DEFAULT_ORGANIZATION, name="lake", config=an_s3_connector()
        )
    dataset = declared(tmp_path, LAKE)

    assert declare(control, dataset) == {"lake": made}
    (problem,) = problems(control, dataset)
    assert "connectors.lake: there is a connector of that name already, made by hand" in problem


def test_fields_and_variables_are_tried_by_who_asks_for_problems(control: sa.Engine, tmp_path: Path) -> None:
    dataset = declared(tmp_path, LAKE + "buckt = 3\n", SEA + 'service_account = {env = "SEA_KEY"}\n')

    assert [*declare(control, dataset)] == ["lake", "sea"]
    wrong, unset = problems(control, dataset)
    assert f":{LINE + 3}:9: connectors.lake.buckt: there is no such field; did you mean 'bucket'?" in wrong
    assert unset.endswith("connectors.sea.service_account: the environment variable SEA_KEY is not set")
