"""Whose exports there are."""

from export_pipeline_tests.cli.conftest import CallCli


def test_a_new_organization_is_listed_beside_the_default_one(call_cli: CallCli) -> None:
    call_cli("export", "list")
    assert call_cli("organization", "create", "acme", "--json").document == {"name": "acme"}
    assert call_cli("organization", "list", "--json").document == {
        "organizations": [{"name": "acme", "tenants": []}, {"name": "default", "tenants": []}]
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


def test_tenants_are_given_and_taken(call_cli: CallCli) -> None:
    for name in ("acme", "other"):
        call_cli("organization", "create", name)
    assert (
        "of no tenant that it was not given" in call_cli("organization", "give", "acme", "acme-license").out
    )
    assert call_cli("organization", "list").out.splitlines() == ["acme: acme-license", "default", "other"]

    again = call_cli("organization", "give", "other", "acme-license")
    assert (again.code, "take it there first" in again.err) == (2, True)

    taken = call_cli("organization", "take", "acme", "acme-license", "--json")
    assert taken.document == {"name": "acme", "tenants": []}
    given_away = call_cli("organization", "give", "other", "acme-license", "--json")
    assert given_away.document == {"name": "other", "tenants": ["acme-license"]}
    missing = call_cli("organization", "take", "acme", "acme-license")
    assert (missing.code, "it has none" in missing.err) == (2, True)
