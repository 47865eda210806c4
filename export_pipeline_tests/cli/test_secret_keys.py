"""`secret-key`: which keys there are, a rotation, and what nothing needs any more; never a key."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.installations import Installation


def lines(installation: Installation) -> list[str]:
    return installation.deployment.settings.key_file.read_text().split()


def test_a_rotation_from_beginning_to_end_shows_no_key(call_cli: CallCli, installation: Installation) -> None:
    (old,) = lines(installation)
    shown = call_cli("secret-key", "show", "--json")
    said = [shown, call_cli("secret-key", "show"), call_cli("secret-key", "rotate")]
    assert shown.document["keys"][0]["encrypted"] == 1
    assert "encrypted anew: 1" in said[-1].out

    (new, kept) = lines(installation)
    said += [call_cli("secret-key", "show"), call_cli("secret-key", "prune"), call_cli("secret-key", "prune")]

    assert kept == old
    assert lines(installation) == [new]
    fingerprint = shown.document["keys"][0]["fingerprint"]
    assert f"unused: {fingerprint}" in said[3].out
    assert said[4].out == f"dropped {fingerprint}\n"
    assert said[5].out == "there is no key that nothing needs\n"
    assert [result.code for result in said] == [0] * 6
    everything = "".join(result.out + result.err for result in said)
    assert old not in everything
    assert new not in everything
    assert call_cli("connector", "show", "direct_download").code == 0


def test_documents_of_a_rotation(call_cli: CallCli) -> None:
    rotated = call_cli("secret-key", "rotate", "--json").document
    pruned = call_cli("secret-key", "prune", "--json").document

    assert rotated["encrypted_anew"] == 1
    assert [key["encrypted"] for key in rotated["keys"]] == [1, 0]
    assert pruned == {"dropped": rotated["unused"]}


def test_keys_from_the_environment_are_the_operators_to_order(
    call_cli: CallCli, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = lines(installation)
    new = Fernet.generate_key().decode()
    monkeypatch.setenv("EXPORT_PIPELINE_SECRET_KEY", f"{new},{old}")

    rotated = call_cli("secret-key", "rotate")
    assert "take them out of EXPORT_PIPELINE_SECRET_KEY once every process" in rotated.out
    assert (call_cli("secret-key", "prune").code, lines(installation)) == (2, [old])

    monkeypatch.setenv("EXPORT_PIPELINE_SECRET_KEY", new)
    assert call_cli("connector", "show", "direct_download").code == 0
    assert "put a new one in front, with a comma" in call_cli("secret-key", "rotate").out


def test_a_missing_key_is_counted_and_the_cure_is_said(
    call_cli: CallCli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_SECRET_KEY", Fernet.generate_key().decode())

    shown = call_cli("secret-key", "show")
    assert "unknown" in shown.out
    assert call_cli("secret-key", "show", "--json").document["encrypted_by_others"] == 1
    refused = call_cli("secret-key", "rotate")
    assert (refused.code, "add that one behind a comma" in refused.err) == (1, True)
    assert (tmp_path / "secret.key").exists()
