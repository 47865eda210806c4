"""The application: every face on one deployment. ★ reads the settings when a server starts it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from export_pipeline.api import documentation
from export_pipeline.api.bitmovin.face import BITMOVIN
from export_pipeline.api.botify.face import BOTIFY
from export_pipeline.api.coveo.face import COVEO
from export_pipeline.api.face import Face
from export_pipeline.api.limiting import Limits
from export_pipeline.api.managed.face import MANAGED
from export_pipeline.api.native.answering import SCHEMAS
from export_pipeline.api.native.face import NATIVE
from export_pipeline.api.problems import OURS, Problem, problem_of, problem_of_input
from export_pipeline.api.requests import MOST_BYTES, EveryRequest
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.errors import ExportPipelineError
from export_pipeline.settings import Settings

LOG = logging.getLogger("export_pipeline.api")

# The native one last: it answers for every address that is nobody else's.
FACES: tuple[Face, ...] = (BITMOVIN, BOTIFY, COVEO, MANAGED, NATIVE)


def create() -> FastAPI:
    """The application on the deployment that the environment names; for a server's workers."""
    ours = logging.getLogger("export_pipeline")
    if not ours.handlers:
        ours.setLevel(logging.INFO)
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        ours.addHandler(handler)
    return application(open_deployment(Settings()))


def application(deployment: Deployment) -> FastAPI:
    """The application on a deployment, which it closes when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            deployment.close()

    app = FastAPI(
        title="Export Pipeline",
        version=version("export-pipeline"),
        description="Customers' data in their own buckets, one file an hour, with a receipt for each.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.deployment = deployment
    app.state.limits = Limits(deployment.control, deployment.settings.requests_per_minute)
    app.add_middleware(EveryRequest, failed=_failed)
    app.include_router(documentation.router)
    app.openapi = documentation.described(app, SCHEMAS)  # type: ignore[method-assign]
    for face in FACES:
        for router in face.routers:
            # Faces follow documents of their own; ours describes what is ours.
            app.include_router(router, include_in_schema=face is NATIVE)
    app.add_exception_handler(ExportPipelineError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _unrouted)
    return app


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ExportPipelineError)
    problem = problem_of(error)
    if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        LOG.error("request=%s %s: %s", request.state.request_id, type(error).__name__, error)
    return _answer(request, problem)


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answer(request, problem_of_input(error.errors()))


def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    said = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address; /docs lists the addresses there are",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"the body is larger than {MOST_BYTES:,} bytes; send less",
        HTTPStatus.METHOD_NOT_ALLOWED: f"this address does not take {request.method}; see /docs",
    }
    answer = _answer(request, Problem(status=status, message=said.get(status, status.description)))
    answer.headers.update(error.headers or {})
    return answer


def _failed(request: Request) -> Response:
    return _answer(request, Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, message=OURS))


def _answer(request: Request, problem: Problem) -> Response:
    face = next(face for face in FACES if face.has(request.url.path))
    return face.answer(request, problem)
