"""What Dagster loads."""

import dagster as dg

from export_pipeline_tests.installations import Installation
from export_pipeline_tests.orchestration.running import definitions


def test_an_export_is_an_asset_a_job_and_a_schedule(installation: Installation) -> None:
    installation.export("page-views")
    loaded = definitions()
    dg.Definitions.validate_loadable(loaded)
    repository = loaded.get_repository_def()
    assert set(repository.job_names) >= {"deliver__page_views", "export_task"}
    assert repository.has_schedule_def("deliver__page_views_hourly")
    assert dg.AssetKey(["exports", "page-views"]) in loaded.resolve_asset_graph().get_all_asset_keys()


def test_without_exports_the_definitions_load_all_the_same(installation: Installation) -> None:  # noqa: ARG001
    loaded = definitions()
    dg.Definitions.validate_loadable(loaded)
    assert {sensor.name for sensor in loaded.get_repository_def().sensor_defs} == {
        "queued_export_tasks",
        "failed_runs",
        "cancelled_runs",
        "connector_health",
        "contributed_corrections",
        "waiting_hours",
        "due_event_exports",
    }


def test_a_new_export_is_there_when_they_are_loaded_again(installation: Installation) -> None:
    definitions()
    installation.export()
    assert definitions().get_repository_def().has_job("deliver__events")


def test_nothing_dagster_stores_of_them_holds_a_secret(installation: Installation) -> None:
    installation.export()
    loaded = definitions()
    sealed = installation.deployment.settings.key_file.read_text().strip()
    assert sealed not in repr(loaded.resources)
