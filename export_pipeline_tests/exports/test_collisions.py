"""Two exports may share a connector only if they can never write the same key."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from export_pipeline.exports.collisions import collide, head_of, shape_of
from export_pipeline.exports.naming import object_key
from export_pipeline.exports.variables import KeyContext
from export_pipeline_tests.builders import a_key_context
from export_pipeline_tests.exports.templates import HOURS, REVISIONS, contexts, templates

HIS = a_key_context(export="his", table="flights", extension="csv")
HERS = a_key_context(export="hers", table="weather", extension="csv")


def meet(his: str, hers: str) -> bool:
    """Whether the two paths collide, asked both ways."""
    shapes = shape_of(his, HIS), shape_of(hers, HERS)
    there, back = collide(*shapes), collide(*reversed(shapes))
    assert there == back
    heads = [head_of([shape]) for shape in shapes]
    assert not there or heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])
    return there


@pytest.mark.parametrize(
    ("his", "hers"),
    [
        ("$date-$hour.csv", "$date-$hour.csv"),
        ("$date-$hour.csv", "$year-$month-$day-$hour.$extension"),
        ("$export/$date-$hour", "his/$date-$hour"),
        ("$export-$date-$hour", "his-$date-$hour"),
        ("$table/$date-$hour", "flights/$date-$hour"),
        ("2013/$month-$day-$hour", "$year/$month-$day-$hour"),
        ("2013/$hour", "$year/$minute"),
        ("a$revision/$date-$hour", "a1/$date-$hour"),
        ("a$revision$date-$hour", "a1$revision$date-$hour"),
        ("$$/$date-$hour", "$$/$date-$hour"),
        ("$crawl-$hour", "$year$month$day-$hour"),
        ("$crawl.day/$hour", "1/$hour"),
        ("$crawl.day/$hour", "31/$hour"),
        ("$crawl.day$hour", "1$hour"),
        ("$crawl.day$crawl.month", "123"),
        ("$crawl.day$crawl.month", "1$revision"),
        ("$crawl.20210102.day/$date-$hour", "2/$date-$hour"),
        ("$user/$date-$hour", "botify-team/$date-$hour"),
    ],
)
def test_paths_that_share_a_key_collide(his: str, hers: str) -> None:
    assert meet(his, hers)


@pytest.mark.parametrize(
    ("his", "hers"),
    [
        ("$export/$date-$hour", "$export/$date-$hour"),
        ("$table-$date-$hour", "$table-$date-$hour"),
        ("a/$date-$hour", "b/$date-$hour"),
        ("$date/$hour.csv", "$date/$hour.json"),
        ("$date/$hour", "$date-$hour"),
        ("$year/$month/$day/$hour.csv", "$date/$hour.csv"),
        ("$year$month$day$hour", "$year$month$day$hour$minute"),
        ("$date-$hour", "$year-$month-$day-T$hour"),
        ("2013-x/$date-$hour", "$date/$hour/x"),
        ("a$revision/$date-$hour", "ab/$date-$hour"),
        ("$date-$hour.csv", "$date-$hour.csv.gz"),
        ("$crawl.day/$hour", "01/$hour"),
        ("$crawl.day/$hour", "123/$hour"),
        ("$crawl.day/$hour", "x/$hour"),
        ("$crawl.day$crawl.month-", "1-"),
        ("$crawl.day$crawl.month-", "12345-"),
        ("$crawl.week_number_next", "$crawl.date"),
        ("$crawl.20210102.day/$date-$hour", "12/$date-$hour"),
    ],
)
def test_paths_that_share_none_do_not(his: str, hers: str) -> None:
    assert not meet(his, hers)


@pytest.mark.parametrize(
    ("his", "hers"),
    [
        ("$date/$hour", "$date/$hour/part.csv"),
        ("a/$date-$hour", "a/$date-$hour/$minute/x"),
        ("data/$revision$date$hour", "data/$revision$date$hour/x"),
        ("$date-$hour-$crawl.day", "$date-$hour-$crawl.day/x"),
        ("$date-$hour-$crawl.day", "$date-$hour-1/x"),
    ],
)
def test_a_file_where_the_other_needs_a_folder_collides(his: str, hers: str) -> None:
    assert meet(his, hers)


def test_a_name_that_only_begins_alike_is_no_folder() -> None:
    assert not meet("$date/$hour", "$date/$hour-part.csv")


def test_keys_that_differ_in_case_only_collide() -> None:
    assert meet("Daily/$date-$hour", "daily/$date-$hour")


def test_a_path_of_many_runs_is_compared_at_once() -> None:
    assert not meet("$revision" * 110 + "a", "$revision" * 110 + "b")


@settings(deadline=None, max_examples=500)
@given(one=templates(), other=templates(), his=contexts, hers=contexts)
def test_whatever_two_exports_write_alike_is_foreseen(
    one: str, other: str, his: KeyContext, hers: KeyContext
) -> None:
    if share_a_place(written(one, his), written(other, hers)):
        assert collide(shape_of(one, his), shape_of(other, hers))


@settings(deadline=None, max_examples=100)
@given(template=templates(), his=contexts)
def test_a_path_collides_with_itself(template: str, his: KeyContext) -> None:
    assert collide(shape_of(template, his), shape_of(template, his))


def written(template: str, context: KeyContext) -> set[str]:
    """Keys that an export writes in a few hours and revisions."""
    return {
        object_key(template, replace(context, window=hour, revision=revision))
        for hour in HOURS
        for revision in REVISIONS
    }


def share_a_place(one: set[str], other: set[str]) -> bool:
    """Whether a key is in both, or a folder of one is a file of the other."""
    return bool(one & other or one & folders(other) or other & folders(one))


def folders(keys: set[str]) -> set[str]:
    return {key[:end] for key in keys for end in range(len(key)) if key[end] == "/"}


def test_a_head_is_what_all_keys_begin_with() -> None:
    two = shape_of("A/flights-$hour", a_key_context()), shape_of("a/Fl$hour", a_key_context())

    assert head_of(two[:1]) == "a/flights-"
    assert head_of(two) == "a/fl"
    assert head_of([shape_of("$hour/a", a_key_context())]) == ""
    assert head_of([shape_of("a$revision-", a_key_context())]) == "a"
    assert head_of([shape_of("a$crawl.day", a_key_context())]) == "a"
