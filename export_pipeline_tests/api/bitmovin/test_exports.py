"""Export tasks are accepted, shown and listed with Bitmovin's own client; nothing is exported here."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from bitmovin_api_sdk import (
    AnalyticsExportFileFormat,
    AnalyticsExportStatus,
    AnalyticsExportTaskListQueryParams,
    AnalyticsExportTaskOutputTarget,
    AnalyticsExportType,
    BitmovinError,
)

from export_pipeline.control.connectors import fail_connector
from export_pipeline.control.tenants import give_tenant
from export_pipeline.store.connectors import find_connector, find_connector_by_id
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import list_exports
from export_pipeline_tests.api.bitmovin.conftest import Customer, a_customer, a_role_output, a_task, fields
from export_pipeline_tests.api.bitmovin.viewing import ACME, DECLARATION, OTHER, viewing
from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.installations import FIRST

SEEDS_OWN = """{
"startTime": "2019-09-01T12:00:00.000Z",
"endTime": "2018-09-30T12:00:00.000Z",
"name": "Your first Analytics Export Task",
"licenseKey": "<YOUR_ANALYTICS_LICENSE_KEY>",
"output": {
"outputPath": "path/to/your/desired/destination-on-your-bucket/",
"outputId": "%s"
}
}"""


@pytest.fixture
def output(customer: Customer) -> str:
    made: str = customer.outputs.s3_role_based.create(a_role_output()).id
    return made


def target(output: str, path: str) -> AnalyticsExportTaskOutputTarget:
    return AnalyticsExportTaskOutputTarget(output_path=path, output_id=output)


def definitions(api: Api, customer: Customer) -> list[Any]:
    """What the customer's tasks export."""
    with reading(api.installation.deployment.control) as connection:
        return [export.definition for export in list_exports(connection, customer.organization)]


def test_a_task_comes_back_as_it_was_asked_for_and_is_queued(customer: Customer, output: str) -> None:
    asked = a_task(
        output,
        description="for BI",
        columns=["PLAYED", "IMPRESSION_ID"],
        type_=AnalyticsExportType.SESSIONS,
        file_format=AnalyticsExportFileFormat.PARQUET,
    )

    made = customer.exports.create(asked)

    assert made.id
    assert (made.name, made.description, made.license_key) == (asked.name, "for BI", ACME)
    assert (made.start_time, made.end_time) == (FIRST, FIRST + timedelta(hours=3))
    assert (made.output.output_id, made.output.output_path) == (output, "path/to/")
    assert (made.columns, made.type) == (["PLAYED", "IMPRESSION_ID"], AnalyticsExportType.SESSIONS)
    assert made.file_format is AnalyticsExportFileFormat.PARQUET
    assert (made.status, made.progress) == (AnalyticsExportStatus.QUEUED, 0)
    assert (made.started_at, made.finished_at) == (None, None)
    shown = customer.exports.get(made.id)
    assert shown.to_dict() == made.to_dict()


def test_a_task_is_what_the_core_is_asked_for(api: Api, customer: Customer, output: str) -> None:
    ads = {"type_": AnalyticsExportType.ADS, "columns": ["CLICK_POSITION"]}

    customer.exports.create(a_task(output, output=target(output, "$a/b"), **ads))

    (definition,) = definitions(api, customer)
    assert [choice.model_dump() for choice in definition.tables] == [
        {"name": "ad_impressions", "columns": ("CLICK_POSITION",), "filters": ()}
    ]
    assert definition.tenant == ACME
    assert definition.format.extension == "csv"
    assert definition.path == "$$a/b/$year-$month-$day-$hour-$minute.$extension"


def test_both_forms_of_the_address_are_taken(api: Api, customer: Customer, output: str) -> None:
    body = a_task(output).to_dict()
    text = json.dumps(body, default=lambda one: one.to_dict() if hasattr(one, "to_dict") else one.isoformat())
    with httpx.Client(base_url=api.url, headers={"X-Api-Key": customer.key}) as http:
        for path in ("/v1/analytics/exports", "/v1/analytics/exports/"):
            made = http.post(path, content=text, headers={"Content-Type": "application/json"})
            assert made.status_code == 201, made.text
            assert http.get(path).json()["data"]["result"]["totalCount"] > 0


def test_tasks_are_listed_in_pages_the_newest_first(customer: Customer, output: str) -> None:
    made = [customer.exports.create(a_task(output, name=f"task {number}")).id for number in range(5)]

    listed = []
    for offset in (0, 2, 4):
        page = customer.exports.list(AnalyticsExportTaskListQueryParams(offset=offset, limit=2))
        assert (page.total_count, page.offset, page.limit) == (5, offset, 2)
        assert (page.next is None) is (offset == 4)
        listed += [task.id for task in page.items]
    assert listed == made[::-1]
    assert len(customer.exports.list().items) == 5


def test_a_task_is_another_organizations_secret(customer: Customer, other: Customer, output: str) -> None:
    made = customer.exports.create(a_task(output))

    with pytest.raises(BitmovinError) as refused:
        other.exports.get(made.id)

    assert refused.value.http_status_code == 404
    assert other.exports.list().items == []


def test_another_organizations_output_is_none(api: Api, other: Customer, output: str) -> None:
    with pytest.raises(BitmovinError) as refused:
        other.exports.create(a_task(output))

    assert refused.value.http_status_code == 400
    assert fields(refused) == ["output.outputId"]
    assert definitions(api, other) == []


