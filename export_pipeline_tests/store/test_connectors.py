"""Stored connectors: sealed, owned by one organization, and gone when deleted."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.errors import AlreadyExists, ExportPipelineError, NotFound
from export_pipeline.store.connectors import (
    StoredConnector,
    add_connector,
    check_key,
    connector_config,
    ensure_connector,
    find_connector,
    find_connector_by_id,
    get_connector,
    hide_connector,
    list_connectors,
    organizations_without,
)
from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.schema import CONNECTORS
from export_pipeline_tests.builders import ORGANIZATION, an_s3_connector
from export_pipeline_tests.control_databases import KEY, control_database, sqlite_url, stored_connector

SECRET = str(an_s3_connector()["secret_access_key"])
BUCKET = str(an_s3_connector()["bucket"])


def names(control: sa.Engine, organization: str = ORGANIZATION) -> list[str]:
    with reading(control) as connection:
        return [connector.name for connector in list_connectors(connection, organization)]


def hide(control: sa.Engine, connector: StoredConnector) -> None:
    with writing(control) as connection:
        hide_connector(connection, connector.id)


def test_a_connector_comes_back_with_its_credentials(control: sa.Engine) -> None:
    stored = stored_connector(control)

    with reading(control) as connection:
        config = connector_config(connection, KEY, stored.id)

    assert config == config_from(an_s3_connector())
    assert isinstance(config, S3Config)
    assert config.secret_access_key is not None
    assert config.secret_access_key.get_secret_value() == SECRET


def test_what_is_kept_with_a_connector_comes_back(control: sa.Engine) -> None:
    stored = stored_connector(control, name="plain")
    with writing(control) as connection:
        config = config_from(an_s3_connector())
        kept = add_connector(connection, KEY, ORGANIZATION, "bucket", config, properties={"name": "Käse"})

    with reading(control) as connection:
        assert find_connector(connection, ORGANIZATION, "bucket").properties == {"name": "Käse"}
        assert find_connector_by_id(connection, ORGANIZATION, stored.id).properties is None
        assert find_connector_by_id(connection, ORGANIZATION, kept.id) == kept


def test_anothers_connector_is_not_found_by_its_id(control: sa.Engine) -> None:
    stored = stored_connector(control)

    with reading(control) as connection, pytest.raises(NotFound):
        find_connector_by_id(connection, "other", stored.id)


def test_a_connector_is_found_by_its_name(control: sa.Engine) -> None:
    stored = stored_connector(control, name="bucket")
    stored_connector(control, name="other")

    with reading(control) as connection:
        assert find_connector(connection, ORGANIZATION, "bucket") == stored


def test_connectors_are_listed_by_name(control: sa.Engine) -> None:
    for name in ("b", "c", "a"):
        stored_connector(control, name=name)

    assert names(control) == ["a", "b", "c"]


def test_a_name_is_given_once(control: sa.Engine) -> None:
    stored_connector(control, name="bucket")

    with pytest.raises(AlreadyExists, match="'bucket' already; choose another name"):
        stored_connector(control, name="bucket", bucket="other-bucket")

    assert names(control) == ["bucket"]


def test_organizations_do_not_see_each_others_connectors(control: sa.Engine) -> None:
    stored_connector(control, organization="other", name="theirs")

    assert names(control) == []
    with reading(control) as connection, pytest.raises(NotFound, match="there are: none"):
        find_connector(connection, ORGANIZATION, "theirs")


def test_organizations_may_use_the_same_name(control: sa.Engine) -> None:
    ours = stored_connector(control, name="bucket")
    stored_connector(control, organization="other", name="bucket")

    with reading(control) as connection:
        assert find_connector(connection, ORGANIZATION, "bucket") == ours


def test_an_unknown_name_is_answered_with_the_known_ones(control: sa.Engine) -> None:
    stored_connector(control, name="bucket")

    with (
        reading(control) as connection,
        pytest.raises(NotFound, match="no connector 'buckets'; there are: bucket"),
    ):
        find_connector(connection, ORGANIZATION, "buckets")


def test_a_deleted_connector_is_gone(control: sa.Engine) -> None:
    stored = stored_connector(control)

    hide(control, stored)

    assert names(control) == []
    with reading(control) as connection:
        with pytest.raises(NotFound):
            find_connector(connection, ORGANIZATION, stored.name)
        with pytest.raises(NotFound):
            connector_config(connection, KEY, stored.id)


def test_the_name_of_a_deleted_connector_is_free(control: sa.Engine) -> None:
    first = stored_connector(control, bucket="first-bucket")
    hide(control, first)

    second = stored_connector(control, bucket="second-bucket")

    assert second.id != first.id
    with reading(control) as connection:
        assert connector_config(connection, KEY, second.id).location == "s3://second-bucket"


def test_the_row_of_a_deleted_connector_has_no_credentials(control: sa.Engine) -> None:
    stored = stored_connector(control)

    hide(control, stored)

    with reading(control) as connection:
        row = connection.execute(sa.select(CONNECTORS).where(CONNECTORS.c.id == stored.id)).one()
    assert row.sealed_config is None
    assert row.deleted_at is not None


def test_another_key_opens_no_connector(control: sa.Engine) -> None:
    stored = stored_connector(control)
    other = SecretKey(Fernet.generate_key().decode())

    with (
        reading(control) as connection,
        pytest.raises(ExportPipelineError, match="EXPORT_PIPELINE_SECRET_KEY"),
    ):
        connector_config(connection, other, stored.id)


def test_ensuring_a_connector_adds_it_once(control: sa.Engine) -> None:
    stored = stored_connector(control)

    with writing(control) as connection:
        ensure_connector(connection, KEY, ORGANIZATION, stored.name, config_from(an_s3_connector()))
        ensure_connector(connection, KEY, ORGANIZATION, "second", config_from(an_s3_connector()))

    assert names(control) == [stored.name, "second"]


def test_ensuring_a_connector_leaves_the_one_that_is_there_alone(control: sa.Engine) -> None:
    stored = stored_connector(control)

    with writing(control) as connection:
        config = config_from(an_s3_connector(bucket="another"))
        ensure_connector(connection, KEY, ORGANIZATION, stored.name, config)

    with reading(control) as connection:
        assert connector_config(connection, KEY, stored.id).location == f"s3://{BUCKET}"


def test_organizations_without_a_connector_of_a_name_are_told(control: sa.Engine) -> None:
    stored_connector(control, organization="has-it", name="bucket")
    stored_connector(control, organization="has-another", name="elsewhere")
    deleted = stored_connector(control, organization="had-it", name="bucket")
    with writing(control) as connection:
        hide_connector(connection, deleted.id)

    with reading(control) as connection:
        assert organizations_without(connection, "bucket") == ["had-it", "has-another"]


def test_another_key_than_the_one_in_use_is_noticed(control: sa.Engine) -> None:
    stored_connector(control)

    with reading(control) as connection:
        check_key(connection, KEY)
        with pytest.raises(ExportPipelineError, match="encrypted with another key"):
            check_key(connection, SecretKey(Fernet.generate_key().decode()))


def test_a_connector_is_found_by_its_id_whoever_has_it(control: sa.Engine) -> None:
    theirs = stored_connector(control, organization="other")

    with writing(control) as connection:
        assert get_connector(connection, theirs.id) == theirs
        hide_connector(connection, theirs.id)
        with pytest.raises(NotFound, match=theirs.id):
            get_connector(connection, theirs.id)


def test_several_may_ensure_a_connector_at_once(control: sa.Engine) -> None:
    stored_connector(control, name="a-first-one")
    added = [f"connector-{number}" for number in range(10)]
    barrier = threading.Barrier(5)  # what the engine keeps connections for

    def ensure(_number: int) -> None:
        with reading(control):
            barrier.wait(30)
        for name in added:
            barrier.wait(30)
            with writing(control) as connection:
                ensure_connector(connection, KEY, ORGANIZATION, name, config_from(an_s3_connector()))

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(ensure, range(5)))

    assert names(control) == ["a-first-one", *added]


def test_every_column_that_is_not_sealed_is_without_secrets(control: sa.Engine) -> None:
    stored_connector(control)

    with reading(control) as connection:
        row = repr(connection.execute(sa.select(CONNECTORS)).one())

    assert SECRET not in row
    assert BUCKET not in row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a SQLite control database."""
    return tmp_path / "control.db"


