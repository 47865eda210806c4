"""`demo` tells the demo where to keep everything; the demo has tests of its own."""

from export_pipeline_tests.cli.conftest import CallCli


def test_the_folder_is_handed_on(call_cli: CallCli) -> None:
    result = call_cli("demo", "--home", "/dev/null/here")

    assert (result.code, result.err) == (1, "error: /dev/null/here: Not a directory\n")
