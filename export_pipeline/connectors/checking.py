"""Tries whether a destination can do what exports need, step by step, on a probe that is removed again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.probing import Probe, Unsuitable, probe_key
from export_pipeline.connectors.reaching import Server
from export_pipeline.errors import Conflict, ExportPipelineError, NotFound, TransientFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStep:
    """What came out of one step; `message` is a sentence for the customer, with the cure if it failed.

    `passes`: what it failed for may pass without anybody's doing. `leaves`: a probe may still be there,
    because nothing can be deleted there, or could not be then.
    """

    name: str
    ok: bool
    message: str
    passes: bool = False
    leaves: bool = False


def check(
    destination: Destination,
    address: str,
    *,
    inside: bool = True,
    probe: str | None = None,
    stays: bool = False,
) -> Iterator[CheckStep]:
    """The steps in order, each as it ends; stops after the first that fails.

    `address` is a URL; where it names a host, that is looked for before the destination is asked anything,
    `inside` a network of the operator's if it may be. `probe` is the key of the object that is written, a new
    one if none is named; `stays`: an earlier check may have left that there, so it is written over.
    """
    tried = Probe(destination, probe or probe_key(), stays=stays)
    server = Server(address, inside=inside)
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("resolve", server.resolve),
        ("connect", server.connect),
        ("authenticate", tried.authenticate),
        ("list", tried.list),
        ("write", tried.write),
        ("read", tried.read),
        ("conditional write", tried.overwrite),
        ("delete", tried.delete),
    )
    try:
        for name, step in steps:
            try:
                message = step()
                yield CheckStep(name=name, ok=True, message=message, leaves=name == "delete" and tried.there)
            except ExportPipelineError as error:
                tried.remove()
                # Another check may have had it in hands, of a copy of this installation or one that took very
                # long: what is wrong with the store is so with a probe of its own.
                crossed = tried.shared and isinstance(error, Unsuitable | NotFound | Conflict)
                alone = _problem_alone(destination) if crossed else None
                failed = failed_step(name, alone or error, leaves=tried.there)
                yield replace(failed, passes=True) if crossed and alone is None else failed
                return
    finally:
        tried.remove()


def _problem_alone(destination: Destination) -> ExportPipelineError | None:
    """What is wrong with the destination, tried with an object that nobody else knows of."""
    tried = Probe(destination, probe_key(), stays=False)
    try:
        for step in (tried.write, tried.read, tried.overwrite, tried.delete):
            step()
    except ExportPipelineError as problem:
        return problem
    finally:
        tried.remove()
    return None


def failed_step(name: str, error: ExportPipelineError, *, leaves: bool = False) -> CheckStep:
    """The step that ended with that error."""
    passes = isinstance(error, TransientFailure)
    return CheckStep(name=name, ok=False, message=_sentence(str(error)), passes=passes, leaves=leaves)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."
