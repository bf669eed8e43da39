"""Connecting an account of X: OAuth 2 with PKCE (two-hour tokens, refreshed) or
OAuth 1.0a in three legs (no end of its own). The form chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from channels import oauth
from channels.contract import AppKeys, Connected, Connection, Consent
from channels.errors import Rejected
from channels.sentences import say
from channels.wire import Wire
from channels.x.client import API, XClient

SCOPES = (
    "tweet.read", "tweet.write", "tweet.moderate.write", "users.read", "like.read", "like.write", "dm.read", "dm.write",
    "media.write", "offline.access",
)  # fmt: skip


class XConnector:
    """Connects, checks and refreshes accounts of X."""

    def __init__(self, app: AppKeys, wire: Wire) -> None:
        self._app = app
        self._wire = wire

    def begin(self, form: Mapping[str, str], redirect_uri: str, state: str) -> Consent:
        """Start the dance that `form["auth"]` names. Raises Rejected (`app_keys_missing`)."""
        kind = form.get("auth") or "oauth2"
        if kind == "oauth1":
            consent = oauth.begin_oauth1(self._oauth1(), self._wire, redirect_uri, state)
        elif kind == "oauth2":
            consent = oauth.begin_oauth2(self._oauth2(), self._wire, redirect_uri, state)
        else:
            raise Rejected("auth must be oauth1 or oauth2", code="bad_form", evidence={"field": "auth"})
        return Consent(consent.authorize_url, {**consent.memory, "auth": kind})

    def complete(self, memory: Mapping[str, str], query: Mapping[str, str]) -> Connected:
        """Exchange what came back and ask who we are now."""
        if memory.get("auth") == "oauth1":
            held = oauth.complete_oauth1(self._oauth1(), self._wire, memory, query)
            return self._connected({"token": held.token, "token_secret": held.secret}, None)
        tokens = oauth.complete_oauth2(self._oauth2(), self._wire, memory, query)
        connected = self._connected(_secrets(tokens), tokens.expires_at)
        return replace(connected, renews=bool(tokens.refresh_token), refresh_ends_at=tokens.refresh_ends_at)

    def sign_in(self, form: Mapping[str, str]) -> Connected:
        """X has no typed credentials."""
        raise Rejected("X is connected through its own consent page", code="use_consent")

    def check(self, connection: Connection) -> Connected:
        """Ask X who we are. Raises AuthExpired."""
        return self._connected(connection.secrets, None)

    def refresh(self, connection: Connection) -> Connected | None:
        """New tokens for OAuth 2; None for OAuth 1.0a, whose token does not end.

        One request: it asks X nothing else, so that a rotated refresh token is
        in the caller's hands as soon as X has given it.
        """
        if "access_token" not in connection.secrets:
            return None
        tokens = oauth.refresh_oauth2(self._oauth2(), self._wire, connection.secrets.get("refresh_token", ""))
        return Connected(
            remote_id=connection.remote_id,
            handle=connection.handle,
            name="",
            base_url=connection.base_url,
            secrets=_secrets(tokens),
            settings=connection.settings,
            expires_at=tokens.expires_at,
            renews=bool(tokens.refresh_token),
            refresh_ends_at=tokens.refresh_ends_at,
        )

    def _connected(self, secrets: Mapping[str, str], expires_at: datetime | None) -> Connected:
        unnamed = Connection("x", "", "", API, secrets, app=self._app)
        user = XClient(unnamed, self._wire).whoami()
        handle = str(user.get("username", ""))
        return Connected(
            remote_id=str(user.get("id", "")),
            handle=handle,
            name=str(user.get("name", "")),
            base_url=API,
            secrets=secrets,
            settings={"auth": "oauth2" if "access_token" in secrets else "oauth1"},
            avatar_url=str(user.get("profile_image_url", "")),
            expires_at=expires_at,
        )

    def _oauth1(self) -> oauth.OAuth1App:
        if not (self._app.api_key and self._app.api_secret):
            raise _keys_missing("api_key")
        return oauth.OAuth1App(
            self._app.api_key,
            self._app.api_secret,
            f"{API}/oauth/request_token",
            f"{API}/oauth/authenticate",
            f"{API}/oauth/access_token",
        )

    def _oauth2(self) -> oauth.OAuth2App:
        if not self._app.client_id:
            raise _keys_missing("client_id")
        return oauth.OAuth2App(
            self._app.client_id,
            self._app.client_secret,
            "https://x.com/i/oauth2/authorize",
            f"{API}/2/oauth2/token",
            SCOPES,
        )


def _secrets(tokens: oauth.OAuth2Tokens) -> Mapping[str, str]:
    return {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}


def _keys_missing(name: str) -> Rejected:
    return Rejected(
        say("no application keys for X are set ({name})", name=name),
        code="app_keys_missing",
        evidence={"missing": name},
    )
