"""Refusals of the core name fields as the document does."""

import pytest

from export_pipeline.api.botify.fields import named_as_asked
from export_pipeline.errors import InvalidRequest


@pytest.mark.parametrize(
    ("field", "spoken"),
    [
        ("filename", "payload.extra_config.filename"),
        ("until", "payload.query.periods"),
        ("format.delimiter", "payload.formatter_config.delimiter"),
        ("format.header", "payload.formatter_config.header_format"),
        ("format.prepend_columns.0.value", "payload.formatter_config.prepend_columns.0.value"),
        ("format", "payload.formatter_config"),
        ("tables.0.columns", "payload.query.query.dimensions"),
        ("tables.0.columns.7", "payload.query.query.dimensions"),
        ("filters.0", "payload.query.query.filters"),
        ("tables", "payload.query.collections"),
    ],
)
def test_a_field_is_called_as_the_document_does(field: str, spoken: str) -> None:
    with pytest.raises(InvalidRequest) as refused, named_as_asked():
        raise InvalidRequest(f"{field}: is wrong", field=field)

    assert (refused.value.field, str(refused.value)) == (spoken, f"{spoken}: is wrong")


def test_what_is_the_documents_own_stays_as_it_is() -> None:
    with pytest.raises(InvalidRequest) as refused, named_as_asked():
        raise InvalidRequest("payload.connector: none", field="payload.connector")

    assert str(refused.value) == "payload.connector: none"