def contents(file: Path) -> bytes:
    """Every byte that the database has on the disk, its log included."""
    return b"".join(path.read_bytes() for path in sorted(file.parent.glob(f"{file.name}*")))


def test_no_byte_of_the_file_shows_a_secret(file: Path) -> None:
    with control_database(sqlite_url(file.parent)) as control:
        stored = stored_connector(control)

        assert stored.id.encode() in contents(file)  # the row is there, in the log at least
        assert SECRET.encode() not in contents(file)
        assert BUCKET.encode() not in contents(file)


def test_a_deleted_connectors_sealed_credentials_are_overwritten_in_the_file(file: Path) -> None:
    with control_database(sqlite_url(file.parent)) as control:
        stored = stored_connector(control)
        with reading(control) as connection:
            sealed = connection.scalar(sa.select(CONNECTORS.c.sealed_config))
        assert sealed is not None
        hide(control, stored)
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    assert stored.id.encode() in contents(file)
    left = [start for start in range(0, len(sealed), 16) if sealed[start : start + 16] in contents(file)]
    assert left == []


def test_locking_a_connector_makes_others_wait(control: sa.Engine) -> None:
    stored = stored_connector(control)
    if control.dialect.name == "postgresql":
        with writing(control) as first, writing(control) as second:
            find_connector(first, ORGANIZATION, stored.name, locked=True)
            second.execute(sa.text("set local lock_timeout = '50ms'"))
            with pytest.raises(sa.exc.OperationalError):
                find_connector(second, ORGANIZATION, stored.name, locked=True)
    else:  # every writer waits for every other anyway
        with writing(control) as first:
            assert find_connector(first, ORGANIZATION, stored.name, locked=True) == stored
