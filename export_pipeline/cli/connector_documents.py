"""What is said of a connector, in JSON and to people, and what its check says."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from export_pipeline.cli.printing import print_document, print_line

if TYPE_CHECKING:
    from export_pipeline.connectors.checking import CheckStep
    from export_pipeline.dataset.connector_section import ConnectorSection
    from export_pipeline.deployment import Deployment
    from export_pipeline.store.connectors import StoredConnector


def declared_lines(section: "ConnectorSection") -> dict[str, object]:
    """Where a declared connector is changed, and what is looked up in the environment."""
    at = section.position
    return {
        "declared at": f"{section.file}:{at.line}:{at.column}",
        "from the environment": ", ".join(section.variables),
    }


def step_document(step: "CheckStep") -> dict[str, object]:
    """A step of a check; `passes`: what it failed for may pass by itself."""
    return {"name": step.name, "ok": step.ok, "message": step.message, "passes": step.passes}


def step_line(step: "CheckStep") -> str:
    """A step of a check as people read it."""
    return f"{'ok' if step.ok else 'FAILED':6}  {step.name}: {step.message}"


def state_line(connector: "StoredConnector") -> str:
    """The state and why."""
    return f"{connector.name} is {connector.state}: {connector.reason}".removesuffix(": ")


def waits_for(connector: "StoredConnector") -> str | None:
    """Why exports on the connector wait; None when they do not."""
    return None if connector.state == "RUNNING" else f"waits, because {state_line(connector)}"


def tell_check(
    connector: "StoredConnector", steps: "Sequence[CheckStep]", *, as_json: bool, program: str
) -> None:
    """What came of a check whose steps were told; `program` is what a next command begins with."""
    from export_pipeline.control.listing import listed_connector

    if as_json:
        print_document({**listed_connector(connector), "check": [step_document(step) for step in steps]})
        return
    print_line(state_line(connector))
    # A check moves nothing that is stopped or failed: that is for people.
    moves = {"FAILED": ["stop", "start"], "STOPPED": ["start"]}.get(connector.state, [])
    if moves and steps and well(steps):
        commands = " && ".join(f"{program} connector {move} {connector.name}" for move in moves)
        print_line(f"its check passes now; let files go there again with: {commands}")


def checked_now(
    deployment: "Deployment", connector: "StoredConnector", *, silent: bool
) -> "tuple[StoredConnector, Sequence[CheckStep]]":
    """Check a connector and tell the steps as they end; what it is now, and the steps."""
    from export_pipeline.control.connectors import check_connector
    from export_pipeline.store.connectors import get_connector
    from export_pipeline.store.database import reading

    steps = []
    for step in check_connector(deployment.control, connector, deployment.connector(connector.id)):
        steps.append(step)
        if not silent:
            print_line(step_line(step))
    with reading(deployment.control) as connection:
        return get_connector(connection, connector.id), steps


def well(steps: "Iterable[CheckStep]") -> bool:
    """Whether no step failed."""
    return all(step.ok for step in steps)
