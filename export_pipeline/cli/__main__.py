"""The entry point: runs a command and turns what it raises into an exit code.

  0  done
  1  something failed, or a check found faults
  2  the command cannot be done as given: the message names what to change
 70  a bug of ours
124  `task watch` waited as long as it was told to
130  interrupted
141  standard output was closed, as by `| head`
"""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer
from typer.main import get_command

from export_pipeline.cli.app import app
from export_pipeline.cli.printing import NobodyReads, as_json
from export_pipeline.errors import (
    AlreadyExists,
    ExportPipelineError,
    InUse,
    InvalidRequest,
    NotFound,
    WrongState,
)

FAILED = 1
REFUSED = 2
BUG = 70
INTERRUPTED = 130
NOBODY_READS = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of `arguments` (default: the process's) and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    in_json = "--json" in given
    try:
        code = get_command(app).main(given, prog_name="export-pipeline", standalone_mode=False)
        sys.stdout.flush()
    except (NobodyReads, BrokenPipeError):
        # What is still buffered goes nowhere, so that Python's last flush does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except (KeyboardInterrupt, typer.Abort):
        print(file=sys.stderr)  # the terminal shows ^C in front of the next prompt otherwise
        return INTERRUPTED
    except typer.TyperException as error:
        message = error.format_message()
        if not message:  # a group without a command: its help is printed already
            return error.exit_code
        return _tell(message, error, error.exit_code, in_json, hint=_usage(error))
    except (InvalidRequest, NotFound, AlreadyExists, InUse, WrongState) as error:
        return _tell(str(error), error, REFUSED, in_json)
    except ExportPipelineError as error:
        return _tell(str(error), error, FAILED, in_json)
    except OSError as error:  # a folder that cannot be made, a full disk
        _debug()
        return _tell(_trouble(error), error, FAILED, in_json)
    except Exception as error:
        _debug()
        return _tell(_bug(error), error, BUG, in_json)
    return int(code or 0)


def _tell(message: str, error: Exception, code: int, in_json: bool, *, hint: str = "") -> int:
    if in_json:
        field = error.field if isinstance(error, InvalidRequest) else None
        document = {"error": {"message": message, "field": field, "type": type(error).__name__}}
        print(as_json(document), file=sys.stderr)
    else:
        print(f"error: {message}{hint}", file=sys.stderr)
    return code


def _usage(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"\nsee: {context.command_path} --help" if context is not None else ""


def _debug() -> None:
    if os.environ.get("EXPORT_PIPELINE_DEBUG") == "1":
        traceback.print_exc()


def _trouble(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename is not None else ""
    return f"{place}{error.strerror or error}"


def _bug(error: Exception) -> str:
    # The text of a library's exception may hold a customer's value: say where, not what.
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"unexpected {type(error).__name__} at {Path(place.filename).name}:{place.lineno}; this is a bug,"
        " please report it with what you typed and the traceback that EXPORT_PIPELINE_DEBUG=1 shows"
    )


if __name__ == "__main__":
    sys.exit(main())
