"""The document's names for fields that the core calls otherwise."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from export_pipeline.errors import InvalidRequest

SPOKEN: Mapping[str, str] = {
    "access_key_id": "accessKey",
    "account_key": "accountKey",
    "account_name": "accountName",
    "bucket": "bucketName",
    "connector": "output.outputId",
    "endpoint_url": "endpointUrl",
    "external_id": "externalId",
    "first_hour": "startTime",
    "format": "fileFormat",
    "path": "output.outputPath",
    "region": "cloudRegion",
    "role_arn": "roleArn",
    "secret_access_key": "secretKey",
    "service_account": "serviceAccountCredentials",
    "since": "startTime",
    "subdirectory": "output.outputPath",
    "tables": "type",
    "tenant": "licenseKey",
    "until": "endTime",
}


@contextmanager
def named_as_asked(**also: str) -> Iterator[None]:
    """Have the core's refusals name fields as the client wrote them; `also`: here, besides."""
    names = {**SPOKEN, **also}
    try:
        yield
    except InvalidRequest as error:
        if error.field is None or error.field not in names:
            raise
        field, said = names[error.field], str(error).removeprefix(f"{error.field}: ")
        raise InvalidRequest(f"{field}: {said}", field=field) from error
