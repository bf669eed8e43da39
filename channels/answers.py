"""From an HTTP answer to the error taxonomy, the same for every network.

An adapter calls `accepted(response)` and overrides only what its network does
differently (a 403 that means "duplicate", a 400 that means "bad token").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from channels.errors import AuthExpired, ChannelError, Gone, OutcomeUnknown, RateLimited, Rejected
from channels.sentences import say

MOST_FOLLOWERS = 10**10  # more than there are people; a network may say anything
# Refusals that prove that nothing was accepted.
_REFUSALS = frozenset({400, 402, 403, 405, 406, 411, 413, 414, 415, 422, 428, 431})


def accepted(response: requests.Response, *, now: datetime | None = None) -> requests.Response:
    """The response if it is a 2xx; otherwise raises the ChannelError that it stands for."""
    if 200 <= response.status_code < 300:
        return response
    raise error_for(response, now=now or datetime.now(UTC))


def error_for(response: requests.Response, *, now: datetime) -> ChannelError:
    """The error that a non-2xx answer stands for."""
    status = response.status_code
    detail = summary(response)
    evidence = {"status": status, "answer": detail}
    if status == 401:
        return AuthExpired(
            say("the network no longer accepts our sign-in: {words}", words=detail), status=status, evidence=evidence
        )
    if status == 429:
        return RateLimited(
            say("too many requests: {words}", words=detail),
            retry_at=retry_at(response.headers, now),
            status=status,
            evidence=evidence,
        )
    if status in (404, 410):
        return Gone(say("not there: {words}", words=detail), status=status, evidence=evidence)
    if status in _REFUSALS:
        return Rejected(say("the network refused it: {words}", words=detail), status=status, evidence=evidence)
    return OutcomeUnknown(
        say("the network answered {status}, which does not say whether it accepted", status=str(status)),
        status=status,
        evidence=evidence,
    )


def json_of(response: requests.Response) -> Any:
    """The body as JSON. An unreadable success is an unknown outcome, not a failure."""
    try:
        return response.json()
    except ValueError as e:
        raise OutcomeUnknown(
            "the network said yes with an answer that cannot be read",
            code="unreadable_success",
            status=response.status_code,
            evidence={"status": response.status_code, "body": response.text[:300]},
        ) from e


def summary(response: requests.Response) -> str:
    """The network's own words for what went wrong, short, for a person."""
    try:
        body = response.json()
    except ValueError:
        return (response.text or response.reason or "").strip()[:300] or f"status {response.status_code}"
    return _words(body)[:300] or f"status {response.status_code}"


def _words(body: Any) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, Mapping):
        for key in ("detail", "error_description", "message", "error", "title", "errors"):
            if body.get(key):
                return _words(body[key])
    if isinstance(body, list):
        return "; ".join(w for w in map(_words, body[:3]) if w)
    return ""


def retry_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When to come back, from Retry-After (RFC 9110 §10.2.3) or the usual reset headers."""
    value = headers.get("Retry-After", "")
    if value.isdigit():
        return now + timedelta(seconds=int(value))
    if value:
        try:
            return parsedate_to_datetime(value).astimezone(UTC)
        except ValueError:
            pass
    for name in ("x-rate-limit-reset", "X-RateLimit-Reset", "RateLimit-Reset"):
        reset = headers.get(name, "")
        if reset.isdigit():
            seconds = int(reset)  # an epoch second (X, Bluesky) or a delta (IETF draft)
            return datetime.fromtimestamp(seconds, UTC) if seconds > 10**9 else now + timedelta(seconds=seconds)
        if reset:
            try:
                return datetime.fromisoformat(reset).astimezone(UTC)  # Mastodon: ISO 8601
            except ValueError:
                continue
    return None


def followers_in(said: object) -> int | None:
    """A number of followers as a network gives it; None for anything that is none (some give -1 for
    whoever keeps it to themselves)."""
    return min(said, MOST_FOLLOWERS) if type(said) is int and said >= 0 else None
