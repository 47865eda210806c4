"""The second sample: what visitors of a documentation site searched for, clicked and did, made up.

Nine months, the same rows every time: only `random()` of a seeded generator is drawn from, which no version
of Python changes. Every event belongs to a visit (`visitId`); clicks, keywords and groups to a search
(`searchId`), and a custom event may come after one (`lastSearchId`).
"""

import json
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

FIRST = datetime(2018, 6, 1, 5, tzinfo=UTC)
END = datetime(2019, 3, 1, 5, tzinfo=UTC)
VISITS = 900

Row = dict[str, Any]
Item = TypeVar("Item")

_VISIT = """
    datetime TIMESTAMPTZ NOT NULL, visitId VARCHAR NOT NULL, visitorId VARCHAR NOT NULL, username VARCHAR,
    anonymous BOOLEAN NOT NULL, originLevel1 VARCHAR NOT NULL, originLevel2 VARCHAR NOT NULL,
    originLevel3 VARCHAR, originContext VARCHAR NOT NULL, city VARCHAR, country VARCHAR,
    language VARCHAR NOT NULL, browser VARCHAR NOT NULL, mobile BOOLEAN NOT NULL,
    isInternal BOOLEAN NOT NULL"""

# Names and types are the declaration's (searches.toml).
_TABLES = {
    "searches": f"""{_VISIT}, searchId VARCHAR PRIMARY KEY, queryExpression VARCHAR,
        searchCauseV2 VARCHAR NOT NULL, queryPipeline VARCHAR NOT NULL, numberOfResults INTEGER NOT NULL,
        pageNumber SMALLINT NOT NULL, responseTimeInMs INTEGER NOT NULL""",
    "clicks": f"""{_VISIT}, clickId VARCHAR PRIMARY KEY, searchId VARCHAR NOT NULL, queryExpression VARCHAR,
        searchCauseV2 VARCHAR NOT NULL, documentTitle VARCHAR NOT NULL, documentUrl VARCHAR NOT NULL,
        sourceName VARCHAR NOT NULL, clickRank SMALLINT NOT NULL""",
    "custom_events": f"""{_VISIT}, customEventId VARCHAR PRIMARY KEY, lastSearchId VARCHAR,
        customEventType VARCHAR NOT NULL, customEventValue VARCHAR NOT NULL, customData VARCHAR""",
    "keywords": """datetime TIMESTAMPTZ NOT NULL, visitId VARCHAR NOT NULL, searchId VARCHAR NOT NULL,
        position SMALLINT NOT NULL, keyword VARCHAR NOT NULL, PRIMARY KEY (searchId, position)""",
    "groups": """datetime TIMESTAMPTZ NOT NULL, visitId VARCHAR NOT NULL, searchId VARCHAR NOT NULL,
        groupName VARCHAR NOT NULL, PRIMARY KEY (searchId, groupName)""",
}

# Some of them are hard to write as CSV.
_QUERIES = (
    "install guide",
    "reset password",
    'error "0x80070005"',
    "C:\\Program files",
    "pricing, discounts",
    "crème brûlée export",
    "api key",
    "schedule\ndaily export",
    "bucket policy",
    None,  # a search for everything
)
_TITLES = ("Getting started", "Keys, and who has them", 'What "final" means', "Buckets", "Limits", "Changes")
_PLACES = (("Montréal", "Canada"), ("Québec", "Canada"), ("Quebec", "Canada"), ("Berlin", "Germany"),
           ("Lyon", "France"), ("Boston", "United States"), (None, None))  # fmt: skip
_CAUSES = ("searchboxSubmit", "interfaceLoad", "facetSelect", "resultsSort", "omniboxAnalytics")
_DEEDS = (("getMoreResults", "pagerScrolling"), ("misc", "documentQuickview"), ("contact", "ticketCreate"))
_GROUPS = ("everyone", "customers", "partners", "staff")


