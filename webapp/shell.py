"""The signed-in application: one page that Vite builds, its assets kept by browsers for
ever because their names change with their content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
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
_STATIC_AT = "/static/"


def add_to(app: Flask, runtime: Runtime) -> None:
    """Serve the page at every address of the application, and what lies in static/."""
    app.add_url_rule("/", "shell", page, defaults={"path": ""})
    app.add_url_rule("/<path:path>", "shell_at", page)
    for prefix in ("api", "hooks"):
        app.add_url_rule(f"/{prefix}/<path:path>", f"nothing_at_{prefix}", nothing)
    app.wsgi_app = StaticFiles(app.wsgi_app, STATIC, security_headers(runtime.settings))  # type: ignore[method-assign]


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


class StaticFiles:
    """WhiteNoise over the files of `folder` as they are, in front of `wsgi`.

    It lists them once, with their sizes, and would answer 404 for every asset of pages that were
    built again under a running server: a blank page. Here the list is made anew when the files
    differ from those listed. An address that is asked for never names a path to look at.
    """

    def __init__(self, wsgi: Any, folder: Path, headers: Mapping[str, str]) -> None:
        self._wsgi, self._folder, self._headers = wsgi, folder, headers
        self._seen = self._as_they_are()
        self._listed = self._list()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(_STATIC_AT):
            self._look_again()
        answer: Iterable[bytes] = self._listed(environ, start_response)
        return answer

    def _look_again(self) -> None:
        try:
            seen = self._as_they_are()
            if seen != self._seen:
                self._listed, self._seen = self._list(), seen
        except FileNotFoundError:
            return  # A build is under way; the next request looks again.

    def _as_they_are(self) -> frozenset[tuple[str, int, int]]:
        paths = (os.path.join(within, name) for within, _, names in os.walk(self._folder) for name in names)
        return frozenset((path, (stat := os.stat(path)).st_mtime_ns, stat.st_size) for path in paths)

    def _list(self) -> WhiteNoise:
        return WhiteNoise(
            self._wsgi,
            root=str(self._folder),
            prefix=_STATIC_AT,
            max_age=300,
            immutable_file_test=lambda path, url: bool(_HASHED.search(url)),
            add_headers_function=self._add_headers,
            allow_all_origins=False,
        )

    def _add_headers(self, given: Any, path: str, url: str) -> None:
        for name, value in self._headers.items():
            given[name] = value
