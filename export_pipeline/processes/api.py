"""The API's server process."""

import sys

APPLICATION = "export_pipeline.api.app:create"

# Bytes of an address and all fields. Filters may stand in an address.
MOST_OF_A_HEAD = 64 << 10


def server_command(*, host: str, port: int, workers: int = 1) -> list[str]:
    """What to run to serve the API on the installation that the environment names."""
    return [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        APPLICATION,
        "--host",
        host,
        "--port",
        str(port),
        "--workers",
        str(workers),
        # The faster one that uvicorn would take bounds neither the head of a request nor those that are sent
        # behind it: without a key, a connection takes gigabytes.
        "--http",
        "h11",
        "--h11-max-incomplete-event-size",
        str(MOST_OF_A_HEAD),
        "--no-access-log",  # it has whole addresses, and some hold a key; the application keeps its own
        "--no-server-header",
        "--timeout-graceful-shutdown",
        "10",
    ]
