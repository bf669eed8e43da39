"""Calls to an AT Protocol server (XRPC over HTTP), and what its refusals mean.

A server names its errors (`{"error": "ExpiredToken", "message": …}`). Only errors
that the protocol's own servers use for a dead sign-in count as one: a 401 from a
proxy on the way must not make a person reconnect an account that is well.
Source: atproto.com/specs/xrpc; the lexicons' `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import requests

from channels.answers import error_for, json_of, retry_at
from channels.contract import JSON
from channels.errors import AuthExpired, ChannelError, Gone, OutcomeUnknown, RateLimited, Rejected, Unavailable
from channels.sentences import say
from channels.wire import Wire

# What a sign-in that no longer holds is called.
_DEAD_SIGN_IN = {
    "AuthMissing": say("the server wants a sign-in"),
    "AuthenticationRequired": say("the handle or the app password is wrong, or was revoked"),
    "InvalidToken": say("the sign-in is not valid"),
    "AccountTakedown": say("the account was taken down"),
    "AccountDeactivated": say("the account is deactivated"),
    "AccountNotFound": say("the account does not exist any more"),
    "UntrustedIss": say("the sign-in is not valid"),
    "BadJwtAudience": say("the sign-in is not valid for this server"),
}
_NOT_THERE = frozenset({"RecordNotFound", "NotFound", "HandleNotFound", "ConvoNotFound"})
CHAT = "did:web:api.bsky.chat#bsky_chat"


class Server:
    """One server, called with one token (or none)."""

    def __init__(self, base_url: str, wire: Wire, token: str = "") -> None:
        self.base_url = base_url.rstrip("/")
        self._wire = wire
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def query(self, method: str, params: Mapping[str, Any] | None = None, *, via: str = "") -> JSON:
        """Read. `via` names a service that our server passes the call on to."""
        return self._call("GET", method, params=params or {}, headers=_passed_on(via))

    def procedure(self, method: str, body: Mapping[str, Any] | None = None, *, via: str = "") -> JSON:
        """Write, with one request."""
        return self._call("POST", method, json=body, headers=_passed_on(via))

    def upload(self, data: bytes, mime: str) -> JSON:
        """Store a file; returns the reference to put into a record."""
        answer = self._call("POST", "com.atproto.repo.uploadBlob", data=data, headers={"Content-Type": mime})
        return object_in(answer, "blob")

    def send_film(self, data: bytes, mime: str, did: str, name: str) -> JSON:
        """Hand a film to the service that makes it ready. One that it has already is no refusal."""
        params = {"did": did, "name": name}
        return self._call(
            "POST", "app.bsky.video.uploadVideo", params=params, data=data, headers={"Content-Type": mime}
        )

    def _call(self, verb: str, method: str, *, headers: Mapping[str, str], **content: Any) -> JSON:
        address = f"{self.base_url}/xrpc/{method}"
        response = self._wire.call(verb, address, {**self._headers, **headers}, **content)
        if not 200 <= response.status_code < 300 and _named(response)[0] != "already_exists":
            raise _error(response)
        answer = json_of(response) if response.content else {}
        if not isinstance(answer, dict):
            raise _unreadable(say("{method} answered with something else than an object", method=method))
        return answer


def _passed_on(via: str) -> dict[str, str]:
    return {"atproto-proxy": via} if via else {}


def object_in(answer: Mapping[str, Any], name: str) -> JSON:
    """A field that must be an object. An answer without it is an unreadable success."""
    value = answer.get(name)
    if not isinstance(value, dict):
        raise _unreadable(say("the answer has no {name}", name=name))
    return value


def text_in(answer: Mapping[str, Any], name: str) -> str:
    """A field that must be a text that is not empty. Otherwise: an unreadable success."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise _unreadable(say("the answer has no {name}", name=name))
    return value


def _unreadable(detail: str) -> OutcomeUnknown:
    return OutcomeUnknown(detail, code="unreadable_success")


def _error(response: requests.Response) -> ChannelError:
    """The error that a refusal stands for, by the name the server gave it."""
    now = datetime.now(UTC)
    name, message = _named(response)
    status = response.status_code
    detail = message or name
    evidence = {"status": status, "error": name, "message": message}
    if status == 429 or name == "RateLimitExceeded":
        return RateLimited(
            say("too many requests: {words}", words=detail),
            retry_at=retry_at(response.headers, now),
            status=status,
            evidence=evidence,
        )
    if status >= 500:
        return _by_status(response, now)
    if name == "ExpiredToken":
        return AuthExpired(
            say("the token is at its end: {words}", words=detail),
            code="token_expired",
            status=status,
            evidence=evidence,
        )
    if name == "AuthFactorTokenRequired":
        return Rejected(
            "the account asks for a code by e-mail: make an app password and use that",
            code="app_password_needed",
            status=status,
            evidence=evidence,
        )
    if name in _DEAD_SIGN_IN:
        return AuthExpired(
            say("{what}: {words}", what=_DEAD_SIGN_IN[name], words=detail), status=status, evidence=evidence
        )
    if name in _NOT_THERE:
        return Gone(say("not there: {words}", words=detail), status=status, evidence=evidence)
    if name == "BlobNotFound":
        # Uploads that no record refers to are dropped after a while; nothing was published.
        return Unavailable("an uploaded file is no longer there", code="upload_lost", status=status, evidence=evidence)
    if name == "InvalidSwap":
        return OutcomeUnknown(
            "there is already a record under this key", code="key_taken", status=status, evidence=evidence
        )
    return _by_status(response, now)


def _named(response: requests.Response) -> tuple[str, str]:
    try:
        body = response.json()
    except ValueError:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("error") or "")[:100], str(body.get("message") or "")[:300]


def _by_status(response: requests.Response, now: datetime) -> ChannelError:
    """A refusal by no name that decides: what its status proves, but never that the
    sign-in is dead."""
    error = error_for(response, now=now)
    if isinstance(error, AuthExpired):
        return OutcomeUnknown(
            "something on the way asked for a sign-in, not the network itself",
            status=response.status_code,
            evidence=error.evidence,
        )
    return error
