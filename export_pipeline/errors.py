"""Every error this package raises on purpose, sorted by what its reader does next.

    ExportPipelineError            show the message, no traceback
    ├── InvalidRequest             change the request: the message names the field and the cure
    ├── NotFound                   there is no such thing, or it belongs to another organization
    ├── AlreadyExists              choose another name, or change the one that is there
    ├── Unauthenticated            present a key that is valid
    ├── Forbidden                  present a key that allows more
    ├── TooManyRequests            wait for as long as it says, and ask again
    ├── PreconditionFailed         look at it again: it was changed since it was last looked at
    ├── Gone                       it was there, and is no more: ask for it to be made again
    ├── InUse                      change or delete what uses it first: the message names all of it
    ├── WrongState                 do one of the things that the message names: not this, as it stands now
    └── HourFailed                 one hour could not be exported
        ├── TransientFailure       try again: the same call may succeed in a minute
        │   ├── Conflict           try again: somebody else changed the object or holds the hour
        │   │   └── Contended      try again: somebody else may be about to change it, or give up
        │   └── Spoilt             try again, and replace what is there: it is ours, and not what was sent
        └── PermanentFailure       change the configuration first
            ├── Denied             give the connector other credentials, or more rights to these
            │   └── Kept           write elsewhere, or have it let go: what is there must not be replaced
            └── Unreadable         deliver all the same: nobody can look at what was written, and it is said

Anything else that escapes is a bug and is reported as one.
"""

import copy
from typing import Self


class ExportPipelineError(Exception):
    """Shown to people as its message alone."""


class InvalidRequest(ExportPipelineError):
    """What was asked for cannot be done as asked; nothing was stored."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(ExportPipelineError):
    """There is no such thing, or it belongs to another organization."""


class AlreadyExists(ExportPipelineError):
    """The name is taken."""


class Unauthenticated(ExportPipelineError):
    """Nobody knows who asks."""


class Forbidden(ExportPipelineError):
    """Who asks may not do that."""


class TooManyRequests(ExportPipelineError):
    """Asked more often than allowed. `wait`: seconds until it is worth asking again."""

    def __init__(self, message: str, *, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class PreconditionFailed(ExportPipelineError):
    """It is not as whoever asks believes it to be."""


class Gone(ExportPipelineError):
    """It was there once: deleted or expired since."""


class InUse(ExportPipelineError):
    """Others depend on it, and they are named; nothing was changed."""


class WrongState(ExportPipelineError):
    """What was asked for cannot be done to it in its present state; nothing was changed.

    `allowed` names what can be.
    """

    def __init__(self, message: str, *, state: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.state = state
        self.allowed = allowed


class HourFailed(ExportPipelineError):
    """One hour could not be exported; its neighbours are not concerned.

    `unheard` says that the answer to a request was lost, or could not be read, or said that the store broke
    down over it: what it asked for may have been done.
    """

    unheard = False

    def retold(self, message: str) -> Self:
        """The same failure in other words, with all else that is known of it."""
        told = copy.copy(self)
        told.args = (message,)
        return told


class TransientFailure(HourFailed):
    """Worth retrying: the same call may succeed in a minute.

    `wait` is the number of seconds after which the other side asked to be tried again, if it said so.
    """

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Conflict(TransientFailure):
    """Somebody else changed the object, or holds the hour, since we looked."""


class Contended(Conflict):
    """Others are at the object in this moment; what will be there, and whether anything is, nobody says."""


class Spoilt(TransientFailure):
    """The object is there, ours, and by the store's own word something else than was sent."""


class PermanentFailure(HourFailed):
    """Retrying cannot help: someone has to change the configuration first."""


class Denied(PermanentFailure):
    """The credentials are refused, or are not enough for what was tried."""


class Kept(Denied):
    """What is there may not be replaced, by a policy of the store or for want of a right to do just that."""


class Unreadable(PermanentFailure):
    """Files can be written there, and nobody can look at them: the store's word has to do for a proof."""
