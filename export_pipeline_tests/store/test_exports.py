"""Stored exports: found by name within their organization, hidden when deleted."""

import pytest
import sqlalchemy as sa

from export_pipeline.errors import AlreadyExists, NotFound
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import (
    add_export,
    exports_on,
    find_export,
    get_export,
    hide_export,
    layout_of,
    list_exports,
    standing_exports,
)
from export_pipeline.store.schema import EXPORTS
from export_pipeline_tests.builders import ORGANIZATION, a_definition
from export_pipeline_tests.control_databases import stored_connector, stored_export


def hide(control: sa.Engine, export: Export) -> None:
    with writing(control) as connection:
        hide_export(connection, export.id)


def slugs(control: sa.Engine, organization: str = ORGANIZATION) -> list[str]:
    with reading(control) as connection:
        return [export.slug for export in list_exports(connection, organization)]


def test_an_export_comes_back_as_it_was_stored(control: sa.Engine) -> None:
    definition: ExportDefinition = a_definition(
        tables=({"name": "flights", "columns": ("id", "carrier")},),
        filter="carrier == 'Ä\\'B'",
        tenant="acme",
        format={"type": "parquet"},
        until="2014-01-01T00:00:00Z",
    )
    connector = stored_connector(control)
    with writing(control) as connection:
        export = add_export(
            connection,
            organization=ORGANIZATION,
            slug="flights",
            connector_id=connector.id,
            definition=definition,
            standing=False,
        )

    with reading(control) as connection:
        assert find_export(connection, ORGANIZATION, "flights") == export
        assert get_export(connection, export.id) == export
    assert export.definition == definition
    assert not export.standing
    assert not export.paused


def test_exports_are_listed_by_name(control: sa.Engine) -> None:
    connector = stored_connector(control)
    for slug in ("b", "c", "a"):
        stored_export(control, connector, slug=slug)

    assert slugs(control) == ["a", "b", "c"]


def test_a_name_is_given_once(control: sa.Engine) -> None:
    export = stored_export(control)

    connector = stored_connector(control, name="other")
    with pytest.raises(AlreadyExists, match="'flights' already; choose another name"):
        stored_export(control, connector, slug=export.slug)

    assert slugs(control) == ["flights"]


def test_organizations_do_not_see_each_others_exports(control: sa.Engine) -> None:
    stored_export(control, stored_connector(control, organization="other"))

    assert slugs(control) == []
    with reading(control) as connection, pytest.raises(NotFound, match="there are: none"):
        find_export(connection, ORGANIZATION, "flights")


def test_organizations_may_use_the_same_name(control: sa.Engine) -> None:
    ours = stored_export(control)
    theirs = stored_export(control, stored_connector(control, organization="other"))

    with reading(control) as connection:
        assert find_export(connection, ORGANIZATION, "flights") == ours
        assert find_export(connection, "other", "flights") == theirs


def test_an_unknown_name_is_answered_with_the_known_ones(control: sa.Engine) -> None:
    stored_export(control)

    with (
        reading(control) as connection,
        pytest.raises(NotFound, match="no export 'flight'; there are: flights"),
    ):
        find_export(connection, ORGANIZATION, "flight")


def test_an_unknown_id_is_not_found(control: sa.Engine) -> None:
    with reading(control) as connection, pytest.raises(NotFound, match="'no-such-id'"):
        get_export(connection, "no-such-id")


def test_standing_exports_are_those_of_every_organization_that_recur(control: sa.Engine) -> None:
    ours = stored_connector(control)
    stored_export(control, ours, slug="recurring")
    stored_export(control, ours, slug="once", standing=False)
    hide(control, stored_export(control, ours, slug="deleted"))
    stored_export(control, stored_connector(control, organization="other"), slug="theirs")

    with reading(control) as connection:
        assert [export.slug for export in standing_exports(connection)] == ["recurring", "theirs"]


def test_exports_on_a_connector_are_those_that_go_through_it(control: sa.Engine) -> None:
    connector = stored_connector(control)
    stored_export(control, connector, slug="through")
    hide(control, stored_export(control, connector, slug="deleted"))
    stored_export(control, stored_connector(control, name="other"), slug="elsewhere")

    with reading(control) as connection:
        assert [export.slug for export in exports_on(connection, connector.id)] == ["through"]


def test_a_deleted_export_is_listed_no_more_but_stays_explainable(control: sa.Engine) -> None:
    export = stored_export(control)

    hide(control, export)

    assert slugs(control) == []
    with reading(control) as connection:
        with pytest.raises(NotFound):
            find_export(connection, ORGANIZATION, export.slug)
        assert get_export(connection, export.id) == export


def test_the_name_of_a_deleted_export_is_free_again_and_again(control: sa.Engine) -> None:
    connector = stored_connector(control)
    made = []
    for _ in range(3):
        made.append(stored_export(control, connector))
        hide(control, made[-1])

    assert len({export.id for export in made}) == 3


def test_the_layout_is_known_of_deleted_exports_too(control: sa.Engine) -> None:
    export = stored_export(control, standing=False, layout="single")
    hide(control, export)
    with reading(control) as connection:
        assert layout_of(connection, export.id) is FileLayout.SINGLE


def test_definitions_that_were_stored_before_there_were_layouts_are_hourly(control: sa.Engine) -> None:
    export = stored_export(control)
    with writing(control) as connection:
        old = {
            name: value for name, value in a_definition().model_dump(mode="json").items() if name != "layout"
        }
        connection.execute(EXPORTS.update().values(definition=old))
    with reading(control) as connection:
        assert layout_of(connection, export.id) is FileLayout.HOURLY
        assert get_export(connection, export.id).definition == a_definition()
