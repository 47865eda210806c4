"""A store that breaks and comes back in the middle of a backfill, under a real daemon."""

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.connectors import start_connector, stop_connector
from export_pipeline.exports.export import Export
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import failures_between
from export_pipeline.store.waits import waits_of
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.acceptance.conftest import Services
from export_pipeline_tests.buckets import CONNECTOR, connector, export_through, remove
from export_pipeline_tests.installations import FIRST, HOURS, hours
from export_pipeline_tests.runs import ledger
from export_pipeline_tests.servers.fault_proxy import Fault, Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.s3 import S3Server


def waiting(services: Services, export: Export) -> int:
    with reading(services.installation.deployment.control) as connection:
        return len(waits_of(connection, export.id))


def test_a_backfill_whose_bucket_goes_and_comes_back_is_delivered_in_the_end(
    services: Services, s3_server: S3Server
) -> None:
    installation = services.installation
    bucket = s3_server.new_bucket()
    broken = Once(Fault.RESET, lambda request: request.path.endswith("/bucketed/2026-01-05-12-00.csv"))

    def plan(request: Request) -> Fault | Instead | None:
        if fault := broken(request):
            remove(s3_server, bucket)
        return fault

    with fault_proxy(s3_server.port, plan) as proxy:
        export = export_through(
            installation, s3_server.config(bucket, endpoint_url=proxy.url), slug="bucketed"
        )
        services.webserver.reload()
        keys = [window.key for window in hours(0, HOURS - 1)]
        backfill = services.webserver.launch_backfill([["exports", "bucketed"]], keys, "to be broken")
        services.wait(
            lambda: [*services.webserver.runs_of_backfill(backfill).values()] == ["FAILURE"],
            "the run said that hours wait",
        )
        assert connector(installation).state is ConnectorState.FAILED
        delivered = len(ledger(installation, export))
        assert 0 < delivered < HOURS
        assert waiting(services, export) == HOURS - delivered
        with reading(installation.deployment.control) as connection:
            assert not failures_between(connection, export.id, FIRST, FIRST + HOURS * ONE_HOUR)

        s3_server.client().create_bucket(Bucket=bucket)
        with writing(installation.deployment.control) as connection:
            stop_connector(connection, "default", CONNECTOR)
            start_connector(connection, "default", CONNECTOR)
        services.wait(lambda: len(ledger(installation, export)) == HOURS, "all hours delivered")
        services.wait(lambda: waiting(services, export) == 0, "nothing waits any more")
    assert connector(installation).state is ConnectorState.RUNNING
    assert [entry.revision for entry in ledger(installation, export)] == [1] * HOURS
