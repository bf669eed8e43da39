"""One account's calls to one profile, with its refusals read into our errors.

What such networks are known to lie about is a doubt, whatever its status says: a duplicate
may name a ghost, and an error may be live.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import requests

from channels import answers
from channels.contract import JSON, Connection, Receipt
from channels.errors import Malformed, OutcomeUnknown, Unavailable
from channels.wire import Wire

_DOUBTFUL = {"DUPLICATE_POST": "duplicate", "ALREADY_PUBLISHED": "already_published", "2207051": "said_no"}


class Api:
    """Calls with a bearer token. Its repr shows the address only."""

    def __init__(self, base_url: str, token: str, wire: Wire) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = wire.session()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __repr__(self) -> str:
        return f"Api({self._base_url!r})"

    @classmethod
    def of(cls, connection: Connection, wire: Wire) -> Api:
        return cls(connection.base_url, connection.secrets.get("token", ""), wire)

    def call(self, method: str, path: str, **how: Any) -> Any:
        """The answer's JSON; None where it has no body. Raises ChannelError."""
        response = self._session.request(method, self._base_url + path, **how)
        code = _code_of(response)
        if code in _DOUBTFUL:
            raise OutcomeUnknown(
                "the network refused it in a way that does not prove that it is not out",
                code=_DOUBTFUL[code],
                status=response.status_code,
                evidence={"status": response.status_code, "answer": answers.summary(response)},
            )
        if code == "NOT_READY":
            raise Unavailable("the network is still working on it", code="processing", status=response.status_code)
        answers.accepted(response)
        return answers.json_of(response) if response.content else None

    def read(self, path: str, **params: Any) -> Any:
        """GET. Raises Malformed for a success that cannot be read: reading changes nothing."""
        try:
            return self.call("GET", path, params=params)
        except OutcomeUnknown as e:
            if e.code == "unreadable_success":
                raise Malformed("the network answered with what is not JSON", evidence=e.evidence) from e
            raise


def id_of(answer: Any) -> str:
    """The id that a success names. Raises OutcomeUnknown where it names none."""
    found = answer.get("id") if isinstance(answer, Mapping) else None
    if not isinstance(found, str) or not found:
        raise OutcomeUnknown("the network said yes without an id", code="unreadable_success")
    return found


def receipt_of(post: Mapping[str, Any]) -> Receipt:
    """The receipt that a post of ours is."""
    return Receipt(id_of(post), str(post.get("url") or ""), time_of(post), {"own": True})


def time_of(post: Mapping[str, Any]) -> datetime:
    """When it was published. Raises Malformed."""
    try:
        return datetime.fromisoformat(str(post["created_at"])).astimezone(UTC)
    except (KeyError, ValueError) as e:
        raise Malformed("the network gave no time") from e


def _code_of(response: requests.Response) -> str:
    if response.status_code < 400:
        return ""
    try:
        body: JSON = response.json()
        return str(body["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
