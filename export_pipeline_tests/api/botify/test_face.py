"""The face has two addresses of `/v1`, and leaves the others to others."""

from export_pipeline.api.botify.face import BOTIFY


def test_its_addresses_are_its_own() -> None:
    assert BOTIFY.has("/v1/jobs")
    assert BOTIFY.has("/v1/jobs/7")
    assert BOTIFY.has("/v1/connectors/acme")
    assert not BOTIFY.has("/v1/analytics/exports")
    assert not BOTIFY.has("/v1/entity")
    assert not BOTIFY.has("/connectors/acme")
