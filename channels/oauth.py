"""The OAuth steps that networks share, on our wire: OAuth 1.0a in three legs (RFC 5849),
OAuth 2 authorization code with PKCE (RFC 6749, RFC 7636), and refresh.

requests-oauthlib signs and parses; oauth_errors decides what a failure means. Keeps
tokens out of every log and error, and refuses an answer whose `state` is not ours.

Addresses are given as the network publishes them. Where the wire diverts their host
to a rehearsal, the page that a person is sent to is the rehearsal's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth1Session, OAuth2Session

from channels.contract import Consent
from channels.errors import AuthExpired, Rejected
from channels.oauth_errors import check_state, consent_refused, guarded, judged, state_mismatch
from channels.wire import Wire

# These write tokens, codes and signatures at DEBUG.
_TALKATIVE = (
    "requests_oauthlib.oauth1_auth",
    "requests_oauthlib.oauth1_session",
    "requests_oauthlib.oauth2_session",
    "oauthlib.oauth1.rfc5849",
    "oauthlib.oauth1.rfc5849.signature",
    "tweepy.client",
)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def silence_libraries() -> None:
    """Let the OAuth libraries say nothing below WARNING, at whatever level the
    application logs. A filter, because a level is what applications reset."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if _is_worth_saying not in logger.filters:
            logger.addFilter(_is_worth_saying)


silence_libraries()


# ---------------------------------------------------------------- values


@dataclass(frozen=True)
class OAuth2App:
    """Our registration at a network. Without `client_secret` we are a public client."""

    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    scopes: Sequence[str]


@dataclass(frozen=True)
class OAuth2Tokens:
    """What a network granted. `expires_at` and `refresh_ends_at` are None where it said
    nothing; `refresh_token` is empty where none came and there was none before."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None
    scopes: tuple[str, ...]
    refresh_ends_at: datetime | None = None


@dataclass(frozen=True)
class OAuth1App:
    """Our consumer key at a network, and its three addresses."""

    api_key: str
    api_secret: str = field(repr=False)
    request_token_url: str
    authorize_url: str
    access_token_url: str


@dataclass(frozen=True)
class OAuth1Tokens:
    """A user's token and its secret. It has no end of its own."""

    token: str = field(repr=False)
    secret: str = field(repr=False)


# ---------------------------------------------------------------- OAuth 2


def begin_oauth2(app: OAuth2App, wire: Wire, redirect_uri: str, state: str) -> Consent:
    """Where to send the person, with a PKCE challenge (S256), and what to remember."""
    verifier = secrets.token_urlsafe(64)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    session = OAuth2Session(app.client_id, redirect_uri=redirect_uri, scope=list(app.scopes))
    url, _ = session.authorization_url(
        app.authorize_url, state=state, code_challenge=challenge, code_challenge_method="S256"
    )
    address = urlsplit(reachable(app.authorize_url, wire))
    url = urlunsplit((address.scheme, address.netloc, address.path, urlsplit(url).query, ""))
    return Consent(url, {"verifier": verifier, "state": state, "redirect_uri": redirect_uri})


def complete_oauth2(app: OAuth2App, wire: Wire, memory: Mapping[str, str], query: Mapping[str, str]) -> OAuth2Tokens:
    """Exchange the code that came back. Raises Rejected: `consent_refused`,
    `state_mismatch`, `grant_refused`, `app_keys_refused`; OutcomeUnknown after a
    broken answer (the code is then spent: begin anew)."""
    check_state(memory, query)
    if "error" in query or not query.get("code"):
        raise consent_refused(query.get("error", ""))
    session = _oauth2_session(app, wire, memory["redirect_uri"])
    session.register_compliance_hook("access_token_response", judged(Rejected, "grant_refused"))
    token = guarded(
        lambda: session.fetch_token(
            app.token_url, code=query["code"], code_verifier=memory["verifier"], **_client_auth(app)
        )
    )
    return _tokens(token, "")


def refresh_oauth2(app: OAuth2App, wire: Wire, refresh_token: str) -> OAuth2Tokens:
    """New tokens for a refresh token.

    Networks rotate refresh tokens: used twice, the second use fails and may end
    the first. So callers of this process that come at once with the same token
    share one request and its result; across processes the caller holds a lock.
    Raises AuthExpired when the token no longer holds, OutcomeUnknown when the
    answer was lost (the old token may be spent: the next refresh tells).
    """
    if not refresh_token:
        raise AuthExpired("there is no refresh token: the account must be connected again")
    key = hashlib.sha256(f"{app.token_url} {refresh_token}".encode()).hexdigest()
    return _in_flight.once(key, lambda: _refresh(app, wire, refresh_token))


