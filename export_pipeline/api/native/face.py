"""The native face, which offers everything."""

from export_pipeline.api import downloads
from export_pipeline.api.face import Face
from export_pipeline.api.native import health, keys
from export_pipeline.api.native.answering import answer

NATIVE = Face(
    name="native",
    prefixes=("",),  # whatever is nobody else's
    routers=(health.router, keys.router, downloads.router),
    answer=answer,
)
