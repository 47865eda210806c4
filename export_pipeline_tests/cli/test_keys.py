"""Keys are made by the command line, whose text shows them once."""

import re

from export_pipeline_tests.cli.conftest import CallCli


def made(call_cli: CallCli, *options: str) -> dict[str, object]:
    document = call_cli("key", "create", "--privilege", "exports:view", *options, "--json").document
    assert isinstance(document, dict)
    return document


def test_a_key_is_shown_once(call_cli: CallCli) -> None:
    key = made(call_cli, "--name", "nightly")

    assert re.fullmatch(r"ep-[A-Za-z0-9_-]{43}", str(key["key"]))
    assert key["organizations"] == ["default"]
    assert key["expires_at"] is None
    listed = call_cli("key", "list", "--json")
    assert [one["name"] for one in listed.document["keys"]] == ["nightly"]
    for shown in (listed, call_cli("key", "list")):
        assert str(key["key"]) not in shown.out


def test_a_key_works_in_the_organizations_that_are_named(call_cli: CallCli) -> None:
    for name in ("acme", "globex"):
        call_cli("organization", "create", name)

    key = made(call_cli, "--organization", "acme", "--organization", "globex")

    assert key["organizations"] == ["acme", "globex"]
    assert call_cli("--organization", "acme", "key", "list", "--json").document["keys"]
    assert not call_cli("--organization", "globex", "key", "list", "--json").document["keys"]


def test_a_key_is_rotated_and_revoked(call_cli: CallCli) -> None:
    old = made(call_cli, "--days", "30")

    new = call_cli("key", "rotate", str(old["id"]), "--grace-hours", "1", "--json").document
    assert new["key"] != old["key"]
    assert new["expires_at"] == old["expires_at"]
    again = call_cli("key", "rotate", str(old["id"]))
    assert (again.code, "rotate the key that was made in its place" in again.err) == (2, True)
    assert call_cli("key", "revoke", str(new["id"])).code == 2  # nobody is there to be asked
    assert call_cli("key", "revoke", str(new["id"]), "--yes", "--json").document["revoked_at"]
    assert "(revoked)" in call_cli("key", "list").out


def test_what_is_wrong_is_named_as_it_is_typed(call_cli: CallCli) -> None:
    unknown = call_cli("key", "create", "--privilege", "exports:veiw")
    assert unknown.code == 2
    assert unknown.err.startswith("error: --privilege: there is no privilege 'exports:veiw'; did you mean")
    assert call_cli("key", "create").code == 2
    nobody = call_cli("key", "create", "--privilege", "admin", "--organization", "nobody")
    assert (nobody.code, "organization create nobody" in nobody.err) == (2, True)
    assert call_cli("key", "revoke", "none", "--yes").code == 2
    assert call_cli("key", "list", "--json").document == {"keys": []}
