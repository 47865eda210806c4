"""Whether it is the control database that did not answer, rather than we who asked it wrongly."""

import sqlite3

import sqlalchemy as sa


def is_away(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether the same may be asked again later: it is locked by a writer, restarts, or is out of reach."""
    match error:
        case sa.exc.TimeoutError():  # all connections are in use
            return True
        case sa.exc.OperationalError(orig=sqlite3.Error() as cause):
            # Of all its reasons one is that of a statement that cannot be carried out.
            return cause.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR
        case sa.exc.OperationalError() | sa.exc.InterfaceError():
            return True
        case _:
            return False
