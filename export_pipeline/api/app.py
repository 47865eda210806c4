"""The application: every face on one deployment. ★ reads the settings when a server starts it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from export_pipeline.api import documentation
from export_pipeline.api.bitbroker.face import bitbroker
from export_pipeline.api.bitmovin.face import BITMOVIN
from export_pipeline.api.botify.face import BOTIFY
from export_pipeline.api.coveo.face import COVEO
from export_pipeline.api.face import Face
from export_pipeline.api.held import let_go
from export_pipeline.api.limiting import Limits
from export_pipeline.api.managed.face import MANAGED
from export_pipeline.api.native.answering import SCHEMAS
from export_pipeline.api.native.face import NATIVE
from export_pipeline.api.problems import AWAY, OURS, Problem, problem_of, problem_of_input
from export_pipeline.api.requests import MOST_BYTES, MOST_COMMAS, SECONDS_FOR_A_BODY, EveryRequest
from export_pipeline.api.visits import is_known
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.errors import ExportPipelineError
from export_pipeline.settings import Settings
from export_pipeline.store.away import is_away

# Below these everything is the native face's, which has the rest besides.
NATIVE_ADDRESSES = ("/api", "/docs", "/downloads", "/healthz", "/openapi.json", "/readyz")

LOG = logging.getLogger("export_pipeline.api")

# The native one last: it answers for every address that is nobody else's.
FACES: tuple[Face, ...] = (BITMOVIN, BOTIFY, COVEO, MANAGED, NATIVE)


def faces_of(settings: Settings) -> tuple[Face, ...]:
    """Those, and BitBroker's where the settings want it: with all below its bases that no other has."""
    *others, native = FACES
    for base in (settings.coordinator_base, settings.contributor_base, settings.consumer_base):
        owner = next((face.name for face in others if face.has(base)), None)
        if owner is None and any(_is_below(base, address) for address in NATIVE_ADDRESSES):
            owner = native.name
        if owner is not None:
            raise ExportPipelineError(
                f"the base {base} belongs to the {owner} face; choose another by"
                " EXPORT_PIPELINE_COORDINATOR_BASE, _CONTRIBUTOR_BASE or _CONSUMER_BASE"
            )
    return (*others, bitbroker(settings), native)


def _is_below(path: str, address: str) -> bool:
    return path == address or path.startswith(f"{address}/")


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
    records = f"{deployment.settings.contributor_base}/connector/"
    app.add_middleware(EveryRequest, failed=_failed, records=records, known=is_known)
    app.include_router(documentation.router)
    app.openapi = documentation.described(app, SCHEMAS, deployment.settings.api_url)  # type: ignore[method-assign]
    app.state.faces = faces_of(deployment.settings)
    for face in app.state.faces:
        for router in face.routers:
            # Faces follow documents of their own; ours describes what is ours.
            app.include_router(router, include_in_schema=face is NATIVE)
    app.add_exception_handler(ExportPipelineError, _refused)
    app.add_exception_handler(SQLAlchemyError, _unanswered)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _unrouted)
    return app


# None of these waits for a thread: until they are called all that was read of a body is kept.
async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ExportPipelineError)
    problem = problem_of(error)
    let_go(request, error)
    if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        LOG.error("request=%s %s: %s", request.state.request_id, type(error).__name__, error)
    return _answer(request, problem)


async def _unanswered(request: Request, error: Exception) -> Response:
    assert isinstance(error, SQLAlchemyError)
    if not is_away(error):
        raise error
    let_go(request, error)
    LOG.error("request=%s the control database: %s", request.state.request_id, type(error).__name__)
    return _answer(request, AWAY)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem = problem_of_input(error.errors())
    let_go(request, error)
    return _answer(request, problem)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    let_go(request, error)
    status = HTTPStatus(error.status_code)
    headers, taken = {**(error.headers or {})}, ", ".join(_methods(request))
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = taken
    said = {
        HTTPStatus.NOT_FOUND: "there is nothing at this address; /docs lists the addresses there are",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
            f"the body is larger than {MOST_BYTES:,} bytes or holds more than {MOST_COMMAS:,} values;"
            " send less"
        ),
        HTTPStatus.REQUEST_TIMEOUT: f"the body took more than {SECONDS_FOR_A_BODY:.0f} s; send it faster",
        HTTPStatus.SERVICE_UNAVAILABLE: "too much is being sent to us at once; ask again",
        HTTPStatus.METHOD_NOT_ALLOWED: f"this address does not take {request.method}; it takes {taken}",
    }
    answer = _answer(request, Problem(status=status, message=said.get(status, status.description)))
    answer.headers.update(headers)
    return answer


def _methods(request: Request) -> list[str]:
    """What the address takes: routes may share one, and each of them knows of its own methods alone."""
    path = request.url.path
    routes = iter_route_contexts(request.app.routes)
    here = [route for route in routes if route.path and compile_path(route.path)[0].match(path)]
    return sorted({method for route in here for method in route.methods or ()})


def _failed(request: Request) -> Response:
    return _answer(request, Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, message=OURS))


def _answer(request: Request, problem: Problem) -> Response:
    faces: tuple[Face, ...] = request.app.state.faces
    face = next(face for face in faces if face.has(request.url.path))
    return face.answer(request, problem)
