"""Exports by parameters and by body: what is kept of them, how they are fetched, and how they end."""

import csv
import io
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.store.database import writing
from export_pipeline.store.exports import get_export
from export_pipeline.store.tasks import start_task
from export_pipeline_tests.api.coveo.conftest import BUSY, EXPORTS, Client, moments
from export_pipeline_tests.runs import a_run

TABLES = {"searches", "clicks", "custom_events", "keywords", "groups"}


def archive(coveo: Client, document: dict[str, Any]) -> zipfile.ZipFile:
    """The export's zip, by the link that stands in the export."""
    got = coveo.http.get(document["downloadLink"], follow_redirects=True)
    assert got.status_code == 200, got.text
    assert got.headers["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(got.content))


def rows(found: zipfile.ZipFile, table: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(found.read(f"{table}.csv").decode()))]


def test_an_export_is_accepted_as_the_document_shows_it(coveo: Client) -> None:
    made = coveo.create(d="my words", filename="mine")

    assert made.pop("startDate") == pytest.approx(datetime.now(UTC).timestamp() * 1000, abs=60_000)
    id_ = made.pop("id")
    assert set(made.pop("tables")) == TABLES
    assert made.pop("downloadLink") == f"{coveo.api.url}/rest/v15/exports/{id_}?redirect=true"
    assert made == {
        "author": "test",
        "from": 1533081600000,
        "to": 1533095999999,
        "filters": {},
        "description": "my words",
        "size": 0,
        "status": "PENDING",
        "downloadable": True,
        "dimensions": [],
        "replayable": False,
        "usingDisplayNames": False,
        "scheduleId": None,
    }


def test_an_estimate_is_what_the_export_then_has_and_makes_none(coveo: Client) -> None:
    asked = {"tables": ["SEARCHES", "clicks"], "f": "city IN ['Québec','Quebec']"}

    told = coveo.http.get(f"{EXPORTS}/estimate", params={**BUSY, **asked})

    assert told.status_code == 200, told.text
    assert coveo.http.get(EXPORTS).json() == []
    found = archive(coveo, coveo.delivered(**asked))
    counted = {table: len(rows(found, table)) for table in ("searches", "clicks")}
    assert told.json() == {"estimates": counted}
    assert any(counted.values())


def test_an_estimate_is_refused_as_the_export_is(coveo: Client) -> None:
    refused = coveo.http.get(f"{EXPORTS}/estimate", params={**BUSY, "tables": "nothing"})

    assert refused.status_code == 400
    assert refused.json()["message"] == coveo.refused(tables="nothing")["message"]


def test_a_body_asks_for_the_same_as_parameters(coveo: Client) -> None:
    by_parameters = coveo.create(
        f=["city IN ['Québec','Quebec']", "isInternal==false"],
        fs="searchcausev2=='resultsSort'",
        fc="customeventtype=='getMoreResults'",
        tables=["SEARCHES", "custom_events"],
        dimensions=["originLevel1", "CITY"],
        format="NO_NEWLINE",
        useDisplayNames="true",
        d="what",
    )
    by_body = coveo.http.post(
        f"{EXPORTS}/create",
        json={
            **BUSY,
            "commonFilters": ["city IN ['Québec','Quebec']", "isInternal==false"],
            "searchesFilters": ["searchcausev2=='resultsSort'"],
            "customEventsFilters": ["customeventtype=='getMoreResults'"],
            "tables": ["SEARCHES", "custom_events"],
            "dimensions": ["originLevel1", "CITY"],
            "exportFormat": "NO_NEWLINE",
            "useDisplayNames": True,
            "description": "what",
            "whatever": "a newer client says",
        },
    )

    assert by_body.status_code == 201, by_body.text
    differ = {"id", "startDate", "downloadLink"}
    same = {name: value for name, value in by_parameters.items() if name not in differ}
    assert {name: value for name, value in by_body.json().items() if name not in differ} == same
    assert same["tables"] == ["searches", "custom_events"]
    assert same["filters"] == {
        "commonFilters": "(city IN ['Québec','Quebec']) AND (isInternal==false)",
        "searchesFilters": "searchcausev2=='resultsSort'",
        "customEventsFilters": "customeventtype=='getMoreResults'",
    }


def test_the_zip_holds_every_row_of_the_range_once(coveo: Client) -> None:
    done = coveo.delivered(filename="my export")

    assert (done["status"], done["size"] > 0) == ("AVAILABLE", True)
    led = coveo.http.get(f"/rest/ua/v15/exports/{done['id']}", params={"redirect": "true"})
    assert led.status_code == 303
    got = archive(coveo, done)
    assert set(got.namelist()) == {f"{table}.csv" for table in TABLES}
    source = coveo.api.installation.folder / "searches.duckdb"
    with duckdb.connect(str(source), read_only=True) as connection:
        for table in TABLES:
            sql = f"SELECT count(*) FROM {table} WHERE datetime >= ? AND datetime < ?"
            ((count,),) = connection.execute(
                sql, ["2018-08-01T00:00:00+00:00", "2018-08-01T04:00:00+00:00"]
            ).fetchall()
            found = rows(got, table)
            assert len(found) == count
            assert moments([row["datetime"] for row in found]) == sorted(
                moments([row["datetime"] for row in found])
            )


