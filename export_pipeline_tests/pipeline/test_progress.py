"""What a stage raises to stop is no failure of its hour."""

from export_pipeline.errors import ExportPipelineError
from export_pipeline.pipeline.progress import Cancelled


def test_being_cancelled_is_none_of_our_errors() -> None:
    """Whoever sorts an hour's errors by what to do next must not find it among them."""
    assert not issubclass(Cancelled, ExportPipelineError)


def test_being_cancelled_can_be_caught_where_bugs_are() -> None:
    """It is raised in worker threads, whose pool hands on what is an Exception."""
    assert issubclass(Cancelled, Exception)
