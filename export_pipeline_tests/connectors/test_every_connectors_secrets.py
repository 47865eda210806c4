"""For every type of connector and every field of it: a secret in any place, right or wrong, is not echoed."""

import copy
import json
import traceback
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from export_pipeline.connectors.connector import CONNECTOR_TYPES, MODELS, ConnectorConfig, config_from
from export_pipeline.connectors.secret import reveal
from export_pipeline.errors import InvalidRequest
from export_pipeline_tests.secret_forms import Search, secrets_of

PASTED = "wJalrXUtnFEMI/K7MDENG:bPxRfi CYEXAMPLEKEY"

FIELDS = [(type_, name) for type_, model in CONNECTOR_TYPES.items() for name in model.model_fields]
ADDRESSES = [(type_, name) for type_, name in FIELDS if name in ("url", "endpoint_url")]


def said_of(data: dict[str, Any]) -> str | None:
    """All that is said of the refusal, traceback and all; None when it is no mistake."""
    try:
        config_from(data)
    except InvalidRequest as refused:
        return "".join(traceback.format_exception(refused))
    return None


def test_a_connector_shows_its_secrets_nowhere(connector: ConnectorConfig) -> None:
    secrets = secrets_of(connector)
    search = Search(secrets or {"none": "a type without secrets"})

    shown = [
        repr(connector),
        str(connector),
        f"{connector!r:>1} {connector}",
        connector.model_dump_json(),
        json.dumps(connector.model_dump(mode="json")),
        json.dumps(connector.model_dump(mode="json", context={"context": "STORE"})),
        repr(connector.model_dump()),
        repr(vars(connector)),
        repr(dict(connector)),
        repr(copy.deepcopy(connector)),
        connector.location,
        json.dumps(type(connector).model_json_schema()),
        repr(connector.open()),
    ]

    assert search.found_in("\n".join(shown).encode()) == set()
    assert bool(search.found_in(reveal(connector).encode())) == bool(secrets)


@pytest.mark.parametrize(("type_", "name"), FIELDS)
@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: [text], lambda text: {"env": 1, "x": text}])
def test_a_secret_pasted_into_any_field_is_not_echoed(type_: str, name: str, wrap: Any) -> None:
    said = said_of({"type": type_, name: wrap(PASTED)} if name != "type" else {"type": wrap(PASTED)})

    assert said is not None, "other fields are missing"
    assert Search({"what was pasted": PASTED}).found_in(said.encode()) == set()


@pytest.mark.parametrize("type_", CONNECTOR_TYPES)
def test_neither_is_one_beside_the_fields(type_: str) -> None:
    said = said_of({"type": type_, "secret": PASTED, "password ": PASTED})

    assert said is not None
    assert PASTED not in said


@pytest.mark.parametrize(("type_", "name"), ADDRESSES)
@pytest.mark.parametrize(
    "address",
    ["https://user:{}@store.example", "https://{}@store.example", "https://user:{}@store.example/$key", "{}"],
)
def test_addresses_with_passwords_are_refused_and_not_echoed(type_: str, name: str, address: str) -> None:
    password = "wJalrXUtnFEMI.K7MDENG"

    said = said_of({"type": type_, name: address.format(password)})

    assert said is not None
    assert f"{name}: must" in said
    assert password not in said


@pytest.mark.parametrize("model", list(dict.fromkeys(MODELS.values())), ids=lambda model: model.__name__)
def test_no_model_quotes_what_it_was_given_though_it_is_made_directly(model: type[BaseModel]) -> None:
    for name in model.model_fields:
        with pytest.raises(ValidationError) as refused:
            model.model_validate({name: [PASTED], "not a field": PASTED})
        assert PASTED not in str(refused.value)
