"""Whatever stands in a request, it is accepted or refused in the document's words, and never a bug."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipeline_tests.api.botify.asking import JOBS, a_job
from export_pipeline_tests.api.conftest import Somebody
from export_pipeline_tests.api.managed.payloads import CONFIGS, a_payload

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    ("job_type",),
    ("metadata",),
    ("payload",),
    *(
        ("payload", name)
        for name in ("username", "project", "connector", "extra_config", "formatter", "query")
    ),
    *(("payload", name) for name in ("formatter_config", "export_size")),
    *(("payload", "formatter_config", name) for name in ("delimiter", "prepend_columns", "header_format")),
    *(("payload", "query", name) for name in ("collections", "periods", "query")),
    *(("payload", "query", "query", name) for name in ("dimensions", "filters", "sort", "metrics")),
]
SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SETTINGS
@given(field=st.sampled_from(FIELDS), value=VALUES)
def test_no_job_is_a_bug(admin: Somebody, field: tuple[str, ...], value: Any) -> None:
    job: dict[str, Any] = a_job(admin)
    *above, last = field
    inner = job
    for name in above:
        inner = inner[name]
    inner[last] = value

    answer = admin.post(JOBS, json=job)

    assert answer.status_code in (201, 400, 404), answer.text
    assert answer.status_code == 201 or answer.json()["error"]["error_code"]


@pytest.mark.parametrize("storage_type", CONFIGS)
@SETTINGS
@given(data=st.data(), value=VALUES)
def test_no_connector_is_a_bug(admin: Somebody, storage_type: str, data: st.DataObject, value: Any) -> None:
    payload = a_payload(storage_type)
    payload["storage_config"][data.draw(st.sampled_from([*CONFIGS[storage_type]]))] = value

    answer = admin.post("/connectors/acme-lake", json=payload)

    assert answer.status_code in (201, 400, 409), answer.text
