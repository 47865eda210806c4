"""What people may do with named filters: what would leave others without what they stand on is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.control.exports import create_export, delete_export
from export_pipeline.control.filters import (
    Users,
    applied_filters,
    create_filter,
    delete_filter,
    replace_filter,
    resolved_text,
    users_of,
)
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import AlreadyExists, ExportPipelineError, InUse, InvalidRequest, NotFound
from export_pipeline.exports.export import Export
from export_pipeline.filters.limits import MAX_CONDITIONS, MAX_DEPTH
from export_pipeline.store.database import reading, writing
from export_pipeline.store.named_filters import list_named_filters, named_filters
from export_pipeline_tests.builders import ORGANIZATION, a_column, a_dataset, a_definition, a_table
from export_pipeline_tests.control_databases import KEY, stored_connector

NOBODY = Users([], [])


@pytest.fixture(autouse=True)
def _connector(control: sa.Engine) -> None:
    stored_connector(control, name="bucket")


def create(control: sa.Engine, name: str, text: str, organization: str = ORGANIZATION) -> None:
    with writing(control) as connection:
        create_filter(connection, organization=organization, name=name, text=text)


def replace(control: sa.Engine, name: str, text: str, dataset: Dataset | None = None) -> Users:
    with writing(control) as connection:
        _, users = replace_filter(
            connection, dataset or a_dataset(), organization=ORGANIZATION, name=name, text=text
        )
    return users


def delete(control: sa.Engine, name: str) -> None:
    with writing(control) as connection:
        delete_filter(connection, ORGANIZATION, name)


def export(
    control: sa.Engine, slug: str = "flights", *, dataset: Dataset | None = None, **changes: Any
) -> Export:
    with writing(control) as connection:
        return create_export(
            connection,
            KEY,
            dataset or a_dataset(),
            organization=ORGANIZATION,
            slug=slug,
            connector="bucket",
            definition=a_definition(subdirectory=slug, **changes),
        )


def texts(control: sa.Engine) -> dict[str, str]:
    with reading(control) as connection:
        return {stored.name: stored.text for stored in list_named_filters(connection, ORGANIZATION)}


def test_a_filter_is_stored_as_it_was_written(control: sa.Engine) -> None:
    create(control, "HUBS", "ORIGIN in ['JFK']")

    assert texts(control) == {"HUBS": "ORIGIN in ['JFK']"}


@pytest.mark.parametrize("name", ["a", "EXCLUDE_BOTS-2", "123E4567-E89B-12D3-A456-426614174000", "x" * 63])
def test_a_name_is_whatever_can_stand_behind_the_dollar_sign(control: sa.Engine, name: str) -> None:
    create(control, name, "true")

    assert export(control, filter=f"NOT ${name}").slug == "flights"


@pytest.mark.parametrize("name", ["", "-a", "a b", "$A", "größe", "a.b", "x" * 64, "A\n"])
def test_a_name_that_cannot_be_is_refused(control: sa.Engine, name: str) -> None:
    with pytest.raises(InvalidRequest, match="letters, digits, _ and -") as refused:
        create(control, name, "true")

    assert refused.value.field == "name"
    assert texts(control) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("origin = 'JFK'", "filter, line 1, column 8: found =, expected an operator"),
        ("true AND\n(origin", "filter, line 2, column 8: found the end of the text"),
        ("", "filter: the text is blank; write true if every row is meant"),
        (" \n", "filter: the text is blank"),
        ("$HUB", "filter, in $A, line 1, column 1: there is no named filter $HUB; did you mean 'HUBS'?"),
        (
            "NOT $A",
            "filter, in $A, line 1, column 5: named filters stand for one another in a circle: $A -> $A",
        ),
        ("(" * 40, "filter, line 1, column 17: the filter nests"),
    ],
)
def test_a_text_that_is_no_filter_is_refused_at_once(control: sa.Engine, text: str, said: str) -> None:
    create(control, "HUBS", "true")

    with pytest.raises(InvalidRequest) as refused:
        create(control, "A", text)

    assert str(refused.value).startswith(said)
    assert refused.value.field == "filter"
    assert texts(control) == {"HUBS": "true"}


def test_a_name_is_given_once(control: sa.Engine) -> None:
    create(control, "A", "id == 1")

    with pytest.raises(AlreadyExists):
        create(control, "A", "id == 2")

    assert texts(control) == {"A": "id == 1"}


def test_an_export_takes_a_named_filter_in_every_scope(control: sa.Engine) -> None:
    create(control, "FAR", "DISTANCE > 1000")
    create(control, "HUBS", "origin IN ['JFK']")

    made = export(
        control,
        tables=({"name": "flights", "filter": "$FAR"}, {"name": "weather"}),
        filters=("$HUBS", "id != 5"),
    )

    assert made.definition.filters == ("$HUBS", "id != 5")
    with reading(control) as connection:
        assert applied_filters(connection, a_dataset(), made) == {
            "flights": "origin IN ['JFK'] AND id != 5 AND distance > 1000",
            "weather": "origin IN ['JFK'] AND id != 5",
        }


@pytest.mark.parametrize(
    ("filter_", "said"),
    [
        ("$GONE", "there is no named filter $GONE"),
        (
            "$LOST",
            "in $LOST, line 1, column 1: table 'flights' has no column 'orgin'; did you mean 'origin'?",
        ),
        ("$THEIRS", "there is no named filter $THEIRS"),
    ],
)
def test_an_export_whose_named_filter_does_not_fit_is_refused(
    control: sa.Engine, filter_: str, said: str
) -> None:
    create(control, "LOST", "orgin == 'JFK'")
    stored_connector(control, organization="other")
    create(control, "THEIRS", "true", organization="other")

    with pytest.raises(InvalidRequest) as refused:
        export(control, filter=filter_)

    assert said in str(refused.value)


def test_exports_follow_another_text(control: sa.Engine) -> None:
    create(control, "FAR", "distance > 1000")
    create(control, "UA", "carrier == 'UA' AND $FAR")
    direct = export(control, "direct", filter="$FAR")
    through = export(control, "through", filter="NOT $UA")
    export(control, "other", filter="id > 5")

    users = replace(control, "FAR", "distance > 2000")

    assert users == Users(["direct", "through"], ["UA"])
    with reading(control) as connection:
        assert applied_filters(connection, a_dataset(), direct) == {"flights": "distance > 2000"}
        assert applied_filters(connection, a_dataset(), through) == {
            "flights": "NOT (carrier == 'UA' AND distance > 2000)"
        }


def test_a_filter_that_nobody_uses_may_become_anything(control: sa.Engine) -> None:
    create(control, "FAR", "distance > 1000")
    gone = export(control, filter="$FAR")
    with writing(control) as connection:
        delete_export(connection, ORGANIZATION, gone.slug)

    assert replace(control, "FAR", "no_such_column == 1") == NOBODY
    assert texts(control) == {"FAR": "no_such_column == 1"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "temp > 30",
            "filter: like this, $FAR would no longer do for the export flights: filter, in $FAR, line 1,"
            " column 1: table 'flights' has no column 'temp'",
        ),
        (
            "distance > 'far'",
            "for the export flights: filter, in $FAR, line 1, column 1: distance is of type int32",
        ),
        ("distance >", "filter, line 1, column 11: found the end of the text"),
        ("$GONE", "filter, in $FAR, line 1, column 1: there is no named filter $GONE"),
        ("id == 1 OR $UA", "stand for one another in a circle: $FAR -> $UA -> $FAR"),
        (" ", "the text is blank"),
    ],
)
def test_another_text_that_does_not_do_is_refused_and_nothing_changes(
    control: sa.Engine, text: str, said: str
) -> None:
    create(control, "FAR", "distance > 1000")
    create(control, "UA", "carrier == 'UA' AND $FAR")
    export(control, filter="id > 5 AND $UA")

    with pytest.raises(InvalidRequest) as refused:
        replace(control, "FAR", text)

    assert said in str(refused.value)
    assert refused.value.field == "filter"
    assert texts(control)["FAR"] == "distance > 1000"


def test_another_text_is_refused_that_makes_a_filter_of_others_too_large(control: sa.Engine) -> None:
    create(control, "MANY", "id == 1")
    create(control, "TWICE", "$MANY OR $MANY")
    many = " OR ".join(f"id == {number}" for number in range(MAX_CONDITIONS // 2 + 1))

    with pytest.raises(
        InvalidRequest, match=r"no longer do for the filter \$TWICE: .* more than 300 conditions"
    ):
        replace(control, "MANY", many)

    assert texts(control)["MANY"] == "id == 1"


def test_a_chain_of_names_is_not_longer_than_can_be_resolved(control: sa.Engine) -> None:
    create(control, "N0", "id == 1")
    for number in range(1, MAX_DEPTH):
        create(control, f"N{number}", f"$N{number - 1}")

    with pytest.raises(InvalidRequest, match="names filters inside filters more than 16 deep"):
        create(control, "TOO_DEEP", f"$N{MAX_DEPTH - 1}")
    export(control, filter=f"$N{MAX_DEPTH - 1}")


def test_what_a_changed_declaration_broke_can_be_mended_one_filter_after_the_other(
    control: sa.Engine,
) -> None:
    create(control, "FAR", "distance > 1000")
    create(control, "HUBS", "origin == 'JFK'")
    export(control, filter="$FAR AND $HUBS")
    renamed = a_dataset(
        a_table(columns=(a_column("id", "int64"), a_column("miles", "int32"), a_column("airport")))
    )

    assert replace(control, "FAR", "miles > 1000", renamed).exports == ["flights"]
    assert replace(control, "HUBS", "airport == 'JFK'", renamed).exports == ["flights"]
    with pytest.raises(InvalidRequest, match="the export flights"):
        replace(control, "HUBS", "origin == 'JFK'", renamed)


def test_an_unknown_filter_is_neither_replaced_nor_deleted(control: sa.Engine) -> None:
    with pytest.raises(NotFound):
        replace(control, "A", "true")
    with pytest.raises(NotFound):
        delete(control, "A")


def test_a_filter_that_nobody_uses_is_deleted(control: sa.Engine) -> None:
    create(control, "A", "id == 1")

    delete(control, "A")

    assert texts(control) == {}


def test_a_filter_in_use_stays_and_its_users_are_named(control: sa.Engine) -> None:
    create(control, "A", "id == 1")
    create(control, "B", "NOT $A")
    create(control, "C", "$B OR origin == '$A'")
    export(control, "one", filter="$A")
    export(control, "two", tables=({"name": "flights", "filters": ["id > 1", "$A OR $B"]},))
    export(control, "through", filter="$C")
    export(control, "text", filter="origin == '$A'")

    with pytest.raises(InUse) as refused:
        delete(control, "A")

    assert str(refused.value) == (
        "$A is used by exports one, two and filter $B; take it out of there, or delete those, first"
    )
    assert set(texts(control)) == {"A", "B", "C"}
    with reading(control) as connection:
        assert users_of(connection, ORGANIZATION, "A") == Users(["one", "two"], ["B"])
        assert users_of(connection, ORGANIZATION, "C") == Users(["through"], [])


def test_deleted_exports_and_those_of_others_do_not_count(control: sa.Engine) -> None:
    stored_connector(control, organization="other")
    create(control, "A", "id == 1")
    create(control, "A", "id == 2", organization="other")
    create(control, "B", "$A", organization="other")
    export(control, filter="$A")
    with writing(control) as connection:
        delete_export(connection, ORGANIZATION, "flights")

    delete(control, "A")

    assert texts(control) == {}


@pytest.mark.parametrize(
    ("users", "said"),
    [
        (Users(["a"], []), "export a"),
        (Users(["a", "b"], []), "exports a, b"),
        (Users([], ["A"]), "filter $A"),
        (Users(["a"], ["A", "B"]), "export a and filters $A, $B"),
    ],
)
def test_users_are_said_in_words(users: Users, said: str) -> None:
    assert str(users) == said


def test_what_a_name_stands_for_has_no_names(control: sa.Engine) -> None:
    create(control, "A", "id == 1 or id==2")
    create(control, "B", "NOT $A AND origin != null")

    with reading(control) as connection:
        assert resolved_text("B", named_filters(connection, ORGANIZATION)) == (
            "NOT (id == 1 OR id == 2) AND origin IS NOT NULL"
        )


def test_a_filter_that_is_deleted_while_an_export_takes_it_stays_or_is_missed(control: sa.Engine) -> None:
    """Whoever comes first wins; never is there an export without its filter."""
    for number in range(10):
        name, slug = f"N{number}", f"export-{number}"
        create(control, name, "id == 1")
        barrier = threading.Barrier(2)

        def take(name: str = name, slug: str = slug, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(30)
            export(control, slug, filter=f"${name}")

        def remove(name: str = name, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(30)
            delete(control, name)

        with ThreadPoolExecutor(2) as pool:
            results = [pool.submit(take), pool.submit(remove)]
        failures = [error for error in (result.exception() for result in results) if error]
        assert len(failures) == 1
        assert isinstance(failures[0], ExportPipelineError)
        assert (name in texts(control)) == isinstance(failures[0], InUse)


def test_two_filters_that_are_replaced_at_once_do_not_make_a_circle(control: sa.Engine) -> None:
    create(control, "A", "id == 1")
    create(control, "B", "id == 2")
    barrier = threading.Barrier(2)

    def point(names: tuple[str, str]) -> None:
        barrier.wait(30)
        replace(control, names[0], f"${names[1]}")

    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(point, names) for names in (("A", "B"), ("B", "A"))]
    (failure,) = (error for error in (result.exception() for result in results) if error)
    assert "in a circle" in str(failure)
