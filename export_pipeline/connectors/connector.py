"""Every type of connector there is. A new type is one module, and one line here."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.direct_download import Store as DirectDownloadStore
from export_pipeline.connectors.gcs import GcsConfig
from export_pipeline.connectors.http import HttpConfig
from export_pipeline.connectors.mounted_folder import MountedFolderConfig
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.secret import MASK
from export_pipeline.dataset.tables import suggestion
from export_pipeline.errors import InvalidRequest
from export_pipeline.wording import said

# Each has `type`, `open() -> Destination`, `location` (a name for people), `address` (a URL: its host is
# called), `shown_to` (the addresses of all who are shown its credentials), `inside` (whether not everybody
# need reach it), `row_limit` (None: any number), `key_limits` (what it asks of keys, its prefix counted) and
# `operators_only` (None, or why it is not for customers).
ConnectorConfig = Annotated[
    AzureConfig | DirectDownloadConfig | GcsConfig | HttpConfig | MountedFolderConfig | S3Config,
    Field(discriminator="type"),
]

_CONFIG: TypeAdapter[ConnectorConfig] = TypeAdapter(
    ConnectorConfig,
    config=ConfigDict(hide_input_in_errors=True),  # it holds secrets
)


def config_from(data: Mapping[str, Any] | str | bytes) -> ConnectorConfig:
    """The connector that `data` describes: a mapping, or JSON as `reveal` gives it.

    InvalidRequest otherwise, naming the field and the cure, and no value: it might be a secret.
    """
    try:
        if isinstance(data, str | bytes):
            return _CONFIG.validate_json(data)
        return _CONFIG.validate_python(dict(data))
    except ValidationError as error:
        problems = list(_problems(error))
    # Outside of the handler, so that the values in the original error are not carried along.
    raise InvalidRequest("; ".join(problem for _, problem in problems), field=problems[0][0])


def without_secrets(type_: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """What was written of a connector of that type, `{env = "VARIABLE"}` and all, with a mask for secrets.

    A text of which it is not known what it is, as its field is spelled wrongly, may be one too.
    """
    return _masked(MODELS.get(type_), written)


def _masked(model: type[BaseModel] | None, written: Mapping[str, Any]) -> dict[str, Any]:
    fields = model.model_fields if model else {}
    masked: dict[str, Any] = {}
    for name, value in written.items():
        if isinstance(value, Mapping) and value.keys() != {"env"}:
            inner = _held_by(model, name)
            masked[name] = _masked(inner, value) if inner or name not in fields else value
        elif isinstance(value, str) and (name not in fields or _is_secret(fields[name].annotation)):
            masked[name] = MASK
        else:
            masked[name] = value
    return masked


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


def _problems(error: ValidationError) -> Iterator[tuple[str | None, str]]:
    for details in error.errors(include_url=False, include_input=False, include_context=False):
        model, names = _place(details)
        field = ".".join(names)
        yield field or None, f"{field}: {_said(details, model, names)}" if field else said(details)


def _place(details: ErrorDetails) -> tuple[type[BaseModel] | None, list[str]]:
    """The model in which the problem is, and the field as the customer wrote it, without the unions' tags."""
    model: type[BaseModel] | None = None
    inner, names = model, []
    for part in map(str, details["loc"]):
        if part in MODELS:
            model = inner = MODELS[part]
        else:
            model = inner
            inner = _held_by(model, part) or model
            names.append(part)
    if details["type"].startswith("union_tag"):
        names.append("type")
    return model, names


def _held_by(model: type[BaseModel] | None, field: str) -> type[BaseModel] | None:
    """The model that the field of that name holds, if it holds one."""
    known = model.model_fields.get(field) if model else None
    kinds = get_args(known.annotation) if known else ()
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _said(details: ErrorDetails, model: type[BaseModel] | None, names: list[str]) -> str:
    fields = model.model_fields if model else {}
    match details["type"]:
        case "extra_forbidden":
            return f"there is no such field{suggestion(names[-1], list(fields))}"
        case "union_tag_not_found" | "union_tag_invalid":
            known = CONNECTOR_TYPES if names == ["type"] else STORE_TYPES
            return f"must be one of {', '.join(known)}"
        case _:
            about = fields[names[-1]].description if names[-1] in fields else None
            return f"{said(details)} ({about})" if about else said(details)


def _models(union: Any) -> dict[str, type[BaseModel]]:
    return {model.model_fields["type"].default: model for model in get_args(get_args(union)[0])}


CONNECTOR_TYPES = _models(ConnectorConfig)
STORE_TYPES = _models(DirectDownloadStore)
MODELS = {**STORE_TYPES, **CONNECTOR_TYPES}
