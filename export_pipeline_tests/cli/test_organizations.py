"""Whose exports there are."""

from export_pipeline_tests.cli.conftest import CallCli


def test_a_new_organization_is_listed_beside_the_default_one(call_cli: CallCli) -> None:
    call_cli("export", "list")
    assert call_cli("organization", "create", "acme", "--json").document == {"name": "acme"}
    assert call_cli("organization", "list", "--json").document == {
        "organizations": [{"name": "acme"}, {"name": "default"}]
    }


def test_a_name_twice_is_refused(call_cli: CallCli) -> None:
    call_cli("organization", "create", "acme")
    again = call_cli("organization", "create", "acme")
    assert (again.code, again.err) == (2, "error: there is an organization 'acme' already\n")


def test_a_mistyped_organization_is_not_made(call_cli: CallCli) -> None:
    call_cli("organization", "create", "acme")
    result = call_cli("--organization", "acmee", "export", "list")
    assert result.code == 2
    assert "there is no organization 'acmee'" in result.err
    assert "acmee" not in call_cli("organization", "list").out
