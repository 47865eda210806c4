"""The native face answers for every address that is nobody else's."""

from export_pipeline.api.native.face import NATIVE


def test_whatever_is_nobody_elses_is_its_own() -> None:
    assert NATIVE.has("/api/v1/keys")
    assert NATIVE.has("/nothing/at/all")
