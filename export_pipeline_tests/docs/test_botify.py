"""docs/api/botify.md: its commands are answered, and its tables name all there is."""

from export_pipeline.api.botify import answering, fields
from export_pipeline.api.botify.conditions import PREDICATES
from export_pipeline.api.botify.formatting import CsvConfig
from export_pipeline.api.botify.querying import Inner, Query
from export_pipeline_tests.api.conftest import Api
from export_pipeline_tests.api.conftest import api as api
from export_pipeline_tests.docs.commands import answers_of
from export_pipeline_tests.docs.pages import page, tables

PAGE = "api/botify.md"


def test_the_commands_are_answered(api: Api) -> None:
    organization = api.organization()

    backends, job, jobs = answers_of(PAGE, URL=api.url, KEY=api.key(organization), USERNAME=organization)

    assert [one["id"] for one in backends["results"]] == ["direct_download"]
    assert job["job_status"] == "CREATED"
    assert jobs["results"] == [job]


def test_every_option_and_predicate_is_named() -> None:
    payload, query, _ = tables(page(PAGE))
    text = str([*payload, *query])

    for name in (
        *PREDICATES,
        *CsvConfig.model_fields,
        *({*Query.model_fields} - {"query"}),
        *Inner.model_fields,
    ):
        assert name in text, name


def test_every_code_is_named() -> None:
    *_, codes = tables(page(PAGE))
    ours = {value for name, value in vars(answering).items() if name.isupper() and isinstance(value, str)}

    assert {row[0] for row in codes} == ours - {fields.NO_SUCH_FIELD}
