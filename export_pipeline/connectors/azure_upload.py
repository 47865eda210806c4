"""The blocks of one blob on their way to Azure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.storage.blob import BlobBlock

from export_pipeline.connectors.destination import WHATEVER, Proof, Version
from export_pipeline.connectors.parts import Part
from export_pipeline.connectors.retrying import retried
from export_pipeline.connectors.strangers import Odd
from export_pipeline.connectors.streamed import UPLOAD_ID, named, nothing_published

if TYPE_CHECKING:
    from export_pipeline.connectors.azure_store import AzureDestination


class AzureSending:
    """See `Sending`. Uncommitted blocks are invisible; the store itself forgets them after a week."""

    def __init__(self, store: "AzureDestination", key: str, metadata: Mapping[str, str]) -> None:
        self._store = store
        self._key = key
        self._blob = store.blob(key)
        self._metadata = named(metadata)
        self._blocks: list[BlobBlock] = []
        self._told: list[bool] = []  # of each block, whether the store said what MD5 it has

    @property
    def proof(self) -> Proof:
        """See `Upload`. The client has compared what was told; a store that looks at no MD5 tells none."""
        return Proof.CHECKSUM if self._told and all(self._told) else Proof.ANSWER

    def begin_parts(self) -> bool:
        return False  # every blob is joined from its blocks

    def send(self, part: Part) -> None:
        # All writers to a name share its uncommitted blocks: so a block is named for its upload as well.
        block = f"{self._metadata[UPLOAD_ID]}-{part.number:05}"

        def stage() -> bool:
            with self._store.translated("write", self._key):
                answer = self._blob.stage_block(
                    block, part.content(), part.size, validate_content="md5", **self._store.encrypted
                )
                return answer.get("content_md5") is not None

        self._told.append(retried(stage))
        self._blocks.append(BlobBlock(block))

    def publish(self, last: Part, *, replaces: Version | None) -> Version:
        # By a list of blocks even if it is one: a request without blocks may find the name taken by those
        # that a killed run has left there, although no blob is to be seen.
        if last.size:
            with nothing_published():
                self.send(last)

        def join() -> Version:
            with self._store.translated("write", self._key):
                joined = self._blob.commit_block_list(
                    self._blocks,
                    metadata=as_identifiers(self._metadata),
                    **self._store.published,
                    **self._store.encrypted,
                    **_if(replaces),
                )
                return version_of(joined["etag"])

        return retried(join)

    def published(self) -> Version | None:
        found = self._store.present(self._key)
        if found is None or found.metadata.get(UPLOAD_ID.replace("-", "_")) != self._metadata[UPLOAD_ID]:
            return None
        return version_of(found.etag)

    def abandon(self) -> None:
        """Nothing to be done: there is no request that makes Azure forget blocks."""


def _if(replaces: Version | None) -> dict[str, Any]:
    if replaces is None:
        return {"match_condition": MatchConditions.IfMissing}
    if replaces == WHATEVER:
        return {}
    return {"etag": f'"{replaces}"', "match_condition": MatchConditions.IfNotModified}


def as_identifiers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as Azure takes it: its names must be identifiers of C#, which have no dashes."""
    return {name.replace("-", "_"): value for name, value in metadata.items()}


def from_identifiers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as it was before `as_identifiers`. Our names have no underscores, so nothing is lost."""
    return {name.replace("_", "-"): value for name, value in metadata.items()}


def version_of(etag: object) -> Version:
    """The version that an ETag says: with its quotes in the head of an answer, without them in a list."""
    if not isinstance(etag, str):
        raise Odd("no ETag")
    return Version(etag.strip('"'))
