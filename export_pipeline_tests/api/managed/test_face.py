"""The face has its own addresses, and nobody else's."""

from export_pipeline.api.managed.face import MANAGED


def test_its_addresses_are_those_of_the_document() -> None:
    assert MANAGED.has("/connectors")
    assert MANAGED.has("/connectors/acme-lake/start")
    assert not MANAGED.has("/connectors-of-others")
    assert not MANAGED.has("/v1/connectors/acme")
