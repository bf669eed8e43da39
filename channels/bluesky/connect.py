"""Connecting a Bluesky account: by handle or e-mail and an app password.

The app password is used once and kept nowhere: what is kept is the session, a short
access token and a refresh token that each refresh replaces. The session is moved to
the account's own server, which the account's DID document names.
Refused: a sign-in over an unprotected connection when the typed address was protected.
Source: atproto.com/specs/account, docs of com.atproto.server.createSession.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from channels.bluesky.syntax import is_did
from channels.bluesky.xrpc import Server, text_in
from channels.contract import JSON, AppKeys, Connected, Connection, Consent
from channels.errors import AuthExpired, ChannelError, Malformed, Rejected
from channels.sentences import say
from channels.wire import Wire

DEFAULT_ADDRESS = "https://bsky.social"
WEB = "https://bsky.app"
# Handles copied from an app often carry invisible direction marks.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# The kinds of sign-in that may also read and write direct messages.
_DIRECT_SCOPES = frozenset({"com.atproto.access", "com.atproto.appPassPrivileged"})


class BlueskyConnector:
    """Signs in with an app password and keeps the session alive."""

    def __init__(self, app: AppKeys, wire: Wire) -> None:
        self._wire = wire

    def begin(self, form: Mapping[str, str], redirect_uri: str, state: str) -> Consent:
        raise Rejected("Bluesky is connected with an app password", code="wrong_way_to_connect")

    def complete(self, memory: Mapping[str, str], query: Mapping[str, str]) -> Connected:
        raise Rejected("Bluesky is connected with an app password", code="wrong_way_to_connect")

    def sign_in(self, form: Mapping[str, str]) -> Connected:
        """Form: `address` of the server (empty: Bluesky's own), `identifier` (handle or
        e-mail), `password` (an app password). Raises Rejected naming the wrong field."""
        address = normal_address(form.get("address", "") or DEFAULT_ADDRESS)
        identifier = _INVISIBLE.sub("", form.get("identifier", "")).strip().removeprefix("@")
        password = form.get("password", "").strip()
        if not identifier:
            raise Rejected("type the handle or the e-mail address of the account", code="identifier_missing")
        if not password:
            raise Rejected("type an app password of the account", code="password_missing")
        session = Server(address, self._wire).procedure(
            "com.atproto.server.createSession", {"identifier": identifier, "password": password}
        )
        return self._connected(session, address)

    def check(self, connection: Connection) -> Connected:
        server = Server(connection.base_url, self._wire, connection.secrets.get("access", ""))
        session = server.query("com.atproto.server.getSession")
        return self._connected({**_tokens(connection), **session}, connection.base_url)

    def refresh(self, connection: Connection) -> Connected:
        """New tokens for old. The server honours the old refresh token for some time more
        and then answers with the same successor, so an answer lost on the way costs nothing."""
        server = Server(connection.base_url, self._wire, connection.secrets.get("refresh", ""))
        session = server.procedure("com.atproto.server.refreshSession")
        return self._connected(session, connection.base_url)

    def _connected(self, session: Mapping[str, Any], address: str) -> Connected:
        did, handle = text_in(session, "did"), text_in(session, "handle")
        if not is_did(did):
            raise Malformed("the server gave the account no DID")
        if session.get("active") is False:
            raise AuthExpired(
                say("the account is not active: {words}", words=session.get("status") or say("no reason given"))
            )
        base_url = own_server(session.get("didDoc"), address)
        access = text_in(session, "accessJwt")
        claims, renewing = claims_of(access), text_in(session, "refreshJwt")
        profile = self._profile(did, base_url, access)
        return Connected(
            remote_id=did,
            handle=handle,
            name=str(profile.get("displayName") or handle),
            base_url=base_url,
            secrets={"access": access, "refresh": renewing},
            settings={"web": web_of(base_url), "direct": claims.get("scope") in _DIRECT_SCOPES},
            avatar_url=str(profile.get("avatar") or ""),
            expires_at=expiry_of(claims),
            refresh_ends_at=_end_of(renewing),
        )

    def _profile(self, did: str, base_url: str, access: str) -> JSON:
        """Name and picture. They are an ornament: a new account's may not be there yet."""
        try:
            return Server(base_url, self._wire, access).query("app.bsky.actor.getProfile", {"actor": did})
        except ChannelError:
            return {}


def _tokens(connection: Connection) -> dict[str, str]:
    return {
        "accessJwt": connection.secrets.get("access", ""),
        "refreshJwt": connection.secrets.get("refresh", ""),
    }


def normal_address(typed: str) -> str:
    """A typed server address as scheme and host. Raises Rejected."""
    text = typed.strip().rstrip("/")
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or parts.path or parts.query or parts.fragment:
        raise Rejected(say("not the address of a server: “{typed}”", typed=typed.strip()[:100]), code="bad_address")
    return f"{parts.scheme}://{parts.netloc}"


def own_server(document: object, address: str) -> str:
    """The server that the account's DID document names, else the one asked.

    Raises Rejected where that would move the tokens to an unprotected connection.
    """
    services = document.get("service") if isinstance(document, dict) else None
    for service in services if isinstance(services, list) else ():
        if isinstance(service, dict) and str(service.get("id", "")).endswith("#atproto_pds"):
            endpoint = normal_address(str(service.get("serviceEndpoint", "")))
            if address.startswith("https://") and not endpoint.startswith("https://"):
                raise Rejected("the account's own server offers no protected connection", code="unprotected_server")
            return endpoint
    return address


def claims_of(token: str) -> JSON:
    """What a token says of itself. Not verified: it is ours, and only its server can."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError) as e:
        raise Malformed("the server gave a token that cannot be read") from e
    if not isinstance(claims, dict):
        raise Malformed("the server gave a token that cannot be read")
    return claims


def _end_of(token: str) -> datetime | None:
    """When a token ends; None too where it does not say, or not so that we could read it."""
    try:
        return expiry_of(claims_of(token))
    except Malformed:
        return None


def expiry_of(claims: Mapping[str, Any]) -> datetime | None:
    """When a token ends, if it says so."""
    exp = claims.get("exp")
    return datetime.fromtimestamp(exp, UTC) if isinstance(exp, int | float) and 0 < exp < 10**11 else None


def web_of(base_url: str) -> str:
    """Where people look at posts. A server known only by an address on this machine is no
    part of the public network and shows its own pages (a rehearsal)."""
    host = urlsplit(base_url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return base_url if host == "localhost" else WEB
    return base_url