def load(database: Path) -> dict[str, int]:
    """Make the sample in a DuckDB file, unless it is there. Returns the rows per table."""
    if not database.exists():
        draft = database.with_suffix(".loading")  # a load that is interrupted leaves no half-filled database
        draft.unlink(missing_ok=True)
        with duckdb.connect(str(draft)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for table, rows in made_up().items():
                connection.execute(f"CREATE TABLE {table} ({_TABLES[table]})")
                connection.register("made_up", pa.Table.from_pylist(rows))
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM made_up")  # noqa: S608
        draft.replace(database)
    with duckdb.connect(str(database), read_only=True) as connection:
        counts = {}
        for table in _TABLES:
            ((count,),) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
            counts[table] = int(count)
        return counts


def made_up() -> dict[str, list[Row]]:
    """The rows of every table."""
    dice = random.Random(20180601)  # noqa: S311 -- guards nothing
    tables: dict[str, list[Row]] = {table: [] for table in _TABLES}
    for number in range(VISITS):
        for table, row in _visit(dice, number):
            tables[table].append(row)
    return tables


def _visit(dice: random.Random, number: int) -> Iterator[tuple[str, Row]]:
    """The events of one visit, in the order in which they happened, each with its table."""
    visit = _visitor(dice, number)
    now = FIRST + (END - FIRST) * dice.random()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    last_search = None
    for _ in range(1 + int(3 * dice.random())):
        last_search = _id(dice, number)
        query = _one_of(dice, _QUERIES)
        asked = {"queryExpression": query, "searchCauseV2": _one_of(dice, _CAUSES)}
        found = 0 if dice.random() < 0.1 else 1 + int(400 * dice.random())
        yield (
            "searches",
            {
                "datetime": now,
                **visit,
                "searchId": last_search,
                **asked,
                "queryPipeline": "default" if dice.random() < 0.8 else "experiment",
                "numberOfResults": found,
                "pageNumber": int(2 * dice.random()),
                "responseTimeInMs": 20 + int(300 * dice.random()),
            },
        )
        belongs = {"datetime": now, "visitId": visit["visitId"], "searchId": last_search}
        for position, keyword in enumerate((query or "").split()):
            yield "keywords", {**belongs, "position": position, "keyword": keyword.strip('",')}
        for group in _GROUPS[: 1 if visit["anonymous"] else 2 + int(3 * dice.random())]:
            yield "groups", {**belongs, "groupName": group}
        for rank in range(1, 1 + min(found, int(3 * dice.random()))):
            now = _later(dice, now)
            title = _one_of(dice, _TITLES)
            yield (
                "clicks",
                {
                    "datetime": now,
                    **visit,
                    "clickId": _id(dice, number),
                    "searchId": last_search,
                    **asked,
                    "documentTitle": title,
                    "documentUrl": f"https://docs.example.com/{len(title)}",
                    "sourceName": "Documentation" if dice.random() < 0.7 else "Community",
                    "clickRank": rank,
                },
            )
        now = _later(dice, now)
    for _ in range(int(3 * dice.random())):
        type_, value = _one_of(dice, _DEEDS)
        yield (
            "custom_events",
            {
                "datetime": now,
                **visit,
                "customEventId": _id(dice, number),
                "lastSearchId": last_search if dice.random() < 0.8 else None,
                "customEventType": type_,
                "customEventValue": value,
                "customData": json.dumps({"page": 1 + int(3 * dice.random())})
                if dice.random() < 0.5
                else None,
            },
        )
        now = _later(dice, now)


def _visitor(dice: random.Random, number: int) -> Row:
    """What is the same in all events of a visit."""
    anonymous = dice.random() < 0.6
    city, country = _one_of(dice, _PLACES)
    return {
        "visitId": _id(dice, number),
        "visitorId": f"visitor-{int(300 * dice.random()):03}",
        "username": None if anonymous else f"user{int(120 * dice.random())}@example.com",
        "anonymous": anonymous,
        "originLevel1": "Documentation" if dice.random() < 0.7 else "Community",
        "originLevel2": _one_of(dice, ("All", "Articles", "Answers")),
        "originLevel3": "https://www.example.com/" if dice.random() < 0.4 else None,
        "originContext": "WebSite",
        "city": city,
        "country": country,
        "language": "fr" if country == "Canada" and dice.random() < 0.7 else "en",
        "browser": _one_of(dice, ("Firefox", "Chrome", "Safari")),
        "mobile": dice.random() < 0.3,
        "isInternal": dice.random() < 0.1,
    }


def _later(dice: random.Random, moment: datetime) -> datetime:
    """Within the next two minutes, but never after the last moment there is."""
    return min(
        moment + timedelta(milliseconds=1 + int(120_000 * dice.random())), END - timedelta(milliseconds=1)
    )


def _one_of(dice: random.Random, items: Sequence[Item]) -> Item:
    return items[int(len(items) * dice.random())]


def _id(dice: random.Random, number: int) -> str:
    return str(uuid.UUID(int=int(dice.random() * 2**53) << 64 | number, version=4))
