"""What can go wrong inside Guichet. One table in webapp/errors.py turns these into statuses.

GuichetError
├── NotFound      404  it is not there, or the actor may not know that it is
├── NotAllowed    403
├── NotSignedIn   401
├── Invalid       422  `fields` says what is wrong where
├── Conflict      409  somebody or something was faster; `current` says how it stands
└── Unready       503  a part that is needed does not answer
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GuichetError(Exception):
    """Base. `code` is stable; the message is a sentence for a person, without secrets."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.data = data


class NotFound(GuichetError):
    code = "not_found"


class NotAllowed(GuichetError):
    code = "not_allowed"


class NotSignedIn(GuichetError):
    code = "not_signed_in"


class Invalid(GuichetError):
    """`fields` maps a dotted field name to what is wrong with it."""

    code = "invalid"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None, **data: Any) -> None:
        super().__init__(message, **data)
        self.fields = dict(fields or {})


class Conflict(GuichetError):
    code = "conflict"


class Unready(GuichetError):
    code = "unready"
