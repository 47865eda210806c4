"""The API's server process."""

import sys

APPLICATION = "export_pipeline.api.app:create"
HTTP = "export_pipeline.api.bounded_http:BoundedHttp"


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
        "--http",
        HTTP,
        "--ws",
        "none",
        "--no-access-log",  # it has whole addresses, and some hold a key; the application keeps its own
        "--no-server-header",
        "--timeout-graceful-shutdown",
        "10",
    ]
