"""The commands of a page, run as they stand, with curl and bash."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from export_pipeline_tests.docs.pages import blocks, page


def answers_of(name: str, **variables: str) -> list[Any]:
    """What each request of the page's commands is answered; nothing stands for None."""
    (script,) = blocks(page(name), "sh")
    # Quiet, and with something between the answers.
    quiet = 'curl() { command curl --no-progress-meter --fail-with-body "$@" && echo; }\n'
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", quiet + script],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return list(_answers(ran.stdout))


def _answers(text: str) -> Iterator[Any]:
    for line in text.splitlines():
        yield json.loads(line) if line else None
