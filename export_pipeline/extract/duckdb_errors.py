"""What DuckDB's errors mean for us: whether to try again, and if not, what to change."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.duckdb_memory import exhausted


@contextmanager
def explained(file: Path) -> Iterator[None]:
    """DuckDB's errors as ours. A text is kept, and chained, where it speaks of names and not of values."""
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise PermanentFailure(f"{file.name}: {_first_line(error)}") from error
    except duckdb.ConnectionException as error:
        raise TransientFailure(f"{file} is open for writing in this process; close it first") from error
    except duckdb.OutOfMemoryException as error:
        raise exhausted(file, str(error)) from None
    except duckdb.IOException as error:
        if "Could not set lock" in str(error):
            raise TransientFailure(
                f"{file} is open for writing in another process; DuckDB lets nobody read meanwhile"
            ) from error
        if "not a valid DuckDB" in str(error):
            raise PermanentFailure(f"{file} is no DuckDB file; correct the source's URL") from error
        raise TransientFailure(f"{file} could not be read: {_first_line(error)}") from error
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        # The second and third are what an error in mid-stream becomes. A cast that fails quotes the value.
        if "Out of Memory" in str(error):
            raise exhausted(file, str(error)) from error
        kind = type(error).__name__
        raise PermanentFailure(
            f"{file}: DuckDB could not answer the query ({kind}); run it there to see why"
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
