"""The face that speaks as Botify's exports do. Its addresses are its own: others have `/v1` too."""

from export_pipeline.api.botify import connectors, jobs
from export_pipeline.api.botify.answering import answer
from export_pipeline.api.face import Face

BOTIFY = Face(
    name="botify",
    prefixes=("/v1/jobs", "/v1/connectors"),
    routers=(jobs.router, connectors.router),
    answer=answer,
)
