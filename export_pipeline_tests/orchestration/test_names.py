"""Names that are unique, and legal everywhere in Dagster."""

import re
from dataclasses import replace

import dagster as dg

from export_pipeline.exports.export import SLUG_PATTERN
from export_pipeline.orchestration.names import asset_key, connector_resource_name, job_name, schedule_name
from export_pipeline_tests.builders import an_export


def test_the_default_organization_is_not_in_the_key() -> None:
    export = an_export(organization="default", slug="page-views")
    assert asset_key(export) == dg.AssetKey(["exports", "page-views"])
    assert job_name(export) == "deliver__page_views"
    assert schedule_name(export) == "deliver__page_views_hourly"


def test_two_organizations_may_use_the_same_name() -> None:
    one = an_export(organization="acme", slug="page-views")
    other = replace(one, organization="globex")
    assert asset_key(one) != asset_key(other)
    assert job_name(one) != job_name(other)


def test_an_organization_is_never_taken_for_part_of_a_name() -> None:
    one = an_export(organization="a", slug="b-c")
    other = an_export(organization="a-b", slug="c")
    assert job_name(one) != job_name(other)


def test_the_default_organizations_names_are_never_those_of_another() -> None:
    """`acme--orders` would be called like the `orders` of acme: a slug has single dashes only."""
    assert job_name(an_export(organization="acme", slug="orders")) == "deliver__acme__orders"
    assert not re.fullmatch(SLUG_PATTERN, "acme--orders")


def test_a_connector_s_resource_has_its_organization_in_its_name_and_a_name_of_its_own() -> None:
    assert connector_resource_name("default", "data-lake") == "connector__default__data_lake"
    assert connector_resource_name("default", "direct-download") != connector_resource_name(
        "default", "direct_download"
    )
