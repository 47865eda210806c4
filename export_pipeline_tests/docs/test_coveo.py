"""docs/api/coveo.md: its commands are answered, on the sample that it names."""

from export_pipeline_tests.api.conftest import Api
from export_pipeline_tests.api.coveo.conftest import searches_api as searches_api
from export_pipeline_tests.docs.commands import answers_of


def test_the_commands_are_answered(searches_api: Api) -> None:
    organization = searches_api.organization()
    key = searches_api.key(organization, "exports:edit")

    dimensions, filter_, estimate, export, exports = answers_of(
        "api/coveo.md", URL=searches_api.url, KEY=key, ORG=organization
    )

    assert dimensions
    assert filter_["id"] == "WORKED"
    assert list(estimate["estimates"]) == ["searches"]
    assert estimate["estimates"]["searches"] > 0
    assert (export["status"], "$WORKED" in str(export["filters"])) == ("PENDING", True)
    assert [one["id"] for one in exports] == [export["id"]]