def test_the_last_millisecond_is_part_of_the_range(coveo: Client) -> None:
    """The moment of one search of the sample, as the end and as the beginning."""
    source = coveo.api.installation.folder / "searches.duckdb"
    with duckdb.connect(str(source), read_only=True) as connection:
        ((epoch,),) = connection.execute(
            "SELECT epoch_ms(min(datetime)) FROM searches WHERE datetime > '2018-08-01 00:00:00+00'"
        ).fetchall()
    moment = datetime.fromtimestamp(epoch / 1000, UTC)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{epoch % 1000:03}Z"
    hour = f"{moment:%Y-%m-%dT%H}"

    until = coveo.delivered(tables="searches", **{"from": f"{hour}:00:00.000Z", "to": text})
    after = coveo.delivered(tables="searches", **{"from": text, "to": f"{hour}:59:59.999Z"})

    assert (until["to"], after["from"]) == (epoch, epoch)
    assert moments([row["datetime"] for row in rows(archive(coveo, until), "searches")])[-1] == moment
    assert moments([row["datetime"] for row in rows(archive(coveo, after), "searches")])[0] == moment


def test_an_end_on_the_hour_begins_no_other(coveo: Client) -> None:
    made = coveo.create(to="2018-08-01T04:00:00.000Z")

    assert made["to"] == 1533095999999


def test_dimensions_filters_and_names_are_as_asked_for(coveo: Client) -> None:
    done = coveo.delivered(
        dimensions=["visitId", "originlevel1", "documentTitle"],
        tables=["searches", "clicks"],
        useDisplayNames="true",
        f="originLevel1=='Documentation'",
    )

    got = archive(coveo, done)
    searches, clicks = rows(got, "searches"), rows(got, "clicks")
    assert [*searches[0]] == ["Visit ID", "Origin 1 (Page)"]
    assert [*clicks[0]] == ["Visit ID", "Origin 1 (Page)", "Document Title"]
    assert {row["Origin 1 (Page)"] for row in [*searches, *clicks]} == {"Documentation"}


def test_a_table_without_any_of_the_dimensions_is_left_out_unless_it_is_named(coveo: Client) -> None:
    assert coveo.create(dimensions="city")["tables"] == ["searches", "clicks", "custom_events"]
    refused = coveo.refused(dimensions="city", tables=["searches", "keywords"])
    assert refused["message"].startswith("dimensions: the table 'keywords' has none of them; leave")


def test_all_events_are_the_three_tables_of_events(coveo: Client) -> None:
    assert coveo.create(tables="ALL_EVENTS")["tables"] == ["searches", "clicks", "custom_events"]


def test_no_newline_keeps_a_record_on_one_line_and_escapes_with_a_backslash(coveo: Client) -> None:
    span = {"from": "2018-08-01T00:00:00.000Z", "to": "2018-08-08T00:00:00.000Z"}
    got = archive(coveo, coveo.delivered(tables="searches", format="NO_NEWLINE", **span))

    text = got.read("searches.csv").decode()
    lines = text.splitlines()
    found = [*csv.DictReader(io.StringIO(text), doublequote=False, escapechar="\\")]
    assert len(found) == len(lines) - 1
    queries = {row["queryExpression"] for row in found}
    assert 'error "0x80070005"' in queries
    assert "C:\\Program files" in queries
    assert {"daily export"} & {query[-12:] for query in queries}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"from": "yesterday"}, "from: 'yesterday' is not a time; write it like"),
        ({"to": "2018-08-01"}, "to: '2018-08-01' names no zone; add Z for UTC"),
        ({"to": "2018-07-01T00:00:00.000Z"}, "to: 2018-07-01T00:00:00.000Z is not after from"),
        ({"to": "2099-01-01T00:00:00.000Z"}, "to: "),
        ({"to": "2019-12-01T00:00:00.000Z"}, "to: a task takes at most 8,784 hours"),
        ({"tables": "visits"}, "tables: there is no table 'visits'"),
        ({"dimensions": "originLevel9"}, "dimensions: none of the tables has 'originLevel9'; did you mean"),
        ({"format": "XML"}, "format: must be one of EXCEL, NO_NEWLINE"),
        ({"filename": "é"}, "filename: may hold only US-ASCII characters"),
        ({"filename": "../x"}, "filename: may hold only US-ASCII characters"),
        ({"f": "citty=='x'"}, "f: line 1, column 1: none of the tables"),
        ({"f": "city=="}, "f: "),
        ({"fs": "customEventType=='x'"}, "fs: line 1, column 1: none of the tables searches, clicks"),
        ({"fc": "clickRank>1"}, "fc: line 1, column 1: table 'custom_events' has no column"),
        ({"f": "$NOBODY"}, "f: "),
        ({"useDisplayNames": "maybe"}, "useDisplayNames: is neither true nor false"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    coveo: Client, given: dict[str, str], said: str
) -> None:
    refused = coveo.refused(**given)

    assert refused["message"].startswith(said), refused
    assert refused["type"] == "InvalidObject"
    assert coveo.http.get(EXPORTS).json() == []


