"""Settings: from the environment, with defaults below one folder, and no secret shown."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.settings import Settings

PREFIX = "EXPORT_PIPELINE_"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_any_variable_everything_lies_in_one_folder(tmp_path: Path) -> None:
    settings = Settings()
    home = tmp_path / ".export-pipeline"

    assert settings.dataset_path == home / "dataset.toml"
    assert settings.control_database_url == f"sqlite:///{home}/control.db"
    assert settings.downloads_folder == home / "downloads"
    assert settings.staging_folder == home / "staging"
    assert settings.key_file == home / "secret.key"


def test_the_folder_moves_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(f"{PREFIX}HOME", "elsewhere")

    settings = Settings()

    home = tmp_path / "elsewhere"
    assert settings.dataset_path == home / "dataset.toml"
    assert settings.control_database_url == f"sqlite:///{home}/control.db"
    assert settings.downloads_folder == home / "downloads"
    assert settings.staging_folder == home / "staging"
    assert settings.key_file == home / "secret.key"


@pytest.mark.parametrize(
    ("variable", "attribute"),
    [("DATASET", "dataset_path"), ("DOWNLOADS", "downloads_folder"), ("STAGING", "staging_folder")],
)
def test_each_place_can_be_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, attribute: str
) -> None:
    monkeypatch.setenv(f"{PREFIX}{variable}", "elsewhere/place")

    assert getattr(Settings(), attribute) == tmp_path / "elsewhere" / "place"


def test_each_organization_has_its_own_part_of_the_downloads(tmp_path: Path) -> None:
    settings = Settings(downloads=tmp_path)

    assert [settings.downloads_of(name) for name in ("default", "acme")] == [
        tmp_path / "default",
        tmp_path / "acme",
    ]


def test_every_place_is_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    places = [settings.dataset_path, settings.downloads_folder, settings.staging_folder, settings.key_file]
    monkeypatch.chdir("/")

    assert all(place.is_absolute() for place in places)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("ORGANIZATION", "acme", "acme"),
        ("HOURS_PER_CHUNK", "6", 6),
        ("HOURS_AT_ONCE", "1", 1),
        ("CLAIM_SECONDS", "5", 5),
        ("STATEMENT_SECONDS", "1", 1),
        ("HOURS_PER_RUN", "168", 168),
        ("DOWNLOAD_DAYS", "7", 7),
        ("DELETED_DAYS", "0", 0),
        ("AUDIT_DAYS", "36500", 36_500),
        ("ANSWER_HOURS", "1", 1),
        ("API_URL", "https://exports.example.com/ep/", "https://exports.example.com/ep"),
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: object
) -> None:
    assert getattr(Settings(), variable.lower()) != expected

    monkeypatch.setenv(f"{PREFIX}{variable}", value)

    assert getattr(Settings(), variable.lower()) == expected


def test_the_control_database_can_be_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}CONTROL_URL", "postgresql://user:password@host/control")

    assert Settings().control_database_url == "postgresql://user:password@host/control"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOURS_PER_CHUNK", "0"),
        ("HOURS_AT_ONCE", "0"),
        ("HOURS_AT_ONCE", "many"),
        ("CLAIM_SECONDS", "4"),
        ("STATEMENT_SECONDS", "0"),
        ("HOURS_PER_RUN", "0"),
        ("DOWNLOAD_DAYS", "0"),
        ("DOWNLOAD_DAYS", "-1"),
        ("DOWNLOAD_DAYS", "1.5"),
        ("DOWNLOAD_DAYS", ""),
        ("DOWNLOAD_DAYS", "for ever"),
        ("DOWNLOAD_DAYS", "36501"),
        ("DOWNLOAD_DAYS", "9" * 30),
        ("DOWNLOAD_DAYS", "inf"),
        ("DOWNLOAD_DAYS", "nan"),
        ("DELETED_DAYS", "-1"),
        ("DELETED_DAYS", "1e99"),
        ("AUDIT_DAYS", "0"),
        ("AUDIT_DAYS", "-36500"),
        ("ANSWER_HOURS", "0"),
        ("ANSWER_HOURS", "9" * 5000),
        ("API_URL", "exports.example.com"),
        ("API_URL", "https://exports.example.com/?key=1"),
        ("API_URL", "https://exports.example.com/#"),
        ("API_URL", "https://exports.example.com//"),
        ("ORGANIZATION", ""),
        ("ORGANIZATION", ".."),
        ("ORGANIZATION", "a/b"),
        ("ORGANIZATION", "Größe"),
        ("ORGANIZATION", "a" * 64),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"{PREFIX}{variable}", value)

    with pytest.raises(ValidationError) as caught:
        Settings()

    assert [details["loc"] for details in caught.value.errors()] == [(variable.lower(),)]


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", "the-secret-key")
    monkeypatch.setenv(f"{PREFIX}CONTROL_URL", "postgresql://user:the-password@host/control")

    settings = Settings()

    assert "the-secret-key" not in f"{settings!r} {settings}"
    assert "the-password" not in f"{settings!r} {settings}"


def test_every_field_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_networks_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}ALLOWED_NETWORKS", "10.0.0.0/8, fd00::/8,")

    assert [str(network) for network in Settings().allowed_networks] == ["10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize("given", ["10.0.0.0/8;fd00::/8", "example.com", "10.0.0.1/8"])
def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(f"{PREFIX}ALLOWED_NETWORKS", given)

    with pytest.raises(ValidationError, match="allowed_networks"):
        Settings()


@pytest.mark.parametrize("name", ["downloads.toml", "downloads.json"])
def test_a_document_may_say_where_downloads_are(tmp_path: Path, name: str) -> None:
    settings = Settings(home=tmp_path, downloads=tmp_path / name)

    assert settings.downloads_document == tmp_path / name
    assert settings.downloads_folder == tmp_path / "downloads"
    assert Settings(home=tmp_path, downloads=tmp_path / "folder").downloads_document is None
    assert Settings(home=tmp_path).downloads_document is None


def test_our_own_folders_are_all_of_them(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("home", "fast", "large", "safe/control.db")]
    home, staging, downloads, control = places
    settings = Settings(home=home, staging=staging, downloads=downloads, control_url=f"sqlite:///{control}")

    assert [*settings.own_folders] == places
    assert len(settings.model_copy(update={"control_url": "postgresql://host/x"}).own_folders) == 3


@pytest.mark.parametrize("base", ["v1", "/v1/", "/", "", "/V1", "/v 1", "/../x", "/v1?x", "/v1/{eid}"])
def test_a_base_is_a_path(base: str) -> None:
    with pytest.raises(ValidationError, match="coordinator_base"):
        Settings(coordinator_base=base)


@pytest.mark.parametrize(
    ("bases", "named"),
    [
        ({"coordinator_base": "/v1", "contributor_base": "/v1"}, "contributor_base"),
        ({"coordinator_base": "/x", "consumer_base": "/x"}, "consumer_base"),
        ({"contributor_base": "/x", "consumer_base": "/x"}, "consumer_base"),
        ({"coordinator_base": "/consumer/v1"}, "consumer_base"),
        ({"consumer_base": "/v1"}, "consumer_base"),
    ],
)
def test_bases_are_three(bases: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match="choose another for one of them") as refused:
        Settings(**bases)
    assert [error["loc"] for error in refused.value.errors()] == [(named,)]


def test_a_session_may_rest_for_so_long() -> None:
    assert Settings().contribution_idle.total_seconds() == 86_400
    with pytest.raises(ValidationError, match="contribution_session_seconds"):
        Settings(contribution_session_seconds=0)
