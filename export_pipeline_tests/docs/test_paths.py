"""Every variable, example and limit of docs/paths.md is what the code does."""

import pytest

from export_pipeline.connectors.limits import AZURE_KEYS, FOLDER_KEYS, GCS_KEYS, S3_KEYS
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.naming import check_template, object_key
from export_pipeline.exports.variables import ATTRIBUTES, VARIABLES
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_key_context, moment
from export_pipeline_tests.docs.pages import page, tables

OURS, BOTIFYS, EXAMPLES, REFUSED, LIMITS = tables(page("paths.md"))

CONTEXT = a_key_context(
    organization="acme",
    export="traffic",
    table="visits",
    extension="csv.gz",
    window=HourWindow(moment("2021-01-02 05:00")),
    user="botify-team",
    project="botify-blog",
)


@pytest.mark.parametrize(("variable", "value"), [(row[0], row[-1]) for row in OURS + BOTIFYS])
def test_a_variable_has_the_value_of_its_example(variable: str, value: str) -> None:
    assert object_key(variable, CONTEXT) == value


@pytest.mark.parametrize(("of_an_analysis", "of_the_day"), [row[:2] for row in BOTIFYS])
def test_without_the_slug_the_exported_day_is_meant(of_an_analysis: str, of_the_day: str) -> None:
    assert of_the_day == of_an_analysis.replace(".20210102", "")
    assert object_key(of_the_day, CONTEXT) == object_key(of_an_analysis, CONTEXT)


def test_every_variable_is_there() -> None:
    assert {row[0] for row in OURS} | {row[1] for row in BOTIFYS} == {f"${name}" for name in VARIABLES}
    assert len(BOTIFYS) == len(ATTRIBUTES) + 1


@pytest.mark.parametrize(("path", "key"), EXAMPLES)
def test_a_path_gives_the_key_of_its_example(path: str, key: str) -> None:
    assert object_key(path, CONTEXT) == key


@pytest.mark.parametrize(("path", "why"), REFUSED)
def test_a_path_is_refused_for_what_the_page_says(path: str, why: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_template(path, CONTEXT, tables=1, limits=S3_KEYS)

    assert caught.value.field == "path"
    assert why in str(caught.value)


def test_the_limits_are_those_of_the_connectors() -> None:
    of_s3_and_gcs, of_azure, of_folders = LIMITS

    assert S3_KEYS == GCS_KEYS
    assert of_s3_and_gcs[1] == f"{S3_KEYS.whole:,} {S3_KEYS.counted_in}"
    assert of_azure[1] == f"{AZURE_KEYS.whole:,} {AZURE_KEYS.counted_in} in {AZURE_KEYS.parts} parts"
    assert of_folders[1].startswith(f"{FOLDER_KEYS.whole:,} {FOLDER_KEYS.counted_in}")
    assert of_folders[2] == f"{FOLDER_KEYS.part} bytes"
