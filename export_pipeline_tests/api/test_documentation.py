"""The description of the API, and the page to read it on, which calls on nobody else."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from export_pipeline_tests.api.conftest import Api, serving


def test_the_page_and_all_that_it_loads_come_from_here(api: Api) -> None:
    page = httpx.get(f"{api.url}/docs")

    assert page.is_success
    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert {address for address in loaded if not address.startswith("data:")} == {
        "docs/swagger-ui-bundle.js",
        "docs/swagger-ui.css",
    }
    assert "url: 'openapi.json'" in page.text
    assert "https://" not in page.text
    for address in ("docs/swagger-ui-bundle.js", "docs/swagger-ui.css"):
        asset = httpx.get(page.url.join(address))
        assert asset.is_success
        assert len(asset.content) > 10_000


def test_behind_a_proxy_the_description_says_where_clients_reach_it(
    api: Api, tmp_path: Path, description: dict[str, object]
) -> None:
    """All of the page is below the proxy's path then, which the page need not know, but requests must."""
    outside = "https://data.example.com/exports"
    with serving(api.installation, tmp_path / "log", EXPORT_PIPELINE_API_URL=outside) as url:
        described = httpx.get(f"{url}/openapi.json").json()

    assert described == {**description, "servers": [{"url": outside}]}


@pytest.fixture
def description(api: Api) -> dict[str, object]:
    found: dict[str, object] = httpx.get(f"{api.url}/openapi.json").json()
    return found


def test_nothing_of_the_description_leads_nowhere(description: dict[str, object]) -> None:
    text = str(description)
    names = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert names <= description["components"]["schemas"].keys()  # type: ignore[index]
    assert "422" not in text
    assert "HTTPValidationError" not in text


def test_every_schema_is_one_and_every_route_says_what_it_does(description: dict[str, object]) -> None:
    for schema in description["components"]["schemas"].values():  # type: ignore[index]
        Draft202012Validator.check_schema(schema)
    routes = [route for of_path in description["paths"].values() for route in of_path.values()]  # type: ignore[attr-defined]
    assert len(routes) > 30
    assert all(route["description"] for route in routes)


def test_what_is_wrong_is_described_with_an_example(
    description: dict[str, object],
) -> None:
    route = description["paths"]["/api/v1/exports"]["post"]  # type: ignore[index]
    described = route["responses"]["400"]["content"]["application/problem+json"]
    assert described["schema"] == {"$ref": "#/components/schemas/ProblemDocument"}
    schema = description["components"]["schemas"]["ProblemDocument"]  # type: ignore[index]
    assert described["example"].keys() <= schema["properties"].keys()


def test_whatever_a_body_needs_has_an_example(description: dict[str, Any]) -> None:
    """So that what the page offers to try is a request."""
    schemas = description["components"]["schemas"]
    bodies = {
        content["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for of_path in description["paths"].values()
        for route in of_path.values()
        if (content := route.get("requestBody"))
    }
    assert len(bodies) > 10

    without = [
        f"{name}.{field}"
        for name in sorted(bodies)
        for field in schemas[name].get("required", [])
        if not schemas[name]["properties"][field].get("examples")
    ]
    assert without == []
