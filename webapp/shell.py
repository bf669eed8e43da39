"""The signed-in application: one page that Vite builds, its assets kept by browsers for
ever because their names change with their content."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, make_response, render_template
from flask.typing import ResponseReturnValue
from whitenoise import WhiteNoise

from guichet.runtime import Runtime
from webapp.gate import policy
from webapp.headers import security_headers

STATIC = Path(__file__).parent / "static"
_HASHED = re.compile(r"/assets/.+-[A-Za-z0-9_-]{8,}\.\w+$")
_NOT_OURS = ("static/", "connect/")


def add_to(app: Flask, runtime: Runtime) -> None:
    """Serve the page at every address of the application, and what lies in static/."""
    app.add_url_rule("/", "shell", page, defaults={"path": ""})
    app.add_url_rule("/<path:path>", "shell_at", page)
    for prefix in ("api", "hooks"):
        app.add_url_rule(f"/{prefix}/<path:path>", f"nothing_at_{prefix}", nothing)
    app.wsgi_app = _static_files(app.wsgi_app, runtime)  # type: ignore[method-assign]


@policy(session_only=True, page=True)
def page(path: str) -> ResponseReturnValue:
    """The application's page; it finds its own way from the address."""
    if path.startswith(_NOT_OURS) or "." in path.rsplit("/", 1)[-1]:
        abort(404)
    built = STATIC / "app" / "index.html"
    if not built.is_file():
        return make_response(render_template("not_built.html"), 503)
    return Response(built.read_bytes(), mimetype="text/html", headers={"Cache-Control": "no-cache"})


@policy(public=True)
def nothing(path: str) -> ResponseReturnValue:
    """What is asked of the API and is not there gets a problem, never the page."""
    abort(404)


def _static_files(wsgi: Any, runtime: Runtime) -> WhiteNoise:
    headers = security_headers(runtime.settings)

    def add_headers(given: Any, path: str, url: str) -> None:
        for name, value in headers.items():
            given[name] = value

    return WhiteNoise(
        wsgi,
        root=str(STATIC),
        prefix="static/",
        max_age=300,
        immutable_file_test=lambda path, url: bool(_HASHED.search(url)),
        add_headers_function=add_headers,
        allow_all_origins=False,
    )
