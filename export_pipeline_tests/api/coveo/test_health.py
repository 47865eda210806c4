"""Whether the services are there, in the words that each has for it; without a key."""

import httpx
import pytest

from export_pipeline_tests.api.conftest import Api


@pytest.mark.parametrize("prefix", ["/rest/ua/v15", "/rest/v15"])
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/exports/monitoring/health", "up"),
        ("/exports/status", "online"),
        ("/dimensions/monitoring/health", "up"),
        ("/dimensions/status", "online"),
        ("/filters/monitoring/health", "UP"),
        ("/filters/status", "online"),
    ],
)
def test_anybody_may_ask(api: Api, prefix: str, path: str, said: str) -> None:
    answer = httpx.get(f"{api.url}{prefix}{path}")

    assert (answer.status_code, answer.json()) == (200, {"status": said})
