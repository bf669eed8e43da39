"""The rehearsal provider's OAuth 2: a consent page, codes bound to a PKCE challenge
(RFC 7636), access tokens that end and refresh tokens that are used once."""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
import time
from typing import Any, Protocol
from urllib.parse import urlencode

from flask import Flask, Response, abort, redirect, request

from channels.rehearsal.store import Doc, Store

TOKEN_SECONDS = 3600
# Where Microsoft, Google and others have them.
_AUTHORIZE = ("/common/oauth2/v2.0/authorize", "/o/oauth2/v2/auth", "/authorize")
_TOKEN = ("/common/oauth2/v2.0/token", "/token")


class Grants(Protocol):
    """What the pages ask their network."""

    store: Store

    def add_person(self, address: str, name: str = "", kind: str = "company") -> Doc: ...


def add_consent_routes(app: Flask, network: Grants) -> None:
    def ask() -> Any:
        return _ask(network)

    def consent() -> Any:
        return _consent(network)

    def token() -> Any:
        return _token(network)

    for path in _AUTHORIZE:
        app.get(path, endpoint=f"ask {path}")(ask)
        app.post(path, endpoint=f"consent {path}")(consent)
    for path in _TOKEN:
        app.post(path, endpoint=f"token {path}")(token)


def _ask(network: Grants) -> Any:
    if request.args.get("code_challenge_method") != "S256" or not request.args.get("redirect_uri"):
        abort(Response("a redirect_uri and a PKCE challenge (S256) are needed", 400))
    hint = html.escape(request.args.get("login_hint", ""), quote=True)
    return (
        "<!DOCTYPE html><html lang='en'><title>Rehearsal mail</title><h1>Rehearsal mail</h1>"
        "<form method='post'><label>Which mailbox? "
        f"<input name='address' type='email' required value='{hint}'></label>"
        "<p>It lets this application read and send mail.</p>"
        "<button name='answer' value='yes'>Allow</button> <button name='answer' value='no'>Refuse</button>"
        "</form></html>"
    )


def _consent(network: Grants) -> Any:
    asked = request.args
    state = {"state": asked.get("state", "")}
    if request.form.get("answer") != "yes":
        return redirect(f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', **state})}")
    address = request.form.get("address", "").lower()
    if "@" not in address:
        abort(Response("that is not a mailbox", 400))
    network.add_person(address)
    code = secrets.token_urlsafe(24)
    grant = {name: asked.get(name, "") for name in ("client_id", "redirect_uri", "code_challenge")}
    network.store.put("code", code, {**grant, "address": address, "ends": time.time() + 60})
    return redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, **state})}")


def _token(network: Grants) -> Any:
    kind = request.form.get("grant_type")
    grant = _by_code(network) if kind == "authorization_code" else _by_refresh_token(network)
    if grant is None:
        return {"error": "invalid_grant"}, 400
    access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    ends = time.time() + TOKEN_SECONDS
    network.store.put("access_token", access, {"address": grant["address"], "ends": ends})
    network.store.put("refresh_token", refresh, {"address": grant["address"]})
    return {"token_type": "Bearer", "access_token": access, "refresh_token": refresh, "expires_in": TOKEN_SECONDS}


def _by_code(network: Grants) -> Doc | None:
    code = request.form.get("code", "")
    grant = network.store.get("code", code)
    network.store.drop("code", code)
    digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    holds = (
        grant
        and grant["code_challenge"] == challenge
        and grant["redirect_uri"] == request.form.get("redirect_uri")
        and float(grant["ends"]) > time.time()
    )
    return grant if holds else None


def _by_refresh_token(network: Grants) -> Doc | None:
    token = request.form.get("refresh_token", "")
    grant = network.store.get("refresh_token", token)
    network.store.drop("refresh_token", token)
    return grant
