"""What one op hands to the next: small values, in the memory of the one process that runs all ops of a run.

Dagster's default writes each of them to a file that nobody ever removes. Nothing is lost without files: a run
that is begun at a later op (in the UI: "re-execute from failure") reads from the source what is not
delivered yet, on whichever machine it is.
"""

import dagster as dg


class Handover(dg.IOManager):
    """Holds each value until the op that it is for has it. `None` is what another run's process had."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], object] = {}

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        self._values[tuple(context.get_identifier())] = obj

    def load_input(self, context: dg.InputContext) -> object:
        return self._values.pop(tuple(context.get_identifier()), None)


@dg.io_manager(description="Small values between ops, in memory until the next op has them.")
def handover() -> Handover:
    """One for each run."""
    return Handover()
