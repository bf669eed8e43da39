"""Who may call: OAuth 1.0a and OAuth 2 with PKCE as X has them, with their consent pages.

Signatures are checked against the host that the caller meant (https://api.x.com),
not the loopback address that it was diverted to. Used nonces, old timestamps, spent
codes and rotated refresh tokens are refused.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Flask, Response, jsonify, redirect, request
from markupsafe import escape
from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature

from channels.rehearsal.store import Doc
from channels.rehearsal.x.world import XWorld

HOSTS = ("api.x.com", "api.twitter.com")
TIMESTAMP_LEEWAY = 300
CODE_LIFE = 30  # seconds, as X says


class Refused(Exception):
    """The caller is not who it must be; becomes a 401."""


class Gate:
    """Knows apps, tokens and nonces; tells whose call it is."""

    def __init__(self, world: XWorld) -> None:
        self._world = world
        self._store = world.store
        self._nonces: dict[tuple[str, str, str], float] = {}

    # -- every call

    def caller(self) -> Doc:
        """The person on whose behalf the current request is made. Raises Refused."""
        header = request.headers.get("Authorization", "")
        if header.startswith("OAuth "):
            token = self._oauth1_token(self._signed("oauth1_token"))
            return self._world.person(token["user_id"])
        if header.startswith("Bearer "):
            found = self._store.get("access", header.removeprefix("Bearer "))
            if found is None or found["ends_at"] < time.time():
                raise Refused("no such access token, or it has ended")
            return self._world.person(found["user_id"])
        raise Refused("no credentials")

    @staticmethod
    def _oauth1_token(signed: tuple[Mapping[str, str], Doc | None]) -> Doc:
        if signed[1] is None:
            raise Refused("no token")
        return signed[1]

    def _signed(self, kind: str) -> tuple[Mapping[str, str], Doc | None]:
        """The OAuth 1.0a parameters of the current request, and the token they name."""
        host = request.host if request.host in HOSTS else HOSTS[0]
        target = request.environ.get("REQUEST_URI") or request.full_path.rstrip("?")
        path, _, query = target.partition("?")
        form = request.get_data(as_text=True) if "urlencoded" in request.headers.get("Content-Type", "") else ""
        params = signature.collect_parameters(
            uri_query=query, body=form, headers=dict(request.headers), exclude_oauth_signature=False
        )
        given = {k: v for k, v in params if k.startswith("oauth_")}
        token = self._store.get(kind, given["oauth_token"]) if given.get("oauth_token") else None
        if given.get("oauth_token") and token is None:
            raise Refused("no such token")
        checked: Any = Request(f"https://{host}{path}", request.method)  # type: ignore[arg-type]  # any method
        checked.params = [(k, v) for k, v in params if k != "oauth_signature"]
        checked.signature = given.get("oauth_signature", "")
        secret = self._world.api_secret
        if (
            given.get("oauth_consumer_key") != self._world.api_key
            or given.get("oauth_signature_method") != "HMAC-SHA1"
            or not signature.verify_hmac_sha1(checked, secret, token["secret"] if token else "")
        ):
            raise Refused("the signature does not hold")
        self._use_nonce(given)
        return given, token

    def _use_nonce(self, given: Mapping[str, str]) -> None:
        now = time.time()
        stamp = given.get("oauth_timestamp", "")
        if not stamp.isdigit() or abs(now - int(stamp)) > TIMESTAMP_LEEWAY:
            raise Refused("timestamp out of bounds")
        key = (given.get("oauth_token", ""), stamp, given.get("oauth_nonce", ""))
        with self._store.lock:
            if key in self._nonces:
                raise Refused("nonce already used")
            self._nonces[key] = now
            if len(self._nonces) > 200_000:
                oldest = now - 2 * TIMESTAMP_LEEWAY
                self._nonces = {k: t for k, t in self._nonces.items() if t > oldest}

    # -- OAuth 1.0a, three legs

    def request_token(self) -> Response:
        given, _ = self._signed("oauth1_request")
        token = {"secret": secrets.token_urlsafe(24), "callback": given.get("oauth_callback", "oob"), "verifier": ""}
        name = secrets.token_urlsafe(18)
        self._store.put("oauth1_request", name, token)
        return _form(oauth_token=name, oauth_token_secret=token["secret"], oauth_callback_confirmed="true")

    def access_token(self) -> Response:
        given, pending = self._signed("oauth1_request")
        if pending is None or not pending["verifier"] or given.get("oauth_verifier") != pending["verifier"]:
            raise Refused("the verifier does not hold")
        self._store.drop("oauth1_request", given["oauth_token"])
        person = self._world.person(pending["user_id"])
        name, secret = f"{person['id']}-{secrets.token_urlsafe(24)}", secrets.token_urlsafe(32)
        self._store.put("oauth1_token", name, {"id": name, "secret": secret, "user_id": person["id"]})
        return _form(oauth_token=name, oauth_token_secret=secret, user_id=person["id"], screen_name=person["username"])

    def oauth1_consent(self) -> Any:
        name = request.values.get("oauth_token", "")
        pending = self._store.get("oauth1_request", name)
        if pending is None:
            return Response("This request token is not known.", 403)
        if request.method == "GET":
            return _page(self._world.companies(), {"oauth_token": name})
        if request.form.get("decision") != "authorize":
            return redirect(_with(pending["callback"], denied=name))
        pending["user_id"], pending["verifier"] = request.form["user"], secrets.token_urlsafe(24)
        self._store.put("oauth1_request", name, pending)
        return redirect(_with(pending["callback"], oauth_token=name, oauth_verifier=pending["verifier"]))

    # -- OAuth 2 with PKCE

    def oauth2_consent(self) -> Any:
        asked = {k: request.values.get(k, "") for k in _ASKED}
        if (
            asked["client_id"] != self._world.client_id
            or asked["response_type"] != "code"
            or asked["code_challenge_method"] != "S256"
            or not (asked["code_challenge"] and asked["state"] and asked["redirect_uri"])
        ):
            return Response("Something went wrong: you weren't able to give access to the app.", 400)
        if request.method == "GET":
            return _page(self._world.companies(), asked)
        back = asked["redirect_uri"]
        if request.form.get("decision") != "authorize":
            return redirect(_with(back, error="access_denied", state=asked["state"]))
        code = secrets.token_urlsafe(32)
        self._store.put("code", code, {**asked, "user_id": request.form["user"], "ends_at": time.time() + CODE_LIFE})
        return redirect(_with(back, state=asked["state"], code=code))

    def token(self) -> Any:
        form = request.form
        if not self._is_app(form):
            return _oauth_error("unauthorized_client", "Missing valid authorization header", 401)
        if form.get("grant_type") == "refresh_token":
            with self._store.lock:
                old = self._store.get("refresh", form.get("refresh_token", ""))
                self._store.drop("refresh", form.get("refresh_token", ""))
            if old is None:
                return _oauth_error("invalid_request", "Value passed for the token was invalid.", 400)
            return self._grant(old["user_id"], old["scope"])
        with self._store.lock:
            code = self._store.get("code", form.get("code", ""))
            self._store.drop("code", form.get("code", ""))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if code is None or code["ends_at"] < time.time() or code["redirect_uri"] != form.get("redirect_uri"):
            return _oauth_error("invalid_request", "Value passed for the authorization code was invalid.", 400)
        if not hmac.compare_digest(challenge.rstrip(b"=").decode(), code["code_challenge"]):
            return _oauth_error("invalid_request", "Value passed for the code verifier was invalid.", 400)
        return self._grant(code["user_id"], code["scope"])

    def _is_app(self, form: Mapping[str, str]) -> bool:
        auth = request.authorization
        if auth is None or auth.type != "basic":
            return False
        return (auth.username, auth.password) == (self._world.client_id, self._world.client_secret)

    def _grant(self, user_id: str, scope: str) -> Response:
        access, refresh = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
        life = self._world.access_life
        self._store.put(
            "access", access, {"id": access, "user_id": user_id, "scope": scope, "ends_at": time.time() + life}
        )
        answer = {"token_type": "bearer", "expires_in": life, "access_token": access, "scope": scope}
        if "offline.access" in scope.split():
            self._store.put("refresh", refresh, {"id": refresh, "user_id": user_id, "scope": scope})
            answer["refresh_token"] = refresh
        return jsonify(answer)

    def revoke_everything(self, user_id: str) -> None:
        """The person withdraws the application's access."""
        for kind in ("oauth1_token", "access", "refresh"):
            for token in self._store.all(kind, lambda d: bool(d["user_id"] == user_id)):
                self._store.drop(kind, token["id"])


