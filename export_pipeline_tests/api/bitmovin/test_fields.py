"""Refusals of the core, said with the client's names of fields."""

import pytest

from export_pipeline.api.bitmovin.fields import named_as_asked
from export_pipeline.errors import InvalidRequest


@pytest.mark.parametrize(
    ("field", "message", "named", "said"),
    [
        ("until", "until: is past", "endTime", "endTime: is past"),
        ("tenant", "who is meant is not said", "licenseKey", "licenseKey: who is meant is not said"),
        ("columns", "columns: there is none", "columns", "columns: there is none"),
        (None, "nothing fits", None, "nothing fits"),
    ],
)
def test_a_field_is_named_as_the_client_wrote_it(
    field: str | None, message: str, named: str | None, said: str
) -> None:
    with pytest.raises(InvalidRequest) as refused, named_as_asked():
        raise InvalidRequest(message, field=field)

    assert (refused.value.field, str(refused.value)) == (named, said)
