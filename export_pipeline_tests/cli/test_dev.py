"""`dev` tells the development servers where to keep everything, and on which port to listen."""

import pytest

from export_pipeline_tests.cli.conftest import CallCli


def test_the_folder_is_handed_on(call_cli: CallCli) -> None:
    result = call_cli("dev", "--home", "/dev/null/here")

    assert (result.code, result.err) == (1, "error: /dev/null/here: Not a directory\n")


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_refused(call_cli: CallCli, port: str) -> None:
    assert call_cli("dev", "--home", "/dev/null/here", "--port", port).code == 2
