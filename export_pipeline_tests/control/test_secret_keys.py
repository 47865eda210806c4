"""Keys are counted, rotated and dropped; none is dropped that something stored needs."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from export_pipeline.control.secret_keys import KeyView, prune_keys, rotate_keys, show_keys
from export_pipeline.errors import InUse, InvalidRequest
from export_pipeline.store.connectors import connector_config
from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import SecretKey, secret_key
from export_pipeline.store.key_file import changing
from export_pipeline.store.schema import CONNECTORS
from export_pipeline_tests.control_databases import KEY, stored_connector


def in_file(tmp_path: Path) -> SecretKey:
    return secret_key(None, tmp_path / "secret.key")


def seal_with(control: sa.Engine, key: SecretKey, name: str) -> str:
    """The id of a stored connector that `key` sealed."""
    id_ = stored_connector(control, name=name).id
    with writing(control) as connection:
        sealed = connection.scalar(sa.select(CONNECTORS.c.sealed_config).where(CONNECTORS.c.id == id_))
        anew = key.seal(KEY.unseal(sealed or b""))
        connection.execute(CONNECTORS.update().where(CONNECTORS.c.id == id_).values(sealed_config=anew))
    return id_


def test_what_each_key_sealed_is_counted(control: sa.Engine, tmp_path: Path) -> None:
    key = in_file(tmp_path)
    seal_with(control, key, "one")
    stored_connector(control, name="another")

    with reading(control) as connection:
        found = show_keys(connection, key)

    assert found.keys == [KeyView(fingerprint=key.fingerprints[0], sealed=1)]
    assert (found.sealed_by_others, found.kept_in) == (1, str(tmp_path / "secret.key"))


def test_a_file_is_rotated_and_pruned_under_a_process_that_goes_on(
    control: sa.Engine, tmp_path: Path
) -> None:
    long_lived = in_file(tmp_path)
    ids = [seal_with(control, long_lived, f"number-{number}") for number in range(3)]
    (old,) = long_lived.fingerprints

    done, found = rotate_keys(control, in_file(tmp_path))
    assert done == 3
    assert [key.sealed for key in found.keys] == [3, 0]
    assert found.unused == [old]
    ids.append(seal_with(control, long_lived, "meanwhile"))
    assert prune_keys(control, in_file(tmp_path)) == [old]

    ids.append(seal_with(control, long_lived, "afterwards"))
    for key in (long_lived, in_file(tmp_path)):
        with reading(control) as connection:
            assert {connector_config(connection, key, id_).type for id_ in ids} == {"s3"}
            assert [one.sealed for one in show_keys(connection, key).keys] == [5]


def test_a_key_that_something_needs_is_not_dropped(control: sa.Engine, tmp_path: Path) -> None:
    key = in_file(tmp_path)
    id_ = seal_with(control, key, "one")
    with changing(tmp_path / "secret.key") as file:
        file.add_in_front()

    assert prune_keys(control, in_file(tmp_path)) == []

    with reading(control) as connection:
        assert connector_config(connection, in_file(tmp_path), id_).type == "s3"
    assert len((tmp_path / "secret.key").read_text().split()) == 2


def test_nothing_is_changed_where_a_key_is_missing(control: sa.Engine, tmp_path: Path) -> None:
    key = in_file(tmp_path)
    stored_connector(control)
    before = (tmp_path / "secret.key").read_text()

    for change in (rotate_keys, prune_keys):
        with pytest.raises(InvalidRequest, match="1 of what is stored was sealed by a key that is not in"):
            change(control, key)

    assert (tmp_path / "secret.key").read_text() == before


def test_of_two_rotations_at_once_one_is_refused(control: sa.Engine, tmp_path: Path) -> None:
    key = in_file(tmp_path)
    with changing(tmp_path / "secret.key"), pytest.raises(InUse):
        rotate_keys(control, key)

    assert len(key.fingerprints) == 1


def test_given_keys_are_put_in_order_by_the_operator(control: sa.Engine, tmp_path: Path) -> None:
    first, second = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    seal_with(control, SecretKey(first), "one")
    both = secret_key(f"{second},{first}", tmp_path / "secret.key")

    done, found = rotate_keys(control, both)

    assert (done, found.unused) == (1, [SecretKey(first).fingerprints[0]])
    assert found.kept_in == "EXPORT_PIPELINE_SECRET_KEY"
    assert list(tmp_path.glob("secret*")) == []
    with pytest.raises(InvalidRequest, match="take out those"):
        prune_keys(control, both)
    with reading(control) as connection:
        assert [key.sealed for key in show_keys(connection, SecretKey(second)).keys] == [1]
