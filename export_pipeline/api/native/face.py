"""The native face, which offers everything."""

from export_pipeline.api import downloads
from export_pipeline.api.face import Face
from export_pipeline.api.native import (
    audit,
    connector_checks,
    connectors,
    dataset,
    deliveries,
    exports,
    filters,
    health,
    keys,
    tasks,
)
from export_pipeline.api.native.answering import answer

NATIVE = Face(
    name="native",
    prefixes=("",),  # whatever is nobody else's
    routers=(
        health.router,
        dataset.router,
        connectors.router,
        connector_checks.router,
        exports.router,
        deliveries.router,
        filters.router,
        tasks.router,
        keys.router,
        audit.router,
        downloads.router,
    ),
    answer=answer,
)
