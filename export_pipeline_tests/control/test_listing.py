"""What is listed of a connector, by the command line and the API alike."""

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.listing import listed_connector
from export_pipeline_tests.cli.test_connector_documents import a_connector


def test_what_we_count_by_is_nobodys_business() -> None:
    listed = listed_connector(a_connector(ConnectorState.STOPPED))

    assert (listed["name"], listed["state"]) == ("sales", "STOPPED")
    assert not {"generation", "configuration", "declaration", "properties"} & {*listed}
