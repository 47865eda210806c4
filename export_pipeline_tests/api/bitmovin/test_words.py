"""What clients write, field by field."""

import httpx
import pytest
from fastapi.exceptions import RequestValidationError

from export_pipeline.api.bitmovin.words import Words
from export_pipeline.api.bodies import read_as
from export_pipeline_tests.api.bitmovin.conftest import Customer


class Thing(Words):
    """Something with one field."""

    secret_key: str


def test_fields_are_spelled_as_the_document_spells_them() -> None:
    assert read_as(Thing, {"secretKey": "x"}).secret_key == "x"
    with pytest.raises(RequestValidationError) as refused:
        read_as(Thing, {"secret_key": "never-told-anybody"})

    assert [one["loc"] for one in refused.value.errors()] == [("body", "secretKey"), ("body", "secret_key")]
    assert "never-told" not in str(refused.value.errors())


def test_what_the_service_fills_in_may_be_sent_back() -> None:
    assert read_as(Thing, {"secretKey": "x", "id": "1", "createdAt": "?", "modifiedAt": None})


@pytest.mark.parametrize("id_", ["a%20b", "a.b", "x" * 65, "%ED%A0%80"])
def test_what_is_no_id_is_nobodys(customer: Customer, id_: str) -> None:
    for path in ("exports", "outputs/azure"):
        refused = httpx.get(f"{customer.url}/v1/analytics/{path}/{id_}", headers={"X-Api-Key": customer.key})

        assert refused.status_code == 404
        assert refused.json()["status"] == "ERROR"