def test_what_is_missing_is_told_as_missing(coveo: Client) -> None:
    answer = coveo.http.post(EXPORTS, params={"from": BUSY["from"]})

    assert (answer.status_code, answer.json()["type"]) == (400, "MissingParameter")
    assert answer.json()["message"] == "to: is missing"


def test_exports_are_listed_the_newest_first_and_only_ones_own(coveo: Client) -> None:
    first, second = coveo.create(), coveo.create(d="second")

    listed = coveo.http.get(EXPORTS).json()

    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    assert listed[1] == first
    stranger = coveo.api.organization()
    with coveo.api.client(coveo.api.key(stranger)) as http:
        assert http.get(EXPORTS).json() == []
        for path in ("", "?redirect=true", "/downloadlink"):
            assert http.get(f"{EXPORTS}/{first['id']}{path}").status_code == 404
        assert http.delete(f"{EXPORTS}/{first['id']}").status_code == 404
    assert coveo.http.get(f"{EXPORTS}/{first['id']}").json() == first


def test_a_file_that_is_not_there_yet_is_not_led_to(coveo: Client) -> None:
    made = coveo.create()

    early = coveo.http.get(f"{EXPORTS}/{made['id']}", params={"redirect": "true"})
    assert (early.status_code, early.json()["type"]) == (409, "Conflict")
    assert coveo.http.get(f"{EXPORTS}/{made['id']}/downloadlink").json() == {"id": made["id"]}


def test_a_deleted_export_is_gone_and_so_is_its_file(coveo: Client) -> None:
    done = coveo.delivered()
    link = coveo.http.get(f"{EXPORTS}/{done['id']}/downloadlink").json()["downloadLink"]
    assert coveo.http.get(link, headers={"Authorization": ""}).status_code == 200

    deleted = coveo.http.delete(f"{EXPORTS}/{done['id']}")

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert coveo.http.get(link).status_code == 410
    for path in ("", "?redirect=true", "/downloadlink"):
        assert coveo.http.get(f"{EXPORTS}/{done['id']}{path}").status_code == 410
    assert coveo.http.delete(f"{EXPORTS}/{done['id']}").status_code == 410
    assert coveo.http.get(EXPORTS).json() == []


def test_who_may_only_look_makes_and_deletes_nothing(coveo: Client) -> None:
    made = coveo.create()
    with coveo.api.client(coveo.api.key(coveo.organization, "exports:view")) as http:
        assert http.get(f"{EXPORTS}/{made['id']}").json() == made
        assert http.post(EXPORTS, params=BUSY).status_code == 403
        assert http.post(f"{EXPORTS}/create", json=BUSY).status_code == 403
        assert http.delete(f"{EXPORTS}/{made['id']}").status_code == 403


def test_the_limit_of_rows_is_the_direct_downloads(coveo: Client) -> None:
    assert coveo.http.get(f"{EXPORTS}/rowLimit").json() == {"exportRowCountLimit": 1_000_000}


def test_an_export_of_more_rows_than_the_limit_fails_and_says_so(coveo: Client) -> None:
    """Whatever number of hours they are of: all of them together count."""
    asked = {"from": BUSY["from"], "to": "2018-08-02T23:59:59.999Z", "tables": "searches"}
    told = coveo.http.get(f"{EXPORTS}/estimate", params=asked).json()
    most = told["estimates"]["searches"] - 1
    made = coveo.create(**asked)
    installation = coveo.api.installation
    control = installation.deployment.control
    with writing(control) as connection:
        task = start_task(connection, made["id"])
        export = get_export(connection, task.export_id)
    whole = installation.deployment.connector(export.connector_id)
    assert isinstance(whole, DirectDownloadConfig)
    run = replace(a_run(installation, export), connector=whole.model_copy(update={"row_limit": most}))
    with closing(open_source(installation.deployment.source_url)) as source:
        plans = plan_of(export.definition, installation.deployment.dataset)
        run.extract(source, plans, task.windows(export.definition.layout))

    shown = coveo.http.get(f"{EXPORTS}/{made['id']}").json()

    assert shown["status"] == "FAILED"
    message = shown["errorInfo"]["message"]
    assert f"more rows in searches than the {most} that this connector takes" in message
    assert "ask for a shorter range" in message


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "visits"), ("POST", "visits/create"), ("GET", "visits/estimate")]
)
def test_exports_by_visit_are_refused_with_what_there_is_instead(
    coveo: Client, method: str, path: str
) -> None:
    refused = coveo.http.request(method, f"{EXPORTS}/{path}", params=BUSY)

    assert (refused.status_code, refused.json()["type"]) == (400, "InvalidObject")
    assert refused.json()["message"] == (
        "visits: are not exported as such; export the tables of events, which have the visit of each in"
        " `visitId`"
    )
    assert coveo.http.get(EXPORTS).json() == []


def test_both_addresses_lead_to_the_same(coveo: Client) -> None:
    made = coveo.create()

    assert coveo.http.get(f"/rest/v15/exports/{made['id']}").json() == made
