"""What the API says of itself: its description (OpenAPI), and a page of ours to read it on.

The page needs no thread: those may all be waiting for a database.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

router = APIRouter(prefix="/docs", include_in_schema=False)

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}

# By FastAPI, for every route with parameters; what is wrong with ours is a 400.
NOT_OURS = ("HTTPValidationError", "ValidationError")


@router.get("")
async def page() -> HTMLResponse:
    """The description, to read and to try."""
    # Relative: a proxy may have put all of this below a path of its own.
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Export Pipeline",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="data:,",
    )


@router.get("/swagger-ui-bundle.js")
async def script() -> Response:
    """The page's script."""
    return _asset("swagger-ui-bundle.js")


@router.get("/swagger-ui.css")
async def style() -> Response:
    """The page's style."""
    return _asset("swagger-ui.css")


def described(
    app: FastAPI, schemas: dict[str, Any], address: str | None = None
) -> Callable[[], dict[str, Any]]:
    """What describes the application; `schemas` are those that its routes refer to by name, `address` is
    where clients reach it, if that is not where they have the description from.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _description(app, schemas)
            if address is not None:
                app.openapi_schema["servers"] = [{"url": address}]
        return app.openapi_schema

    return openapi


def _description(app: FastAPI, schemas: dict[str, Any]) -> dict[str, Any]:
    description = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    known = description["components"]["schemas"]
    for name in NOT_OURS:
        known.pop(name, None)
    known |= schemas
    for operations in description["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["summary"] = operation["description"].partition(".")[0]
    return description


def _asset(name: str) -> Response:
    return Response(_bytes(name), media_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})


@cache
def _bytes(name: str) -> bytes:
    return (files("fastapi_offline") / "static" / name).read_bytes()
