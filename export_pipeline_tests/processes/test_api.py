"""How the API's server is started."""

from export_pipeline.processes.api import server_command


def test_no_log_has_whole_addresses_in_it() -> None:
    command = server_command(host="127.0.0.1", port=8000, workers=2)

    assert "--no-access-log" in command
    assert command[command.index("--workers") + 1] == "2"
