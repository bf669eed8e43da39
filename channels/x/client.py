"""Calls to X: tweepy's knowledge of API v2 over our own transport.

tweepy.Client knows the addresses and parameters. Its `request` is replaced, because
it sets no time-out, logs tokens at DEBUG, builds a signer for each call, and names
errors by status alone, where the question is whether X can have accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import tweepy
from requests_oauthlib import OAuth1

from channels.answers import error_for, json_of, summary
from channels.contract import JSON, Connection
from channels.errors import AuthExpired, ChannelError, Malformed, OutcomeUnknown, RateLimited, Rejected
from channels.sentences import say
from channels.wire import Wire

API = "https://api.x.com"
_CHUNK = 4 * 1024 * 1024

_DUPLICATE = 187  # X's own error code
_NOT_ENGAGED = "have not been mentioned or otherwise engaged"


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class XClient(tweepy.Client):  # type: ignore[misc]  # tweepy has no types
    """API v2 on behalf of one account. Thread-safe; build it once for each role.

    Every method gives the raw `requests.Response` of a success and raises
    ChannelError otherwise.
    """

    def __init__(self, connection: Connection, wire: Wire) -> None:
        super().__init__(return_type=requests.Response)
        self.session = wire.session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.auth = _auth(connection)

    def __repr__(self) -> str:
        return "<XClient>"

    def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        user_auth: bool = False,
        **more: Any,
    ) -> requests.Response:
        """One call. `more` goes to requests (`files`, `data`)."""
        response = self.session.request(method, API + route, params=params, json=json, auth=self.auth, **more)
        if 200 <= response.status_code < 300:
            return response
        raise error_of(response)

    def whoami(self) -> JSON:
        """The account's own user object."""
        return data_of(self.get_me(user_fields=["profile_image_url"]))

    def upload(self, content: bytes, mime: str, category: str) -> JSON:
        """Send a file in chunks; gives X's media object, perhaps still being processed."""
        body = {"media_type": mime, "total_bytes": len(content), "media_category": category}
        media_id = str(data_of(self.request("POST", "/2/media/upload/initialize", json=body)).get("id", ""))
        if not media_id.isdigit():
            raise Malformed("X gave no media id")
        for segment, at in enumerate(range(0, len(content), _CHUNK)):
            self.request(
                "POST",
                f"/2/media/upload/{media_id}/append",
                data={"segment_index": str(segment)},
                files={"media": ("chunk", content[at : at + _CHUNK], "application/octet-stream")},
            )
        return data_of(self.request("POST", f"/2/media/upload/{media_id}/finalize"))

    def upload_status(self, media_id: str) -> JSON:
        """X's media object as it is now."""
        params = {"command": "STATUS", "media_id": media_id}
        return data_of(self.request("GET", "/2/media/upload", params=params))

    def describe(self, media_id: str, alt: str) -> None:
        """Give a file its alternative text."""
        body = {"id": media_id, "metadata": {"alt_text": {"text": alt}}}
        self.request("POST", "/2/media/metadata", json=body)


def _auth(connection: Connection) -> requests.auth.AuthBase:
    secrets = connection.secrets
    if "access_token" in secrets:
        return _Bearer(secrets["access_token"])
    if "token" in secrets:
        app = connection.app
        return OAuth1(app.api_key, app.api_secret, secrets["token"], secrets.get("token_secret", ""))
    raise AuthExpired("the account has no access token: it must be connected again")


def data_of(response: requests.Response) -> JSON:
    """The `data` object of an answer. Raises OutcomeUnknown if there is none to read."""
    body = json_of(response)
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise OutcomeUnknown(
            "X said yes with an answer that holds nothing",
            code="unreadable_success",
            status=response.status_code,
            evidence={"status": response.status_code, "body": response.text[:300]},
        )
    return data


def page_of(response: requests.Response) -> JSON:
    """A page of a timeline as an object. Raises Malformed."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("data", []), list):
        raise Malformed("X answered with something that is no page", evidence={"body": response.text[:300]})
    return body


def error_of(response: requests.Response) -> ChannelError:
    """What a refusal of X means."""
    now = datetime.now(UTC)
    words = summary(response)
    status = response.status_code
    evidence = {"status": status, "answer": words}
    if status == 403 and ("duplicate" in words.lower() or _DUPLICATE in _codes(response)):
        # It may be an earlier post of ours that it duplicates, or the very one whose answer was lost.
        return OutcomeUnknown(
            say("X says that it has this already: {words}", words=words),
            code="duplicate",
            status=403,
            evidence=evidence,
        )
    if status == 403 and _NOT_ENGAGED in words:
        return Rejected(
            say("X does not allow this answer: {words}", words=words),
            code="reply_not_allowed",
            status=403,
            evidence=evidence,
        )
    error = error_for(response, now=now)
    if isinstance(error, RateLimited) and response.headers.get("x-app-limit-24hour-remaining") == "0":
        error.scope = "app"
        reset = response.headers.get("x-app-limit-24hour-reset", "")
        error.retry_at = datetime.fromtimestamp(int(reset), UTC) if reset.isdigit() else error.retry_at
    return error


def _codes(response: requests.Response) -> set[int]:
    try:
        errors = response.json().get("errors", [])
        return {e["code"] for e in errors if isinstance(e, dict) and isinstance(e.get("code"), int)}
    except (ValueError, AttributeError, TypeError):
        return set()
