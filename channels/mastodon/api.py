"""One account's calls to one instance, with the instance's ways read into our errors.

Servers of this API refuse a bad token with 401, 400 or 403, with or without rate
headers: what a refusal means is asked of the server (who are we?) rather than guessed.
Source: docs.joinmastodon.org/api/rate-limits, and what other servers were seen to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from channels import answers
from channels.contract import JSON, Connection
from channels.errors import AuthExpired, ChannelError, Malformed, OutcomeUnknown, Rejected
from channels.sentences import say
from channels.wire import Wire

_WHO_WE_ARE = "/api/v1/accounts/verify_credentials"


class Api:
    """Calls with a bearer token. Its repr shows the instance only."""

    def __init__(self, base_url: str, token: str, wire: Wire) -> None:
        self.base_url = base_url
        self._session = wire.session()
        self._is_signed_in = bool(token)
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __repr__(self) -> str:
        return f"Api({self.base_url!r})"

    @classmethod
    def of(cls, connection: Connection, wire: Wire) -> Api:
        return cls(connection.base_url, connection.secrets.get("access_token", ""), wire)

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        """One request; the response if it is a 2xx. Raises ChannelError."""
        response = self._request(method, path, **how)
        # A moved instance must be connected anew: following would hand the token elsewhere.
        if 300 <= response.status_code < 400:
            elsewhere = urlsplit(response.headers.get("X-Refused-Location", "")).netloc or "another address"
            raise Rejected(
                say("the instance has moved to {elsewhere}", elsewhere=elsewhere[:80]),
                code="moved",
                status=response.status_code,
            )
        if response.status_code in (400, 403) and self._is_signed_in and self._is_signed_out():
            detail = answers.summary(response)
            raise AuthExpired(
                say("the instance no longer accepts our sign-in: {words}", words=detail), status=response.status_code
            )
        return answers.accepted(response)

    def read(self, path: str, **params: Any) -> JSON:
        """GET one object. Raises Malformed for a success that cannot be read: reading
        changes nothing, so its outcome is never unknown."""
        answer = _parsed(self.call("GET", path, params=params))
        if not isinstance(answer, dict):
            raise Malformed(say("{path} answered with something else than an object", path=path))
        return answer

    def read_list(self, path: str, **params: Any) -> list[JSON]:
        """GET a list of things that have ids. Raises Malformed."""
        return self.read_list_and_clock(path, **params)[0]

    def read_list_and_clock(self, path: str, **params: Any) -> tuple[list[JSON], datetime]:
        """The list, and the instance's own time (its Date header; ours where it has none)."""
        response = self.call("GET", path, params=params)
        answer = _parsed(response)
        if not isinstance(answer, list) or not all(isinstance(x, dict) and x.get("id") for x in answer):
            raise Malformed(say("{path} answered with something else than a list", path=path))
        return answer, _clock_of(response)

    def who_we_are(self) -> JSON:
        """The account's own credentials. Raises AuthExpired however the server refuses."""
        response = self._request("GET", _WHO_WE_ARE)
        if response.status_code in (400, 401, 403):
            raise AuthExpired(
                say("the instance does not accept our sign-in: {words}", words=answers.summary(response)),
                status=response.status_code,
            )
        account = answers.json_of(answers.accepted(response))
        if not isinstance(account, dict) or not account.get("id") or not account.get("acct"):
            raise Malformed("the instance did not say who we are")
        return account

    def _is_signed_out(self) -> bool:
        try:
            return self._request("GET", _WHO_WE_ARE).status_code in (400, 401, 403)
        except ChannelError:
            return False  # no reason to doubt the token: the refusal stands as it was said

    def _request(self, method: str, path: str, **how: Any) -> requests.Response:
        return self._session.request(method, self.base_url + path, **how)


def _parsed(response: requests.Response) -> Any:
    try:
        return answers.json_of(response)
    except OutcomeUnknown as e:
        raise Malformed("the instance answered with what is not JSON", evidence=e.evidence) from e


def _clock_of(response: requests.Response) -> datetime:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)


def allowance(headers: Mapping[str, str]) -> JSON:
    """What the instance still allows, from its rate headers; {} where it has none."""
    remaining = headers.get("X-RateLimit-Remaining", "")
    reset = answers.retry_at(headers, datetime.now(UTC))
    if not remaining.isdigit() or reset is None:
        return {}
    return {"remaining": int(remaining), "reset_at": reset.isoformat()}


def time_of(value: Any) -> datetime:
    """An ISO 8601 time of the API as aware UTC. Raises Malformed."""
    try:
        when = datetime.fromisoformat(value)
    except (TypeError, ValueError) as e:
        raise Malformed(say("not a time: “{value}”", value=value)) from e
    return when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)


def order_of(remote_id: str) -> tuple[int, str]:
    """Sorts ids by age, numeric or ULID: both grow in length, then in value."""
    return len(remote_id), remote_id


def full_handle(account: Mapping[str, Any], domain: str) -> str:
    """`user@host`, also for the instance's own accounts, whose `acct` has no host."""
    acct = str(account.get("acct") or account.get("username") or "")
    return acct if "@" in acct else f"{acct}@{domain}"


def actor_of(account: Mapping[str, Any], domain: str) -> str:
    """The actor URI, which is one and the same on every instance. Servers that do not
    give it (Mastodon before 4.2) have the profile's address, else the handle."""
    return str(account.get("uri") or account.get("url") or f"acct:{full_handle(account, domain)}")


def host_of(base_url: str) -> str:
    return urlsplit(base_url).netloc
