"""One object written to the connector on standard input, in a process of its own: prints a line of JSON.

Argument: how many megabytes.
"""

import json
import sys
from dataclasses import asdict
from ipaddress import ip_network

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.destination import Destination
from export_pipeline_tests.benchmarks.measured import Cost, measured

PIECE = 1_000_000


def write(destination: Destination, key: str, megabytes: int) -> None:
    """An object no piece of which is like the other; what makes it costs next to nothing."""
    rest = bytes(PIECE - 8)
    upload = destination.begin(key, {"purpose": "benchmark"})
    try:
        for number in range(megabytes):
            upload.write(number.to_bytes(8, "big") + rest)
        upload.commit(replaces=None)
    finally:
        upload.abort()


def cost_of(destination: Destination, megabytes: int) -> Cost:
    """That of the object alone. One of two parts is written first, which imports what there is to."""
    write(destination, "first.bin", 10)
    with measured() as cost:
        write(destination, "large.bin", megabytes)
    found = destination.head("large.bin")
    assert found is not None
    assert found.size == megabytes * PIECE
    return cost


if __name__ == "__main__":
    allow([ip_network("127.0.0.0/8")])
    print(json.dumps(asdict(cost_of(config_from(sys.stdin.read()).open(), int(sys.argv[1])))))
