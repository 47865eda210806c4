"""What DuckDB's errors mean for us: whether to try again, and if not, what to change."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from export_pipeline.dataset.duckdb_files import Overwritten
from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.duckdb_memory import exhausted
from export_pipeline.extract.query import compared_as_values, relation_of

# How DuckDB speaks of a number that does not become another type's.
_OUT_OF_RANGE = ("Conversion Error", "Out of Range Error")

_FOLDERS = re.compile(r"(?<![\w.:/-])/(?:[^/\"']+/)+")


@contextmanager
def explained(file: Path, rows: sa.Select[Any] | None = None) -> Iterator[None]:
    """DuckDB's errors as ours, of the query `rows` if there was one. A text is kept, and chained, where it
    speaks of names and not of values."""
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise PermanentFailure(f"{file.name}: {_first_line(error)}") from error
    except Overwritten as error:
        raise overwritten(file) from error
    except duckdb.ConnectionException as error:
        if "different configuration" not in str(error):
            raise TransientFailure(f"the connection to {file.name} was lost") from error
        raise TransientFailure(
            f"{file.name} is open in this process otherwise than for exports, or was replaced while it is"
            " read here, and DuckDB opens it in one way only; close it there, or try again when that ended"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise exhausted(file, str(error)) from None
    except duckdb.IOException as error:
        if "Could not set lock" in str(error):
            raise TransientFailure(
                f"{file.name} is open for writing in another process; DuckDB lets nobody read meanwhile"
            ) from error
        if "not a valid DuckDB" in str(error):
            raise PermanentFailure(f"{file.name} is no DuckDB file; correct the source's URL") from error
        raise TransientFailure(f"{file.name} could not be read: {_first_line(error)}") from error
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        # The second and third are what an error in mid-stream becomes. A cast that fails quotes the value.
        if "Out of Memory" in str(error):
            raise exhausted(file, str(error)) from error
        raise _unanswered(file, rows, error) from None


def overwritten(file: Path) -> TransientFailure:
    """What was read of the file is partly of what it was, and partly of what it is."""
    return TransientFailure(
        f"{file.name} was written over while it is read here; try again when that ended, and the next time"
        " move the new file into its place (`mv`), which lets whoever reads the old one end"
    )


def _unanswered(file: Path, rows: sa.Select[Any] | None, error: Exception) -> PermanentFailure:
    kind = type(error).__name__
    names = compared_as_values(rows) if rows is not None else ()
    if rows is None or not names or not any(words in str(error) for words in _OUT_OF_RANGE):
        return PermanentFailure(
            f"{file.name}: DuckDB could not answer the query ({kind}); run it there to see why"
        )
    columns = " or ".join(f"{relation_of(rows)}.{name}" for name in names)
    return PermanentFailure(
        f"{columns}, by which rows are chosen, holds a number beyond what DuckDB compares with the"
        f" declared type ({kind}); declare a type that holds it, or leave the column out of the filter"
    )


def _first_line(error: Exception) -> str:
    """Without the folders of files: customers read it, and where those lie is the operator's."""
    return _FOLDERS.sub("", str(error).strip().splitlines()[0])
