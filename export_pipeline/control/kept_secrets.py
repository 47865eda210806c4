"""Replacing a connector's configuration without repeating its secrets, which nobody is ever shown."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.errors import InvalidRequest


def with_kept_secrets(config: Mapping[str, Any], before: ConnectorConfig) -> ConnectorConfig:
    """The new configuration, with the secrets of the one before that it says nothing of.

    Only for the same address: who can change a connector must not have its secrets sent elsewhere. For the
    same reason those of a part of it (`read`) are kept only while nothing else in that part changes. What
    cannot be kept has to be said: without it another identity might write there, our own even.
    """
    kept: list[str] = []
    lost: list[str] = []
    filled = _filled(config, before, "", kept, lost)
    if config.get("type") != before.type or not kept + lost:
        return config_from(config)
    problem: InvalidRequest
    try:
        new = config_from(filled)
    except InvalidRequest as error:
        problem = error
    else:
        if new.shown_to != before.shown_to:
            lost += kept
        if not lost:
            return new
        raise InvalidRequest(
            f"{lost[0]}: is not kept for another address ({', '.join(lost)}); give it anew, or null to do"
            " without",
            field=lost[0],
        )
    names = ", ".join(kept)
    raise InvalidRequest(f"{problem} (kept from before: {names}; null takes one away)", field=problem.field)


def _filled(
    given: Mapping[str, Any], before: BaseModel, above: str, kept: list[str], lost: list[str]
) -> dict[str, Any]:
    """What is given and what is kept; the names of secrets that are kept, and of those that cannot be."""
    filled = dict(given)
    for name, value in before:
        if isinstance(value, SecretStr) and name not in given:
            filled[name] = value.get_secret_value()
            kept.append(above + name)
        elif isinstance(value, BaseModel) and isinstance(given.get(name), Mapping):
            same = _same_but_for_secrets(given[name], value)
            part = _filled(given[name], value, f"{above}{name}.", kept if same else lost, lost)
            filled[name] = part if same else given[name]
    return filled


def _same_but_for_secrets(given: Mapping[str, Any], before: BaseModel) -> bool:
    secrets = {name for name, value in before if isinstance(value, SecretStr)}

    def rest(of: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in of.items() if name not in secrets and value is not None}

    return rest(given) == rest(before.model_dump(mode="json"))
