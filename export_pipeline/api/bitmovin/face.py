"""The face that speaks as Bitmovin's analytics exports do, to its own clients."""

from export_pipeline.api.bitmovin import exports, outputs
from export_pipeline.api.bitmovin.envelope import answer
from export_pipeline.api.face import Face

BITMOVIN = Face(
    name="bitmovin", prefixes=("/v1/analytics",), routers=(outputs.router, exports.router), answer=answer
)
