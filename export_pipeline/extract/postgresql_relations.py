"""What PostgreSQL reads from, and that nobody puts something else in its place meanwhile.

A transaction sees the rows of one moment, but a name leads to the table that has it now. In one that was
emptied and filled, rewritten or swapped since that moment there are no rows for it, and no error says so.
"""

from dataclasses import dataclass
from typing import Any

import psycopg.errors
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

# Who may read some columns only, a materialized view, a foreign table; so many partitions below a view that
# there is no room for their locks; or no such table, which the query will say.
_CANNOT_BE_HELD = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.WrongObjectType,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.OutOfMemory,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSchemaName,
)

# What the transaction has read is what it has locked: also by functions and policies, which no catalogue
# tells of. With that go the partitions that the snapshot knows of. A catalogue that is queried is the
# snapshot's; functions answer as of now.
_LOOK = sa.text("""
WITH RECURSIVE locked (part) AS (
    SELECT held.relation FROM pg_catalog.pg_locks AS held
    JOIN pg_catalog.pg_database AS here ON here.oid = held.database
    WHERE held.pid = pg_catalog.pg_backend_pid() AND held.locktype = 'relation'
        AND here.datname = pg_catalog.current_database()
), parts (part) AS (
    SELECT named::oid FROM to_regclass(concat_ws('.', quote_ident(:schema), quote_ident(:name))) AS named
    WHERE named IS NOT NULL  -- a derived table is nobody's
    UNION
    SELECT part FROM locked
    UNION
    SELECT inhrelid FROM parts JOIN pg_catalog.pg_inherits ON inhparent = parts.part
)
SELECT EXISTS (
    SELECT FROM parts
    LEFT JOIN pg_catalog.pg_class AS seen ON seen.oid = parts.part
    CROSS JOIN LATERAL pg_catalog.pg_partition_root(CAST(parts.part AS regclass)) AS root
    WHERE seen.oid IS NULL
        OR seen.relfilenode <> 0
            AND seen.relfilenode IS DISTINCT FROM pg_catalog.pg_relation_filenode(CAST(seen.oid AS regclass))
        OR seen.relispartition <> COALESCE(root <> CAST(seen.oid AS regclass), FALSE)
) AS replaced, EXISTS (
    SELECT FROM locked JOIN pg_catalog.pg_class ON oid = part WHERE relkind = 'f'
) AS elsewhere
""").bindparams(sa.bindparam("schema", type_=sa.Text()), sa.bindparam("name", type_=sa.Text()))


def hold(connection: sa.Connection, source: sa.TableClause) -> None:
    """Wait until nobody is replacing the table, and let nobody do it before the transaction ends.

    To be done before the transaction's first query, whose moment is the snapshot's: a lock does not wait for
    that. Not its partitions: of thousands an hour needs one.
    """
    name = connection.dialect.identifier_preparer.format_table(source)
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"LOCK TABLE ONLY {name} IN ACCESS SHARE MODE")
    except DBAPIError as error:
        if not isinstance(error.orig, _CANNOT_BE_HELD):
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class WasRead:
    """Of what was read: whether any is not what the snapshot has rows of, and whether any is a foreign table,
    of which only its own server knows that."""

    replaced: bool
    elsewhere: bool


def what_was_read(connection: sa.Connection, source: sa.TableClause) -> WasRead:
    """To be asked when it was read: from then on the transaction has locks on all of that."""
    values: dict[str, Any] = {"schema": source.schema, "name": source.name}
    row = connection.execute(_LOOK, values).one()
    return WasRead(replaced=row.replaced, elsewhere=row.elsewhere)
