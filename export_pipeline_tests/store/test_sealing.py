"""What is stored sealed is counted by its key and sealed anew, whatever others do at the same time."""

import threading

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from export_pipeline.errors import ExportPipelineError
from export_pipeline.store.connectors import connector_config, hide_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.schema import CONNECTORS, METADATA
from export_pipeline.store.sealing import SEALED, let_nobody_seal, seal, seal_anew, sealed_by
from export_pipeline_tests.control_databases import KEY, stored_connector

NEW = Fernet.generate_key().decode()


@pytest.fixture
def both() -> SecretKey:
    """The keys after a rotation: a new one in front of that of the tests."""
    old = Fernet.generate_key().decode()
    return SecretKey(f"{NEW},{old}")


def stored(control: sa.Engine, key: SecretKey, text: str) -> str:
    """The id of something that is stored, sealed by `key`."""
    id_ = stored_connector(control, name=f"c{Fernet.generate_key().hex()[:20]}").id
    with writing(control) as connection:
        connection.execute(
            CONNECTORS.update().where(CONNECTORS.c.id == id_).values(sealed_config=key.seal(text))
        )
    return id_


def test_every_binary_column_is_known_to_be_sealed() -> None:
    """A credential in a column that nobody seals anew would be lost with its key."""
    binary = [
        column
        for table in METADATA.sorted_tables
        for column in table.c
        if isinstance(column.type, sa.LargeBinary)
    ]
    assert list(SEALED) == binary


def test_all_is_sealed_anew_once_and_can_be_read(control: sa.Engine) -> None:
    first, second = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    old, key = SecretKey(first), SecretKey(f"{second},{first}")
    ids = [stored(control, old, f"number {number}") for number in range(5)]
    with reading(control) as connection:
        assert sealed_by(connection, key) == {old.fingerprints[0]: 5}

    assert seal_anew(control, key) == 5

    with reading(control) as connection:
        assert sealed_by(connection, key) == {key.fingerprints[0]: 5}
        for number, id_ in enumerate(ids):
            sealed = connection.scalar(sa.select(CONNECTORS.c.sealed_config).where(CONNECTORS.c.id == id_))
            assert SecretKey(second).unseal(sealed or b"") == f"number {number}"
    assert seal_anew(control, key) == 0


def test_what_was_deleted_stays_deleted(control: sa.Engine) -> None:
    key = SecretKey(Fernet.generate_key().decode())
    id_ = stored(control, key, "text")
    with writing(control) as connection:
        hide_connector(connection, id_)

    with reading(control) as connection:
        assert sealed_by(connection, key) == {}
    assert seal_anew(control, key) == 0


def test_what_a_strange_key_sealed_is_told_and_left(control: sa.Engine, both: SecretKey) -> None:
    stored_connector(control)

    with reading(control) as connection:
        assert sealed_by(connection, both) == {None: 1}
    with pytest.raises(ExportPipelineError, match="encrypted with another key"):
        seal_anew(control, both)

    with reading(control) as connection:
        assert sealed_by(connection, KEY) == {KEY.fingerprints[0]: 1}


def test_changes_made_meanwhile_are_not_lost(control: sa.Engine) -> None:
    """Somebody stores one text after the other while everything is sealed anew, again and again."""
    first, second = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    keys = [SecretKey(f"{first},{second}"), SecretKey(f"{second},{first}")]
    id_ = stored(control, keys[0], "change 0")
    ended = threading.Event()
    faults: list[BaseException] = []

    def rotate() -> None:
        try:
            turn = 0
            while not ended.is_set():
                turn += 1
                seal_anew(control, keys[turn % 2])
        except BaseException as error:
            faults.append(error)

    rotating = threading.Thread(target=rotate)
    rotating.start()
    try:
        for change in range(1, 60):
            with writing(control) as connection:
                connection.execute(
                    CONNECTORS.update()
                    .where(CONNECTORS.c.id == id_)
                    .values(sealed_config=seal(connection, keys[0], f"change {change}"))
                )
            with reading(control) as connection:
                sealed = connection.scalar(
                    sa.select(CONNECTORS.c.sealed_config).where(CONNECTORS.c.id == id_)
                )
            assert keys[0].unseal(sealed or b"") == f"change {change}"
    finally:
        ended.set()
        rotating.join(60)
    assert faults == []


def test_who_lets_nobody_seal_waits_for_what_is_about_to_be_stored(control: sa.Engine) -> None:
    id_ = stored(control, KEY, "before")
    sealed, may_store = threading.Event(), threading.Event()

    def store() -> None:
        with writing(control) as connection:
            text = seal(connection, KEY, "after")
            sealed.set()
            assert may_store.wait(60)
            connection.execute(CONNECTORS.update().where(CONNECTORS.c.id == id_).values(sealed_config=text))

    storing = threading.Thread(target=store)
    storing.start()
    assert sealed.wait(60)
    threading.Timer(0.2, may_store.set).start()
    with writing(control) as connection:
        let_nobody_seal(connection)
        assert may_store.is_set()
        found = connection.scalar(sa.select(CONNECTORS.c.sealed_config).where(CONNECTORS.c.id == id_))
    storing.join(60)

    assert KEY.unseal(found or b"") == "after"


def test_a_stored_connector_is_sealed_by_the_first_key(control: sa.Engine) -> None:
    stored_id = stored_connector(control).id

    with reading(control) as connection:
        assert connector_config(connection, KEY, stored_id).type == "s3"
        assert sealed_by(connection, KEY) == {KEY.fingerprints[0]: 1}
