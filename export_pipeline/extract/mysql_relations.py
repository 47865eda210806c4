"""What MySQL and MariaDB read from, and whether the snapshot of a transaction holds all of it.

Tables of MyISAM, Aria, MEMORY or CSV are in no transaction, and the server begins one over them all the same.
"""

import re

import sqlalchemy as sa

# Whose tables a snapshot has. The second makes numbers, which are always the same.
_OF_ONE_MOMENT = ("InnoDB", "SEQUENCE")
_TABLES = ("BASE TABLE", "SYSTEM VERSIONED")

_LOOK = sa.text(
    "SELECT table_type, engine FROM information_schema.tables"
    " WHERE table_schema = :schema AND table_name = :name"
)
_LOOK_INTO = sa.text(
    "SELECT view_definition FROM information_schema.views WHERE table_schema = :schema AND table_name = :name"
)

# The server writes down each view in one way: names between backticks, a table's with that of its database.
_NAME = r"`(?:[^`]|``)*`"
_TOKEN = re.compile(
    rf"'(?:[^'\\]|\\.)*' | (?P<path>{_NAME}(?:\.{_NAME})*)(?P<called>\()? | (?P<word>\w+) | [()]",
    re.VERBOSE | re.DOTALL,
)


def is_of_one_moment(connection: sa.Connection, source: sa.TableClause) -> bool:
    """Whether all that is read with the table or view is as it was when the transaction began.

    No, if the database does not let its user see that.
    """
    looked_at = set()
    ahead = {(source.schema or connection.dialect.default_schema_name or "", source.name)}
    while ahead:
        relation = ahead.pop()
        looked_at.add(relation)
        behind = _behind(connection, *relation)
        if behind is None:
            return False
        ahead |= behind - looked_at
    return True


def _behind(connection: sa.Connection, schema: str, name: str) -> frozenset[tuple[str, str]] | None:
    """What a view reads, and nothing of a table. None: it is not of one moment, or nobody can say."""
    values = {"schema": schema, "name": name}
    found = connection.execute(_LOOK, values).all()
    if len(found) != 1:
        return None
    type_, engine = found[0]
    if type_ == "VIEW":
        return tables_of(connection.execute(_LOOK_INTO, values).scalar() or "") or None
    return frozenset() if type_ in _TABLES and engine in _OF_ONE_MOMENT else None


def tables_of(definition: str) -> frozenset[tuple[str, str]]:
    """The tables and views that a view reads, each with its database. Of one that calls somebody's function
    nothing is said: what that reads is not written here.
    """
    tables = set()
    selects = [False]  # of each parenthesis that is open, whether it is of a SELECT: TRIM has a FROM, too
    is_next = False
    for token in _TOKEN.finditer(definition):
        if token["called"]:
            return frozenset()
        if token["path"]:
            path = re.findall(_NAME, token["path"])
            if is_next and len(path) == 2:  # the name of a WITH stands alone
                schema, name = (part[1:-1].replace("``", "`") for part in path)
                tables.add((schema, name))
            is_next = False
        elif token["word"]:
            word = token["word"].lower()
            selects[-1] |= word == "select"
            is_next = word in ("join", "straight_join") or (word == "from" and selects[-1])
        elif token[0] == "(":
            selects.append(False)
        elif token[0] == ")":
            selects = selects[:-1] or [False]
    return frozenset(tables)
