"""Sessions of Amazon's client that heed nothing of the machine's, but whom it trusts."""

import os
from pathlib import Path

import pytest

from export_pipeline.connectors.authorities import VARIABLES
from export_pipeline.connectors.s3_environment import session_of_its_own


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's configuration of Amazon's client."""
    file = tmp_path / "config"
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    return file


def test_nothing_of_the_environment_and_of_files_is_heeded(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(
        "[default]\nregion = eu-west-1\nretry_mode = legacy\ns3 =\n    use_accelerate_endpoint = true\n"
    )
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("AWS_DATA_PATH", "/somewhere")

    session = session_of_its_own("eu-south-2")

    assert session.get_config_variable("region") == "eu-south-2"
    assert session.get_config_variable("retry_mode") == "standard"
    assert session.get_config_variable("s3") == {}
    assert not session.get_config_variable("use_fips_endpoint")
    assert session.get_config_variable("data_path") is None
    assert session.get_scoped_config() == {}


def test_whom_the_operator_trusts_is_trusted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[default]\nca_bundle = /from/file.pem\n")
    assert session_of_its_own("eu-south-2").get_config_variable("ca_bundle") == "/from/file.pem"

    monkeypatch.setenv(VARIABLES[0], "/from/environment.pem")
    assert session_of_its_own("eu-south-2").get_config_variable("ca_bundle") == "/from/environment.pem"


def test_a_profile_that_is_missing_is_the_operators_own_matter(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("[default]\n")
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    assert session_of_its_own("eu-south-2").get_config_variable("ca_bundle") is None
    assert session_of_its_own("eu-south-2").profile is None
