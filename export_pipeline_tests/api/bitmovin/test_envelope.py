"""What answers are wrapped in, right and wrong ones."""

from datetime import datetime, timedelta, timezone

import httpx
import pytest
from bitmovin_api_sdk import BitmovinApi, BitmovinError, MessageType

from export_pipeline.api.bitmovin.envelope import instant
from export_pipeline_tests.api.bitmovin.conftest import Customer, a_role_output
from export_pipeline_tests.api.conftest import Api


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 1, 5, 1, 2, 3, 999_999, tzinfo=timezone(timedelta(hours=1)))

    assert instant(moment) == "2026-01-05T00:02:03.999Z"


def test_an_answer_says_which_request_it_is_for(api: Api, customer: Customer) -> None:
    served = httpx.get(f"{api.url}/v1/analytics/outputs/azure", headers={"X-Api-Key": customer.key})

    document = served.json()
    assert document["status"] == "SUCCESS"
    assert document["requestId"] == served.headers["X-Request-ID"]
    assert document["data"]["result"]["items"] == []


def test_a_refusal_is_understood_by_the_client_down_to_its_details(customer: Customer) -> None:
    with pytest.raises(BitmovinError) as refused:
        customer.outputs.s3_role_based.create(a_role_output(bucket_name="no/bucket"))

    error = refused.value
    assert (error.http_status_code, error.error_code) == (400, 400)
    assert error.short_message.startswith("bucketName: ")
    (detail,) = error.details
    assert (detail.field, detail.type) == ("bucketName", MessageType.ERROR)
    assert "bare name" in detail.text
    assert detail.date.tzinfo is not None


def test_who_is_unknown_is_told_so_in_the_same_shape(api: Api) -> None:
    stranger = BitmovinApi(api_key="guessed", base_url=f"{api.url}/v1")

    with pytest.raises(BitmovinError) as refused:
        stranger.analytics.outputs.azure.list()

    assert (refused.value.http_status_code, refused.value.error_code) == (401, 401)


@pytest.mark.parametrize("path", ["/v1/analytics/queries/sum", "/v1/analytics", "/v1/analytics/outputs"])
def test_an_address_that_is_none_is_told_so_in_the_same_shape(api: Api, path: str) -> None:
    refused = httpx.get(f"{api.url}{path}").json()

    assert refused["status"] == "ERROR"
    assert refused["data"]["code"] == 404


def test_a_body_that_is_no_json_is_told_so(api: Api, customer: Customer) -> None:
    refused = httpx.post(
        f"{api.url}/v1/analytics/outputs/azure",
        content=b"{",
        headers={"X-Api-Key": customer.key, "Content-Type": "application/json"},
    )

    assert refused.status_code == 400
    assert "is not JSON" in refused.json()["data"]["message"]
