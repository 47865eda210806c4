"""What an operator sets, from the environment.

Read by the entry points only; everything else gets arguments.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from export_pipeline.connectors.locations import Endpoint, address_like
from export_pipeline.exports.export import LONGEST_SLUG, SHORTEST_SLUG, SLUG_PATTERN

# An address's path, without a slash at its end.
ApiBase = Annotated[str, Field(pattern=r"^(/[a-z0-9][a-z0-9._-]*)+$", max_length=200)]

# A path that ends so names a document, whether or not it is there; any other names a folder.
DOCUMENTS = (".toml", ".json")

# A century. What is to stay longer stays for ever.
MOST_DAYS = 36_500


class Settings(BaseSettings):
    """One field per variable: `home` is `EXPORT_PIPELINE_HOME`, and so on."""

    model_config = SettingsConfigDict(env_prefix="EXPORT_PIPELINE_")

    home: Path = Field(Path(".export-pipeline"), description="Folder for everything we keep on disk.")
    dataset: Path | None = Field(None, description="The dataset declaration; default: dataset.toml in home.")
    control_url: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="Control database; default: control.db in home.",
    )
    downloads: Path | None = Field(
        None,
        description="Where direct_download keeps files: a folder, or a file .toml or .json that describes a"
        " bucket as `connector create` takes it; default: a folder in home.",
    )
    staging: Path | None = Field(None, description="Where rows wait between stages; default: in home.")
    secret_key: SecretStr | None = Field(
        None,
        description="Encrypts stored credentials; several, separated by commas: the first encrypts, all"
        " decrypt. Default: secret.key in home, made when needed.",
    )
    organization: str = Field(
        "default",
        pattern=SLUG_PATTERN,
        min_length=SHORTEST_SLUG,
        max_length=LONGEST_SLUG,
        description="Whose exports the command line works on.",
    )
    hours_per_chunk: int = Field(
        24, ge=1, description="Hours that are extracted before the first of them is formatted."
    )
    hours_at_once: int = Field(
        4, ge=1, description="Hours of a chunk worked on at the same time, in threads."
    )
    claim_seconds: int = Field(
        60, ge=5, description="How long an hour stays reserved for a run that gives no more sign of life."
    )
    statement_seconds: int = Field(
        3600, ge=1, description="How long the source may take to answer, with a count or a batch of rows."
    )
    allowed_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        (),
        description="Networks not reachable by everybody that connectors may call on all the same, like"
        " 10.0.0.0/8,fd00::/8.",
    )
    sts_endpoint_url: Endpoint | None = Field(
        None,
        description="Who gives us the roles of customers that trust our own identity; default: Amazon's STS.",
    )
    api_url: Annotated[str, address_like("https://exports.example.com")] | None = Field(
        None,
        description="Where clients reach the API if a proxy stands before it, or links are given out by a"
        " command, like https://exports.example.com; default: where each request says.",
    )
    requests_per_minute: int = Field(
        600, ge=1, description="How many requests an API key may make in a minute."
    )
    download_days: int | None = Field(
        None,
        ge=1,
        le=MOST_DAYS,
        description="How many days files of direct_download are to be had, from when they were asked for and"
        " delivered; default: for ever.",
    )
    deleted_days: int = Field(
        30,
        ge=0,
        le=MOST_DAYS,
        description="How many days files of direct_download outlive their export's deletion.",
    )
    audit_days: int | None = Field(
        None,
        ge=1,
        le=MOST_DAYS,
        description="How many days entries of the audit log stay; default: for ever.",
    )
    answer_hours: int = Field(
        24,
        ge=1,
        le=24 * MOST_DAYS,
        description="How many hours a request that is sent again with its Idempotency-Key is answered as the"
        " first time.",
    )
    coordinator_base: ApiBase = Field(
        "/v1", description="Where BitBroker's coordinators find entity types and data connectors."
    )
    contributor_base: ApiBase = Field(
        "/contributor/v1", description="Where BitBroker's contributors find their data connectors."
    )
    consumer_base: ApiBase = Field(
        "/consumer/v1", description="Where BitBroker's consumers find what was contributed."
    )
    contribution_salt: str = Field(
        "a-long-secret-string",
        min_length=1,
        description="Goes into the ids of data connectors and records; BitBroker's APP_SECRET, for who comes"
        " from there and wants to keep ids. Nothing is kept safe by it: contributors have tokens.",
    )
    contribution_session_seconds: int = Field(
        86_400, ge=1, description="A contribution session that nobody uses for so long is rolled back."
    )
    hours_per_run: int | None = Field(
        None,
        ge=1,
        description="Cut backfills into runs of that many hours; default: one run, whatever the range.",
    )

    @field_validator("contributor_base", "consumer_base")
    @classmethod
    def _a_base_of_its_own(cls, value: str, info: ValidationInfo) -> str:
        for other in ("coordinator_base", "contributor_base"):
            if other != info.field_name and info.data.get(other) == value:
                variable = f"EXPORT_PIPELINE_{other.upper()}"
                raise ValueError(f"is {value}, and so is {variable}; choose another for one of them")
        return value

    @field_validator("allowed_networks", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @property
    def contribution_idle(self) -> timedelta:
        return timedelta(seconds=self.contribution_session_seconds)

    @property
    def dataset_path(self) -> Path:
        return (self.dataset or self.home / "dataset.toml").absolute()

    @property
    def control_database_url(self) -> str:
        return self.control_url or f"sqlite:///{(self.home / 'control.db').absolute()}"

    @property
    def downloads_document(self) -> Path | None:
        """The file that says where direct_download keeps files, if one does."""
        named = self.downloads and self.downloads.suffix in DOCUMENTS
        return self.downloads.absolute() if self.downloads and named else None

    @property
    def downloads_folder(self) -> Path:
        """The folder of downloads, where no document names another place."""
        named = None if self.downloads_document else self.downloads
        return (named or self.home / "downloads").absolute()

    def downloads_of(self, organization: str) -> Path:
        """The organization's own part of that folder: its paths meet nobody else's."""
        return self.downloads_folder / organization

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """What no connector may lead to but the direct download."""
        scheme, _, database = self.control_database_url.partition(":///")
        kept = [Path(database.partition("?")[0])] if scheme.startswith("sqlite") and database else []
        return self.home.absolute(), self.staging_folder, self.downloads_folder, *kept

    @property
    def staging_folder(self) -> Path:
        return (self.staging or self.home / "staging").absolute()

    @property
    def unfinished_folder(self) -> Path:
        """Notes of uploads that are going on, for whoever comes after a killed process."""
        return (self.home / "unfinished").absolute()

    @property
    def key_file(self) -> Path:
        return (self.home / "secret.key").absolute()
