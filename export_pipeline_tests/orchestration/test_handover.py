"""What ops hand to each other, and that nothing of it stays behind."""

from pathlib import Path

import dagster as dg

from export_pipeline.orchestration.handover import Handover, handover
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.orchestration.running import deliver_events


@dg.op
def give() -> str:
    return "a value"


@dg.op
def take(context: dg.OpExecutionContext, taken: str | None) -> None:
    context.add_output_metadata({"taken": str(taken)})


@dg.job(resource_defs={"io_manager": handover})
def give_and_take() -> None:
    take(give())


def taken_in(instance: dg.DagsterInstance, run_id: str) -> str:
    outputs = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_OUTPUT)
    return str(outputs[-1].get_dagster_event().step_output_data.metadata["taken"].value)


def test_a_value_is_handed_from_op_to_op(instance: dg.DagsterInstance) -> None:
    result = give_and_take.execute_in_process(instance=instance)
    assert taken_in(instance, result.run_id) == "a value"


def test_a_run_begun_at_a_later_op_is_handed_none(instance: dg.DagsterInstance) -> None:
    first = give_and_take.execute_in_process(instance=instance)
    later = dg.execute_job(
        dg.reconstructable(give_and_take_job),
        instance,
        reexecution_options=dg.ReexecutionOptions(first.run_id, ["take"]),
    )
    assert taken_in(instance, later.run_id) == "None"


def give_and_take_job() -> dg.JobDefinition:
    return give_and_take


def test_a_value_is_held_only_until_its_op_has_it() -> None:
    """A run of a year hands on thousands."""
    holder = Handover()
    given = dg.build_output_context(step_key="give", name="result", run_id="run-1")
    holder.handle_output(given, "a value")
    asked = dg.build_input_context(upstream_output=given)
    assert [holder.load_input(asked), holder.load_input(asked)] == ["a value", None]


def test_a_run_leaves_no_value_in_dagsters_storage(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    """As a process of its own executes it; a run in a test's process has another storage by itself."""
    installation.export()
    tags = {"dagster/partition": hours(0, 0)[0].key}
    assert dg.execute_job(dg.reconstructable(deliver_events), instance, tags=tags).success
    storage = Path(instance.storage_directory())
    assert not [path for path in storage.rglob("*") if path.is_file() and "compute_logs" not in path.parts]
