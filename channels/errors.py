"""What an outside network can do to us: one error for each way it can go wrong.

The delivery engine decides from the class alone, so an adapter must raise the
class that is *true*, not the one that is convenient. The question that sorts
them is: could the network have accepted what we sent?

    ChannelError
    ├── Rejected        it was refused, and refusal is proof that it was not accepted
    ├── AuthExpired     refused because our credentials no longer hold
    ├── RateLimited     refused for now; says until when
    ├── Unavailable     surely never reached the network (connection refused, DNS, TLS)
    │   └── StillWorking the network has an upload and is not done with it
    ├── OutcomeUnknown  it may or may not have been accepted
    ├── Gone            the thing addressed does not exist there (404, 410)
    ├── Forged          an incoming webhook that the network did not sign
    │   └── Misdirected a signed one that is for another of our accounts
    └── Malformed       an answer or a file that we cannot read
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


class ChannelError(Exception):
    """Base of everything that a network can do to us.

    `code` is a stable machine name; `detail` a sentence for a person, free of
    secrets; `status` the HTTP (or SMTP) status if there was one; `evidence`
    is JSON-able and is kept with the attempt.
    """

    code = "channel_error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        status: int | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.status = status
        self.evidence: dict[str, Any] = dict(evidence or {})


class Rejected(ChannelError):
    """The network refused it for good: the same request would be refused again."""

    code = "rejected"


class AuthExpired(ChannelError):
    """Our sign-in no longer holds. A person must reconnect, unless `is_renewable`."""

    code = "auth_expired"
    RENEWABLE = "token_expired"  # the code for an access token at its end: a refresh is due

    @property
    def is_renewable(self) -> bool:
        """Whether the network said that only the access token is at its end."""
        return self.code == self.RENEWABLE


class RateLimited(ChannelError):
    """Refused for now. `retry_at` (aware UTC) if the network said; `scope` is account or app."""

    code = "rate_limited"

    def __init__(
        self,
        detail: str,
        *,
        retry_at: datetime | None = None,
        scope: str = "account",
        code: str | None = None,
        status: int | None = 429,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail, code=code, status=status, evidence=evidence)
        self.retry_at = retry_at
        self.scope = scope


class Unavailable(ChannelError):
    """The request surely never reached the network: safe to try again later."""

    code = "unavailable"


class StillWorking(Unavailable):
    """Nothing was published: the network works at what was uploaded. `begun` (JSON-able) is what it
    has by now, for an Uploader to go on with; `again_after` in seconds."""

    code = "media_processing"

    def __init__(self, detail: str, *, begun: Mapping[str, Any], again_after: float) -> None:
        super().__init__(detail)
        self.begun, self.again_after = dict(begun), again_after


class OutcomeUnknown(ChannelError):
    """The request may have been accepted: time-out after the first byte, reset, 5xx,
    an unreadable success, or a "duplicate" rejection. Never retried blindly."""

    code = "outcome_unknown"


class Gone(ChannelError):
    """What was addressed is not there (any more). For a delete this means done."""

    code = "gone"


class Forged(ChannelError):
    """An incoming webhook whose signature does not hold."""

    code = "forged"


class Misdirected(Forged):
    """A true delivery, by its signature, that is for another account of our application."""

    code = "misdirected"

    def __init__(self, detail: str, *, recipient: str) -> None:
        super().__init__(detail)
        self.recipient = recipient


class Malformed(ChannelError):
    """A network's answer, or an incoming document, that cannot be understood."""

    code = "malformed"
