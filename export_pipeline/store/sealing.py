"""What is stored sealed: how it comes to be, which key sealed it, and how all of it is sealed anew."""

from collections import Counter
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.schema import METADATA

# Every column that holds something sealed: by their name, so that a new one is not forgotten.
SEALED = tuple(
    column for table in METADATA.sorted_tables for column in table.c if column.name.startswith("sealed_")
)

# Any number that means us: PostgreSQL's advisory locks are numbers.
SEALING_LOCK = 7_351_904_222


def seal(connection: sa.Connection, key: SecretKey, text: str) -> bytes:
    """The text sealed, to be stored in this transaction.

    Its key is not dropped before the transaction ends. In SQLite that is so for every one that writes.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(SEALING_LOCK)))
    return key.seal(text)


def let_nobody_seal(connection: sa.Connection) -> None:
    """Wait for those who are about to store something sealed; others wait until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(SEALING_LOCK)))


def sealed_by(connection: sa.Connection, key: SecretKey) -> Mapping[str | None, int]:
    """How many things each key sealed, by its fingerprint; None: a key that is not ours."""
    return Counter(key.sealed_by(sealed) for _, _, sealed in _stored(connection))


def seal_anew(control: sa.Engine, key: SecretKey) -> int:
    """Seal with the first key what another one sealed; how many things that were.

    One transaction for each, so that nobody waits long, and what is done stays done. What somebody changes
    at the same time is left as they store it, and looked at again.
    """
    done = 0
    while True:
        first = key.fingerprints[0]
        with reading(control) as connection:
            old = [found for found in _stored(connection) if key.sealed_by(found[2]) != first]
        if not old:
            return done
        for column, row, sealed in old:
            with writing(control) as connection:
                anew = seal(connection, key, key.unseal(sealed))
                changed = connection.execute(
                    sa.update(column.table)
                    .where(column.table.c.id == row, column == sealed)
                    .values({column: anew})
                )
                done += changed.rowcount


def _stored(connection: sa.Connection) -> Iterator[tuple[sa.Column[bytes], str, bytes]]:
    for column in SEALED:
        query = sa.select(column.table.c.id, column).where(column.is_not(None)).order_by(column.table.c.id)
        for row, sealed in connection.execute(query):
            yield column, row, sealed
