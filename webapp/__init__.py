"""The web edge: JSON API, webhooks, live events, the few plain pages. Parts are handed in;
only webapp/wsgi.py reads the environment."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from flask_openapi import Info, OpenAPI, SecurityScheme
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from channels.networks import Networks
from guichet.config import Settings
from guichet.runtime import Runtime
from webapp import (
    acknowledging,
    consent,
    counting,
    feeds,
    health,
    hooks,
    languages,
    live,
    reviewing,
    shell,
    signing_in,
    silencing,
)
from webapp.api import ROOMS
from webapp.api.schemas.common import Problem
from webapp.auth import cookie_name, remember_people
from webapp.bodies import Asking
from webapp.errors import invalid_request, tell_problems
from webapp.gate import close_gate
from webapp.headers import set_headers
from webapp.reading import end_with_requests


class RowConverter(IntegerConverter):
    """The id of a row in an address; beyond what a database can hold there is nothing."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=2**53 - 1)


def create_app(runtime: Runtime, networks: Networks) -> OpenAPI:
    """The application over `runtime` and `networks`. Reads nothing else, connects to nothing."""
    app = OpenAPI(
        __name__,
        info=Info(title="Guichet", version="1", description="One counter for all of a company's outside accounts."),
        security_schemes={
            "session": SecurityScheme(**{"type": "apiKey", "in": "cookie", "name": cookie_name(runtime)}),
            "token": SecurityScheme(type="http", scheme="bearer"),
        },
        validation_error_model=Problem,
        validation_error_callback=invalid_request,
        doc_ui=False,
        static_folder=None,
        template_folder=str(Path(__file__).parent / "templates"),
    )
    app.request_class = Asking
    app.url_map.converters["row"] = RowConverter
    app.extensions["guichet"] = {"runtime": runtime, "networks": counting.counted(app, runtime, networks)}
    _configure(app, runtime.settings)
    close_gate(app)
    remember_people(app, runtime)
    end_with_requests(app)
    tell_problems(app)
    set_headers(app, runtime.settings)
    languages.speak(app)
    for room in (*ROOMS, live.room):
        app.register_api(room.api)
    for part in (
        signing_in,
        reviewing,
        acknowledging,
        silencing,
        feeds,
        consent,
        health,
        live,
        shell,
        hooks,
    ):  # the last stands in front
        part.add_to(app, runtime)
    if runtime.settings.trusted_proxies:
        n = runtime.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    return app


def _configure(app: OpenAPI, settings: Settings) -> None:
    first, *older = [_form_key(key) for _, key in settings.secret_keys]
    app.config.update(
        SECRET_KEY=first,
        SECRET_KEY_FALLBACKS=older,
        # Flask's own cookie only carries the token of the plain forms.
        SESSION_COOKIE_NAME="__Host-guichet-form" if settings.secure else "guichet-form",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # SameSite and the token do it; proxies drop Referer
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]


def _form_key(key: bytes) -> str:
    """A key for signing forms that tells nothing about the one that seals secrets."""
    return hmac.new(key, b"guichet forms", hashlib.sha256).hexdigest()
