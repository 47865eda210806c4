"""The dataset over the API."""

from export_pipeline_tests.api.conftest import Api, Somebody


def test_every_table_and_column_is_shown(admin: Somebody) -> None:
    (table,) = admin.get("/api/v1/dataset").json()["tables"]

    assert (table["name"], table["time_column"]) == ("events", "happened_at")
    assert table["columns"][3] == {
        "name": "amount",
        "display_name": "amount",
        "type": "decimal(12,2)",
        "nullable": True,
    }


def test_a_mistake_in_the_declaration_is_not_the_customers(api: Api, admin: Somebody) -> None:
    file = api.installation.folder / "dataset.toml"
    good = file.read_text()
    file.write_text("[tables.events")
    try:
        answer = admin.get("/api/v1/dataset")
    finally:
        file.write_text(good)

    assert answer.status_code == 503
    assert str(file) not in answer.text
    assert str(file) in api.log.read_text()
