"""Links that whoever has one may follow without a key, for a while: address, end, our signature."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from export_pipeline.errors import Forbidden, Gone
from export_pipeline.store.encryption import SecretKey

# Where the API serves what links lead to, each below its task.
ARCHIVES, FILES = "/downloads/archives", "/downloads/files"

# Long enough to begin a download after reading about it, short enough that a link in a log is soon worthless.
# A download that has begun goes on.
LASTS = timedelta(hours=1)


def archive_address(key: SecretKey, task_id: str, name: str, *, lasts: timedelta = LASTS) -> str:
    """Where the API has the task's files as one zip of that name."""
    return signed_link(key, f"{ARCHIVES}/{task_id}/{name}", lasts=lasts)


def file_address(key: SecretKey, task_id: str, file: str, *, lasts: timedelta = LASTS) -> str:
    """Where the API has one file of the task; `file` is its key in the connector's store."""
    return signed_link(key, f"{FILES}/{task_id}/{file}", lasts=lasts)


def signed_link(key: SecretKey, path: str, *, lasts: timedelta = LASTS) -> str:
    """The address for `path`, whose special characters are written out here."""
    expires = int((datetime.now(UTC) + lasts).timestamp())
    return f"{quote(path)}?expires={expires}&signature={key.sign(_text(path, expires))}"


def check_link(key: SecretKey, path: str, *, expires: int, signature: str) -> None:
    """Forbidden unless we signed exactly this; Gone when it has ended. `path` as it was before quoting."""
    if not key.signed(_text(path, expires), signature):
        raise Forbidden("this link was not given out by us, or not so; ask for a new one")
    now = int(datetime.now(UTC).timestamp())
    if expires <= now:
        raise Gone("this link has expired; ask for a new one")


def _text(path: str, expires: int) -> str:
    return f"link {expires} {path}"
