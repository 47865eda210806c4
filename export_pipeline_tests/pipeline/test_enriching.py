"""Before an hour is read, webhooks are asked of its records; none that fails costs a record."""

import csv
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

import pytest

from export_pipeline.connectors.addresses import allow
from export_pipeline.contributions.webhook_requests import Reason
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.enriching import enrich
from export_pipeline.store.database import reading
from export_pipeline.store.webhook_answers import failures_of
from export_pipeline_tests.contributed import (
    a_connector_is_live,
    a_data_connector,
    a_record,
    an_entity_type,
)
from export_pipeline_tests.contributions.webhook_servers import hanging_up, saying_of_each, service
from export_pipeline_tests.installations import FIRST, Installation, hours
from export_pipeline_tests.runs import deliver
from export_pipeline_tests.servers.ports import free_port


@pytest.fixture(autouse=True)
def this_machine_is_allowed(installation: Installation) -> Iterator[None]:
    del installation  # which, when it is opened, allows what its settings do: nothing
    allow([ip_network("127.0.0.0/8")])
    yield
    allow([])


def said(target: str) -> Any:
    """All populations are a thousand times as many as the id's length; of `it` nothing is known."""
    vendor_id = target.rpartition("/")[2]
    return "nothing" if vendor_id == "it" else {"entity": {"population": 1000 * len(vendor_id)}}


def country(installation: Installation, webhook: str | None = None, cache: int = 0) -> str:
    """The id of a live connector that contributed two records in the first hour."""
    control = installation.deployment.control
    connector = a_data_connector(
        control, an_entity_type(control, organization="default"), webhook=webhook, cache=cache
    )
    for vendor_id in ("gb", "it"):
        a_record(control, connector, vendor_id, {"population": 1}, since=FIRST)
    return connector


def an_export(installation: Installation) -> Export:
    return installation.export("country", tables=[{"name": "country"}])


def populations(installation: Installation) -> Mapping[str, str]:
    file = installation.downloads / "country/2026-01-05-00-00.csv"
    with file.open(newline="") as opened:
        return {row["vendor_id"]: row["population"] for row in csv.DictReader(opened)}


def failures(installation: Installation, connector: str) -> Mapping[Reason, int]:
    with reading(installation.deployment.control) as connection:
        return failures_of(connection, connector)


def test_what_a_webhook_says_is_in_the_file(installation: Installation) -> None:
    with service(saying_of_each(said)) as running:
        connector = country(installation, running.url)
        (hour,) = deliver(installation, an_export(installation), hours(0, 0)).done

    assert populations(installation) == {"gb": "2000", "it": "1"}
    assert hour.receipt.rows == 2
    assert failures(installation, connector) == {Reason.UNREADABLE: 1}
    assert sorted(running.asked) == ["/entity/country/gb", "/entity/country/it"]


def test_answers_are_kept_for_as_long_as_the_connector_says(installation: Installation) -> None:
    with service(saying_of_each(lambda _: {"entity": {"population": 5}})) as running:
        country(installation, running.url, cache=31_536_000)
        deliver(installation, an_export(installation), hours(0, 0))
        enrich(installation.deployment.control, "default", ["country"], hours(0, 0)[0], threading.Event())

    assert len(running.asked) == 2


def test_without_a_cache_it_is_asked_every_time(installation: Installation) -> None:
    with service(saying_of_each(lambda _: {"entity": {"population": 5}})) as running:
        country(installation, running.url, cache=0)
        for _ in range(2):
            enrich(installation.deployment.control, "default", ["country"], hours(0, 0)[0], threading.Event())

    assert len(running.asked) == 4


@pytest.mark.parametrize("address", ["nobody", "hangs up", "inside"])
def test_a_webhook_that_fails_costs_no_record(
    installation: Installation, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "export_pipeline.pipeline.enriching")
    with service(hanging_up) as running:
        webhook, reason = {
            "nobody": (f"http://127.0.0.1:{free_port()}", Reason.UNREACHABLE),
            "hangs up": (running.url, Reason.UNREACHABLE),
            "inside": ("http://169.254.169.254/latest", Reason.NOT_ALLOWED),
        }[address]
        connector = country(installation, webhook)
        deliver(installation, an_export(installation), hours(0, 0))

    assert populations(installation) == {"gb": "1", "it": "1"}
    assert failures(installation, connector) == {reason: 2}
    assert f"asked of 2 records: 2 {reason}" in caplog.text


def test_an_answer_that_is_no_more_true_is_not_used(installation: Installation) -> None:
    """It was answered once; now nobody does, and the plain record is what is known."""
    with service(saying_of_each(said)) as running:
        country(installation, running.url)
        window = hours(0, 0)[0]
        enrich(installation.deployment.control, "default", ["country"], window, threading.Event())
    deliver(installation, an_export(installation), hours(0, 0))

    assert populations(installation) == {"gb": "1", "it": "1"}


def test_webhooks_of_connectors_that_are_not_live_are_not_asked(installation: Installation) -> None:
    with service(saying_of_each(said)) as running:
        connector = country(installation, running.url)
        a_connector_is_live(installation.deployment.control, connector, live=False)
        deliver(installation, an_export(installation), hours(0, 0))

    assert running.asked == []
    assert populations(installation) == {}


def test_an_answer_of_another_type_costs_no_record_and_no_hour(installation: Installation) -> None:
    """One customer's service would keep the hour from all connectors of the entity type."""
    control = installation.deployment.control
    with service(
        saying_of_each(lambda _: {"entity": {"population": "many"}, "instance": {"x": 1}})
    ) as running:
        entity_type = an_entity_type(control, organization="default")
        asked = a_data_connector(control, entity_type, webhook=running.url, cache=60)
        a_record(control, asked, "gb", {"population": 1}, since=FIRST)
        a_record(
            control, a_data_connector(control, entity_type, "other"), "it", {"population": 2}, since=FIRST
        )
        (hour,) = deliver(installation, an_export(installation), hours(0, 0)).done

    assert hour.receipt.rows == 2
    assert populations(installation) == {"gb": "1", "it": "2"}
    assert failures(installation, asked) == {Reason.UNFIT: 1}


def test_a_value_of_another_type_refuses_the_hour_by_table_column_and_hour(
    installation: Installation,
) -> None:
    """As a record may have that was accepted under another schema."""
    connector = country(installation)
    for vendor_id in ("fr", "de"):
        a_record(installation.deployment.control, connector, vendor_id, {"population": "many"}, since=FIRST)
    chunk = deliver(installation, an_export(installation), hours(0, 0))

    (failure,) = chunk.failed
    assert failure.kind == "configure"
    assert failure.message.startswith("2026-01-05-00:00: country.population is int64, but 2 records have")
    assert "many" not in failure.message


def test_a_column_that_is_not_exported_may_have_any_value(installation: Installation) -> None:
    control = installation.deployment.control
    connector = country(installation)
    a_record(control, connector, "fr", {"population": "many", "x": [1]}, since=FIRST)
    export = installation.export("country", tables=[{"name": "country", "columns": ["vendor_id", "extra"]}])

    (hour,) = deliver(installation, export, hours(0, 0)).done

    assert hour.receipt.rows == 3
    file = installation.downloads / "country/2026-01-05-00-00.csv"
    with file.open(newline="") as opened:
        extras = {row["vendor_id"]: row["extra"] for row in csv.DictReader(opened)}
    assert json.loads(extras["fr"]) == {"x": [1]}