def test_the_documents_own_sample_ends_before_it_begins_and_is_told_so(
    api: Api, customer: Customer, output: str
) -> None:
    refused = httpx.post(
        f"{api.url}/v1/analytics/exports/",
        content=SEEDS_OWN % output,
        headers={"Content-Type": "application/json", "X-Api-Key": customer.key},
    )

    assert refused.status_code == 400
    (detail,) = refused.json()["data"]["details"]
    assert detail["field"] == "endTime"
    assert "is not after the start" in detail["text"]
    assert definitions(api, customer) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": None}, ["name"]),
        ({"license_key": None}, ["licenseKey"]),
        ({"license_key": "a\0b"}, ["licenseKey"]),
        ({"start_time": None, "end_time": None}, ["startTime", "endTime"]),
        ({"end_time": FIRST + timedelta(days=400)}, ["endTime"]),
        ({"end_time": FIRST + timedelta(days=40_000)}, ["endTime"]),
        ({"columns": ["PLAYD"]}, ["columns"]),
        ({"columns": ["PLAYED", "played"]}, ["columns"]),
        ({"output": AnalyticsExportTaskOutputTarget(output_path="p")}, ["output.outputId"]),
        ({"output": target("no-such-output", "p")}, ["output.outputId"]),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    api: Api, customer: Customer, output: str, changes: dict[str, Any], named: list[str]
) -> None:
    with pytest.raises(BitmovinError) as refused:
        customer.exports.create(a_task(output, **changes))

    assert refused.value.http_status_code == 400
    assert fields(refused) == named
    assert definitions(api, customer) == []
    assert customer.exports.list().total_count == 0


@pytest.mark.parametrize("path", ["/absolute", "a/../../b", "a//b", "a\\b", "a\0b", "_receipts", "x" * 1025])
def test_a_path_that_leads_astray_is_refused(api: Api, customer: Customer, output: str, path: str) -> None:
    with pytest.raises(BitmovinError) as refused:
        customer.exports.create(a_task(output, output=target(output, path)))

    assert refused.value.http_status_code == 400
    assert fields(refused) == ["output.outputPath"]
    assert definitions(api, customer) == []


def test_files_of_another_task_are_not_overwritten_by_others_of_the_same_name(
    customer: Customer, output: str
) -> None:
    first = customer.exports.create(a_task(output))

    with pytest.raises(BitmovinError) as refused:
        customer.exports.create(a_task(output, columns=["PLAYED"]))

    assert fields(refused) == ["output.outputPath"]
    assert first.id in refused.value.details[0].text
    assert customer.exports.create(a_task(output)).id != first.id  # the same again is exported again


def test_where_no_table_is_declared_the_operators_cure_is_told(
    api: Api, customer: Customer, output: str
) -> None:
    declaration = api.installation.folder / "dataset.toml"
    declaration.write_text(DECLARATION.replace('ads = "ad_impressions"', ""))
    try:
        with pytest.raises(BitmovinError) as refused:
            customer.exports.create(a_task(output, type_=AnalyticsExportType.ADS))
    finally:
        declaration.write_text(DECLARATION)

    assert fields(refused) == ["type"]
    assert "[faces.bitmovin]" in refused.value.details[0].text


def test_a_task_whose_output_is_failed_has_failed_as_far_as_its_owner_is_concerned(
    api: Api, customer: Customer, output: str
) -> None:
    made = customer.exports.create(a_task(output))
    control = api.installation.deployment.control
    with writing(control) as connection:
        name = find_connector_by_id(connection, customer.organization, output).name
        fail_connector(connection, customer.organization, name, "The bucket is full.")

    assert customer.exports.get(made.id).status is AnalyticsExportStatus.ERROR
    with httpx.Client(base_url=api.url, headers={"X-Api-Key": customer.key}) as http:
        shown = http.get(f"/v1/analytics/exports/{made.id}").json()["data"]["result"]
    assert "The bucket is full." in shown["reason"]
    with reading(control) as connection:
        assert find_connector(connection, customer.organization, name).state == "FAILED"


def test_an_output_that_was_used_can_be_deleted_and_what_waits_for_it_fails(
    customer: Customer, output: str
) -> None:
    made = customer.exports.create(a_task(output))

    assert customer.outputs.s3_role_based.delete(output).id == output

    shown = customer.exports.get(made.id)
    assert shown.status is AnalyticsExportStatus.ERROR
    assert shown.finished_at is not None


def test_another_customers_license_is_refused_once_licenses_are_given(tmp_path: Path) -> None:
    with viewing(tmp_path / "home") as installation, serving(installation, tmp_path / "log") as url:
        api = Api(url, installation, tmp_path / "log")
        customer, other = a_customer(api), a_customer(api)
        with writing(installation.deployment.control) as connection:
            give_tenant(connection, customer.organization, ACME)
            give_tenant(connection, other.organization, OTHER)
        output = customer.outputs.s3_role_based.create(a_role_output()).id

        with pytest.raises(BitmovinError) as refused:
            customer.exports.create(a_task(output, license_key=OTHER))

        assert fields(refused) == ["licenseKey"]
        assert customer.exports.create(a_task(output)).license_key == ACME


def test_a_key_that_may_only_look_asks_for_nothing(api: Api, customer: Customer, output: str) -> None:
    viewer = Customer(customer.organization, api.key(customer.organization, "exports:view"), api.url)

    with pytest.raises(BitmovinError) as refused:
        viewer.exports.create(a_task(output))

    assert refused.value.http_status_code == 403
    assert viewer.exports.list().total_count == 0


def test_a_key_of_several_organizations_says_which_by_the_clients_own_header(
    api: Api, customer: Customer, other: Customer, output: str
) -> None:
    key = api.key(customer.organization, "admin", also=[other.organization])
    made = customer.exports.create(a_task(output))

    def there(organization: str) -> Any:
        both = Customer(customer.organization, key, api.url)
        return both.in_organization(organization).analytics.exports.list()

    assert [task.id for task in there(customer.organization).items] == [made.id]
    assert there(other.organization).items == []
