"""Contributors open sessions, send records and close them."""

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from export_pipeline.api.bitbroker.addresses import Id
from export_pipeline.api.bitbroker.bodies import Data, json_of
from export_pipeline.api.bitbroker.contributors import Contributing, contributor, with_room
from export_pipeline.api.bitbroker.telling import telling
from export_pipeline.contributions.conforming import Checked
from export_pipeline.contributions.mistakes import reject
from export_pipeline.contributions.sessions import action_of, commit_of, mode_of
from export_pipeline.control.contribution_sessions import (
    check_session,
    close_session,
    open_session,
    read_sent,
    send,
)
from export_pipeline.store.database import reading, writing

# Who asks is known before a body is taken, and their turn comes after: nobody waits for another's slow line.
router = APIRouter(
    prefix="/connector/{cid}/session",
    dependencies=[Depends(contributor), Depends(with_room, scope="function")],
)

_SID = Checked({"minLength": 36, "maxLength": 36, "pattern": "^[a-z0-9-]+$"})


@router.get("/open/{mode}")
def open_(asker: Contributing, mode: str) -> str:
    """Open a session; the one before is rolled back."""
    wanted = mode_of(mode)
    with writing(asker.control) as connection:
        return open_session(connection, asker.connector, wanted, asker.idle)


@router.post("/{sid}/{action}")
def act(data: Data, asker: Contributing, sid: Id, action: str) -> JSONResponse:
    """Have records stored, or deleted; all that are sent at once, or none."""
    body = json_of(data)
    connector, idle = asker.connector, asker.idle
    id_ = _session_id(sid)
    wanted = action_of(action)
    with reading(asker.control) as connection:
        check_session(connection, connector, id_, idle)
        sent = read_sent(connection, connector, wanted, body)
    with writing(asker.control) as connection:
        told = send(connection, connector, id_, sent, idle)
    return JSONResponse(dict(told), headers=telling(sent.unchecked))


@router.get("/{sid}/close/{commit}")
def close(asker: Contributing, sid: Id, commit: str) -> Response:
    """Close a session; what it was to change is done, or is not."""
    id_ = _session_id(sid)
    done = commit_of(commit)
    with writing(asker.control) as connection:
        close_session(connection, asker.connector, id_, commit=done, idle=asker.idle)
    return Response(status_code=200)


def _session_id(sid: str) -> str:
    reject(_SID.mistakes(sid, "id"))
    return sid
