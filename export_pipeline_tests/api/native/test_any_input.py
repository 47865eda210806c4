"""Whatever is sent to a route of the description: it is answered as described, and never by a bug."""

import json
import re
import subprocess
import sys
from pathlib import Path

from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.api.native.every_route import HOUR, Route, Things, every_route, make_things

# What schemathesis looks at in each answer. What is refused is for our other tests: control knows more of
# what can be done than a schema says.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)

# Of each route, besides those of every boundary of its schema. More of them find little more.
EXAMPLES = 10

# A check calls on whatever address was made up.
LEFT_OUT = "/check$"


def test_nothing_that_is_sent_is_answered_by_a_bug(two_apis: tuple[Api, Api], tmp_path: Path) -> None:
    """On PostgreSQL, which takes fewer texts than SQLite does."""
    api, _ = two_apis
    organization = api.organization()
    with api.client(api.key(organization)) as http:
        things = make_things(api, Somebody(organization, http))
    routes = [route for route in every_route(api.url) if not re.search(LEFT_OUT, route.path)]
    (tmp_path / "schemathesis.toml").write_text("\n".join(_told(route, things) for route in routes))

    judged = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{api.url}/openapi.json",
            f"--header=Authorization: Bearer {api.key(organization)}",
            f"--checks={','.join(CHECKS)}",
            "--phases=examples,coverage,fuzzing",
            f"--max-examples={EXAMPLES}",
            f"--exclude-path-regex={LEFT_OUT}",
            "--suppress-health-check=all",
            "--seed=1",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )

    assert judged.returncode == 0, judged.stdout[-20_000:] + judged.stderr
    tested = re.search(r"Tested: (\d+)", judged.stdout)
    assert tested is not None
    assert int(tested[1]) == len(routes) + 2  # with those that say how it is
    assert "unexpected" not in api.log.read_text()


def _told(route: Route, things: Things) -> str:
    """Which thing the route is tried on: one that is there, unless it would be there no more."""
    ids = {**things.ids, **({"exports": "nothing", "filters": "nothing"} if route.method == "DELETE" else {})}
    ids["connectors"] = "nothing" if route.method == "DELETE" else ids["connectors"]
    names = re.findall(r"\{(\w+)\}", route.path)
    if not names:
        return ""
    values = {name: HOUR if name == "hour" else Things(ids).id_of(route) for name in names}
    parameters = ", ".join(f'"path.{name}" = {json.dumps(value)}' for name, value in values.items())
    return f'[[operations]]\ninclude-name = "{route}"\nparameters = {{ {parameters} }}\n'
