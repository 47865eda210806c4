"""Files that wait at our place until the customer fetches them through the API."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.limits import KeyLimits
from export_pipeline.connectors.s3 import S3Config

# Where an operator may keep the files: `type` says which.
Store = Annotated[FolderConfig | S3Config, Field(discriminator="type")]


class DirectDownloadConfig(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """The way out for customers without a bucket. Its store is the operator's choice, not theirs."""

    type: Literal["direct_download"] = "direct_download"
    store: Store = Field(description="where the files wait: a folder or an S3 bucket of the operator")
    row_limit: int = Field(1_000_000, ge=1, description="the most rows an export may hold")

    inside: ClassVar[bool] = True

    @property
    def location(self) -> str:
        """The same for everybody: where we keep files is not the customer's to know."""
        return "direct download"

    @property
    def address(self) -> str:
        return self.store.address

    @property
    def key_limits(self) -> KeyLimits:
        return self.store.key_limits

    def open(self) -> Destination:
        return self.store.open()
