"""The face that speaks as the document on managed storage connectors does.

It says nothing of errors: ours are the native face's.
"""

from export_pipeline.api.face import Face
from export_pipeline.api.managed import connectors
from export_pipeline.api.native.answering import answer

MANAGED = Face(name="managed", prefixes=("/connectors",), routers=(connectors.router,), answer=answer)