def _refresh(app: OAuth2App, wire: Wire, refresh_token: str) -> OAuth2Tokens:
    session = _oauth2_session(app, wire, "")
    session.register_compliance_hook("refresh_token_response", judged(AuthExpired, "auth_expired"))
    auth = _client_auth(app)
    if auth.pop("include_client_id", False):
        auth["client_id"] = app.client_id
    token = guarded(
        lambda: session.refresh_token(app.token_url, refresh_token=refresh_token, **auth),
    )
    return _tokens(token, refresh_token)


def _oauth2_session(app: OAuth2App, wire: Wire, redirect_uri: str) -> OAuth2Session:
    return wire.fit(OAuth2Session(app.client_id, redirect_uri=redirect_uri))


def _client_auth(app: OAuth2App) -> dict[str, Any]:
    if not app.client_secret:
        return {"include_client_id": True}
    return {"auth": HTTPBasicAuth(app.client_id, app.client_secret)}


def _tokens(token: Mapping[str, Any], old_refresh_token: str) -> OAuth2Tokens:
    scope = token.get("scope") or ()
    return OAuth2Tokens(
        access_token=str(token["access_token"]),
        refresh_token=str(token.get("refresh_token") or old_refresh_token),
        expires_at=_in(token.get("expires_in")),
        scopes=tuple(scope.split() if isinstance(scope, str) else map(str, scope)),
        # Not in the RFC; Google and LinkedIn name it so, TikTok without the middle.
        refresh_ends_at=_in(token.get("refresh_token_expires_in", token.get("refresh_expires_in"))),
    )


def _in(seconds: Any) -> datetime | None:
    try:
        return None if seconds is None else datetime.now(UTC) + timedelta(seconds=int(seconds))
    except (TypeError, ValueError, OverflowError):
        return None


# ---------------------------------------------------------------- OAuth 1.0a


def begin_oauth1(app: OAuth1App, wire: Wire, redirect_uri: str, state: str) -> Consent:
    """Fetch a request token and say where to send the person.

    OAuth 1.0a has no `state`: it travels in the callback address.
    """
    callback = f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}state={state}"
    session = _oauth1_session(app, wire, callback_uri=callback)
    token = guarded(lambda: session.fetch_request_token(app.request_token_url), denied="app_keys_refused")
    memory = {
        "request_token": str(token["oauth_token"]),
        "request_secret": str(token.get("oauth_token_secret", "")),
        "state": state,
    }
    url = reachable(app.authorize_url, wire)
    return Consent(session.authorization_url(url, request_token=memory["request_token"]), memory)


def complete_oauth1(app: OAuth1App, wire: Wire, memory: Mapping[str, str], query: Mapping[str, str]) -> OAuth1Tokens:
    """Exchange the verifier that came back. Raises as `complete_oauth2` does."""
    check_state(memory, query)
    if "denied" in query or not query.get("oauth_verifier"):
        raise consent_refused("")
    if not hmac.compare_digest(query.get("oauth_token", ""), memory["request_token"]):
        raise state_mismatch()
    session = _oauth1_session(
        app,
        wire,
        resource_owner_key=memory["request_token"],
        resource_owner_secret=memory["request_secret"],
        verifier=query["oauth_verifier"],
    )
    token = guarded(lambda: session.fetch_access_token(app.access_token_url))
    return OAuth1Tokens(str(token["oauth_token"]), str(token["oauth_token_secret"]))


def _oauth1_session(app: OAuth1App, wire: Wire, **how: Any) -> OAuth1Session:
    return wire.fit(OAuth1Session(app.api_key, client_secret=app.api_secret, **how))


# ---------------------------------------------------------------- addresses


def reachable(url: str, wire: Wire) -> str:
    """`url` as a browser can reach it: at the rehearsal where the wire diverts its host."""
    parts = urlsplit(url)
    base = wire.divert.get(parts.hostname or "")
    if not base:
        return url
    to = urlsplit(base)
    return urlunsplit((to.scheme, to.netloc, parts.path, parts.query, parts.fragment))


# ---------------------------------------------------------------- one flight for each key


class _InFlight:
    """Calls under way by key, so that callers that come at once share one result."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, Future[OAuth2Tokens]] = {}

    def once(self, key: str, call: Callable[[], OAuth2Tokens]) -> OAuth2Tokens:
        with self._lock:
            future = self._calls.get(key)
            if mine := future is None:
                future = self._calls[key] = Future()
        assert future is not None
        if not mine:
            return future.result()
        try:
            future.set_result(call())
        except BaseException as e:
            future.set_exception(e)
        finally:
            with self._lock:
                del self._calls[key]
        return future.result()


_in_flight = _InFlight()