_ASKED = ("client_id", "response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")


def oauth_routes(app: Flask, gate: Gate) -> None:
    """Mount the OAuth addresses of api.x.com and x.com."""
    app.add_url_rule("/oauth/request_token", view_func=_refusing(gate.request_token), methods=["POST"])
    app.add_url_rule("/oauth/access_token", view_func=_refusing(gate.access_token), methods=["POST"])
    for path in ("/oauth/authenticate", "/oauth/authorize"):
        app.add_url_rule(path, path, gate.oauth1_consent, methods=["GET", "POST"])
    app.add_url_rule("/i/oauth2/authorize", view_func=gate.oauth2_consent, methods=["GET", "POST"])
    app.add_url_rule("/2/oauth2/token", view_func=gate.token, methods=["POST"])


def _refusing(view: Callable[[], Response]) -> Callable[[], Response]:
    @functools.wraps(view)
    def answer() -> Response:
        try:
            return view()
        except Refused:
            return Response('{"errors":[{"code":32,"message":"Could not authenticate you."}]}', 401)

    return answer


def _form(**fields: str) -> Response:
    return Response(urlencode(fields), mimetype="application/x-www-form-urlencoded")


def _oauth_error(error: str, description: str, status: int) -> tuple[Response, int]:
    return jsonify(error=error, error_description=description), status


def _with(url: str, **query: str) -> str:
    base, _, old = url.partition("?")
    return f"{base}?{urlencode([*parse_qsl(old), *query.items()])}"


def _page(companies: Iterable[Doc], hidden: Mapping[str, str]) -> str:
    """The consent page: which of the company's users, and yes or no."""
    people = "\n".join(
        f'<label><input type="radio" name="user" value="{escape(p["id"])}"{" checked" if not i else ""}> '
        f"{escape(p['name'])} @{escape(p['username'])}</label><br>"
        for i, p in enumerate(companies)
    )
    fields = "\n".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in hidden.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Authorize Guichet</title>
<meta name="viewport" content="width=device-width"></head>
<body><main><h1>Authorize Guichet to access your account?</h1>
<p>A rehearsal of X's consent page.</p>
<form method="post">
{fields}
<fieldset><legend>Sign in as</legend>
{people}
</fieldset>
<button name="decision" value="authorize">Authorize app</button>
<button name="decision" value="cancel">Cancel</button>
</form></main></body></html>"""
