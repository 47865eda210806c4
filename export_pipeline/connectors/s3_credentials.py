"""In whose name a bucket of S3 is asked."""

from pydantic import BaseModel, Field, model_validator

from export_pipeline.connectors.secret import Secret


class S3Credentials(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """An access key, a role, or both: the key's user takes on the role.

    Without a key the deployment's own identity (environment, instance role) asks, or takes on the role.
    """

    access_key_id: str | None = Field(
        None, pattern=r"^[!-~]{1,128}$", description="the public half of the access key"
    )
    secret_access_key: Secret | None = Field(None, description="the secret half of the access key")
    role_arn: str | None = Field(
        None,
        pattern=r"^arn:[a-z-]+:iam:[a-z0-9-]*:[0-9]*:role/[A-Za-z0-9_+=,.@/-]{1,512}$",
        description="the role to take on, like arn:aws:iam::123456789012:role/exports",
    )
    external_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$",
        description="the external id that the role's trust policy asks for",
    )

    @model_validator(mode="after")
    def _what_goes_together(self) -> "S3Credentials":
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key go together: give both")
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id is for a role: give role_arn too, or leave it out")
        return self
