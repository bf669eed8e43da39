"""Signing in: applications, the consent page, codes and tokens (RFC 6749, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, jsonify, redirect, request
from markupsafe import Markup

from channels.rehearsal.mastodon.world import MastodonWorld
from channels.rehearsal.store import Doc

_CODE_LIVES = 600
_SCOPES = [
    *("read", "read:accounts", "read:notifications", "read:statuses"),
    *("write", "write:favourites", "write:media", "write:statuses", "follow", "push"),
]
_CARRIED = ("client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")


def refuse(status: int, error: str, **more: str) -> Any:
    """End the request with an error in the API's shape."""
    response = jsonify({"error": error, **more})
    response.status_code = status
    abort(response)


def posted() -> Doc:
    """The body, whether it came as a form or as JSON. `x[]` is a list."""
    if request.is_json:
        return dict(request.get_json())
    form = request.form
    return {k.removesuffix("[]"): form.getlist(k) if k.endswith("[]") else form[k] for k in form}


def allows(scope: str, needed: str) -> bool:
    """Whether the granted scopes cover one: `write` covers `write:statuses`."""
    granted = scope.split()
    return needed in granted or needed.partition(":")[0] in granted


def add_routes(world: MastodonWorld, app: Flask) -> None:
    desk = _Desk(world)
    app.post("/api/v1/apps")(desk.register)
    app.get("/oauth/authorize")(desk.consent_page)
    app.post("/oauth/authorize")(desk.consent)
    app.post("/oauth/token")(desk.token)
    app.post("/oauth/revoke")(desk.revoke)
    if world.ways.offers_pkce:
        app.get("/.well-known/oauth-authorization-server")(desk.describe)


class _Desk:
    def __init__(self, world: MastodonWorld) -> None:
        self._world = world
        self._store = world.store

    def describe(self) -> Any:
        base = request.host_url
        return jsonify(
            issuer=base,
            authorization_endpoint=f"{base}oauth/authorize",
            token_endpoint=f"{base}oauth/token",
            revocation_endpoint=f"{base}oauth/revoke",
            app_registration_endpoint=f"{base}api/v1/apps",
            code_challenge_methods_supported=["S256"],
            scopes_supported=_SCOPES if self._world.ways.knows_narrow_scopes else ["read", "write", "follow", "push"],
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code"],
            token_endpoint_auth_methods_supported=["client_secret_post"],
            service_documentation="https://docs.joinmastodon.org/",
            userinfo_endpoint=f"{base}oauth/userinfo",
        )

    def register(self) -> Any:
        asked = posted()
        name, scopes = asked.get("client_name", ""), asked.get("scopes") or "read"
        redirect_uris = asked.get("redirect_uris") or ""
        uris = redirect_uris.split() if isinstance(redirect_uris, str) else list(redirect_uris)
        if not name or not uris:
            refuse(422, "Validation failed: Application name can't be blank, Redirect URI can't be blank")
        if ":" in scopes and not self._world.ways.knows_narrow_scopes:
            refuse(422, "Validation failed: Scopes doesn't match configured on the server.")
        doc = {
            "id": str(self._store.next_number()),
            "name": name,
            "website": asked.get("website"),
            "scopes": scopes.split(),
            "redirect_uri": "\n".join(uris),
            "redirect_uris": uris,
            "client_id": secrets.token_urlsafe(32),
            "client_secret": secrets.token_urlsafe(32),
            "client_secret_expires_at": 0,
            "vapid_key": "",
        }
        return jsonify(self._store.put("app", doc["client_id"], doc))

    # -- the page a person sees

    def consent_page(self) -> Any:
        asked = request.args
        app = self._app(asked)
        fields = [
            Markup('<input type="hidden" name="{}" value="{}">').format(name, asked.get(name, "")) for name in _CARRIED
        ]
        users = [
            Markup('<p><label><input type="radio" name="user" value="{}"{}> {} (@{})</label></p>').format(
                user["handle"], Markup(" checked") if not i else "", user["name"], user["handle"]
            )
            for i, user in enumerate(self._world.company_users())
        ]
        page = Markup(
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Authorize</title>'
            "<h1>{} would like to use your account</h1><p>{} (rehearsal). It asks for: {}</p>"
            '<form method="post" action="/oauth/authorize">{}{}'
            '<button name="decision" value="authorize">Authorize</button> '
            '<button name="decision" value="cancel">Cancel</button></form></html>'
        )
        return page.format(
            app["name"], self._world.ways.domain, asked.get("scope", "read"), *map(Markup("").join, (fields, users))
        )

    def consent(self) -> Any:
        asked = request.form
        self._app(asked)
        state = {"state": asked["state"]} if asked.get("state") else {}
        if asked.get("decision") != "authorize":
            denied = {"error": "access_denied", "error_description": "The resource owner denied the request."}
            return self._back(asked["redirect_uri"], {**denied, **state})
        user = self._world.person(asked.get("user", ""))
        if user["kind"] != "company":
            refuse(403, "only users of this instance can sign in")
        code = secrets.token_urlsafe(32)
        kept = {name: asked.get(name, "") for name in _CARRIED}
        self._store.put("code", code, {**kept, "handle": user["handle"], "at": time.time()})
        return self._back(asked["redirect_uri"], {"code": code, **state})

    @staticmethod
    def _back(uri: str, answer: dict[str, str]) -> Response:
        return redirect(f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}")  # type: ignore[return-value]

    def _app(self, asked: Any) -> Doc:
        app = self._store.get("app", asked.get("client_id", ""))
        if app is None:
            refuse(401, "invalid_client", error_description="Client authentication failed.")
            raise AssertionError
        if asked.get("redirect_uri") not in app["redirect_uris"]:
            refuse(400, "invalid_redirect_uri", error_description="The redirect uri included is not valid.")
        if set(asked.get("scope", "read").split()) - set(app["scopes"]):
            refuse(400, "invalid_scope", error_description="The requested scope is invalid, unknown, or malformed.")
        return app

    # -- tokens

    def token(self) -> Any:
        asked = posted()
        app = self._store.get("app", asked.get("client_id", ""))
        if app is None or not secrets.compare_digest(app["client_secret"], asked.get("client_secret", "")):
            refuse(401, "invalid_client", error_description="Client authentication failed.")
        if asked.get("grant_type") != "authorization_code":
            refuse(400, "unsupported_grant_type", error_description="Only codes are rehearsed.")
        code = self._store.get("code", asked.get("code", "")) or {}
        self._store.drop("code", asked.get("code", ""))  # used once, whatever comes of it
        if not self._holds(code, asked):
            refuse(400, "invalid_grant", error_description="The provided authorization grant is invalid.")
        doc = {"token": secrets.token_urlsafe(32), "handle": code["handle"], "scope": code["scope"] or "read"}
        self._store.put("token", doc["token"], {**doc, "application": (app or {})["name"]})
        shown = {"access_token": doc["token"], "token_type": "Bearer", "scope": doc["scope"]}
        return jsonify({**shown, "created_at": int(time.time())})

    def _holds(self, code: Doc, asked: Doc) -> bool:
        if not code or code["at"] + _CODE_LIVES < time.time():
            return False
        if any(code[name] != asked.get(name) for name in ("client_id", "redirect_uri")):
            return False
        if not code["code_challenge"] or not self._world.ways.offers_pkce:
            return True
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == str(code["code_challenge"])

    def revoke(self) -> Any:
        self._store.drop("token", posted().get("token", ""))
        return jsonify({})
