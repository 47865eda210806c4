"""An upload takes no more memory than a few parts, whatever its size, with every connector."""

import subprocess
import sys

import pytest

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.secret import reveal

PIECE_BYTES = 50_000

# Streams a large upload to the connector on standard input and prints by how many megabytes the process
# grew, after a small upload that loads everything. Sampled: a recorded peak would begin with the parent's.
STREAM = """
import sys, threading
from ipaddress import ip_network
import psutil
from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.connector import config_from
allow([ip_network("127.0.0.0/8")])
destination = config_from(sys.stdin.read()).open()
def stream(key, pieces):
    upload = destination.begin(key, {})
    for number in range(pieces):
        upload.write(number.to_bytes(4, "big") + bytes(49_996))
    upload.commit(replaces=None)
stream("small", 1)
process = psutil.Process()
before = peak = process.memory_info().rss
ended = threading.Event()
def sample():
    global peak
    while not ended.wait(0.002):
        peak = max(peak, process.memory_info().rss)
sampling = threading.Thread(target=sample)
sampling.start()
stream("large", int(sys.argv[1]))
ended.set()
sampling.join()
print((peak - before) / 1e6)
"""


def grown(connector: ConnectorConfig, pieces: int) -> float:
    """By how many megabytes a process grows that uploads so many pieces as one object."""
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(pieces)],
        input=reveal(connector),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = connector.open().head("large")
    assert found is not None
    assert found.size == pieces * PIECE_BYTES
    return float(done.stdout)


def test_memory_stays_bounded_whatever_is_written(connector: ConnectorConfig) -> None:
    assert grown(connector, 4_200) < 100  # of 210 MB


@pytest.mark.slow
def test_memory_stays_bounded_at_two_gigabytes(connector: ConnectorConfig) -> None:
    assert grown(connector, 40_000) < 150
