"""Files that wait at our place until the customer fetches them through the API."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.gcs import GcsConfig
from export_pipeline.connectors.limits import KeyLimits
from export_pipeline.connectors.locations import below
from export_pipeline.connectors.operators_store import OperatorsStore, Places
from export_pipeline.connectors.s3 import S3Config

# Every organization has one of this name, as the Botify document says: always available, no options. Those
# that it makes besides are of this type too.
DIRECT_DOWNLOAD = "direct_download"

# Where an operator may keep the files: `type` says which.
Store = Annotated[AzureConfig | FolderConfig | GcsConfig | S3Config, Field(discriminator="type")]


def part_of(store: Store, whose: str) -> Store:
    """A part of the store for an organization, or a connector of it: its paths meet nobody else's."""
    if isinstance(store, FolderConfig):
        return store.model_copy(update={"path": store.path / whose})
    return store.model_copy(update={"prefix": f"{below(store.prefix)}{whose}"})


class DirectDownloadConfig(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """The way out for customers without a bucket. Its store is the operator's choice, not theirs."""

    type: Literal["direct_download"] = "direct_download"
    store: Store = Field(description="where the files wait: a folder or a bucket of the operator")
    row_limit: int = Field(1_000_000, ge=1, description="the most rows an export may hold")

    inside: ClassVar[bool] = True  # the operator's own choice
    shown_to: ClassVar[tuple[str, ...]] = ()  # it holds none of the customer's

    @property
    def location(self) -> str:
        """The same for everybody: where we keep files is not the customer's to know."""
        return "direct download"

    @property
    def address(self) -> str:
        return self.store.address

    @property
    def places(self) -> Places:
        """What customers are not told."""
        return Places(self.store, self.address)

    @property
    def key_limits(self) -> KeyLimits:
        return self.store.key_limits

    @property
    def operators_only(self) -> str:
        """Why customers must not have this connector made."""
        return "type: direct_download is there already, under that name, for everyone; use it as it is"

    def open(self) -> Destination:
        places = self.places
        with places.left_out():
            return OperatorsStore(self.store.open(), places)


# What is stored of each: where it leads is read from the operator's settings, each time. Nothing can be
# written here by mistake.
UNPLACED = DirectDownloadConfig(store=FolderConfig(path=Path("/dev/null")))
