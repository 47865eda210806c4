"""The native face, which offers everything."""

from export_pipeline.api import downloads as signed
from export_pipeline.api.face import Face
from export_pipeline.api.native import (
    audit,
    connector_checks,
    connectors,
    dataset,
    deliveries,
    downloads,
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
        downloads.router,
        keys.router,
        audit.router,
        signed.router,
    ),
    answer=answer,
)
