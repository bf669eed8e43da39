"""The web server: gunicorn with threads for pages and API, with gevent for live streams.

A stream holds a thread, so threads outnumber streams and further streams are told to
poll (research: with fewer threads than streams the API stops answering)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from guichet.config import Settings

_BESIDE = 100  # connections that ask how the process is, or are refused


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any], application: Callable[[], Any]) -> None:
        self._options, self._application = options, application
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._application()


def _beside(application: Callable[..., Any]) -> Callable[..., Any]:
    """`application` answering in a greenlet of its own: what its calls took of the stack, 16 KB
    with CPython's frames, would be kept by the stream's own for as long as it is open."""
    import gevent

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        return gevent.spawn(application, environ, start_response).get()

    return answer


def serve(settings: Settings, *, live_only: bool, application: Callable[[], Any] | None = None) -> None:
    """Serve Guichet, or another WSGI application, until told to stop. Streams end on SIGTERM
    by themselves, so that the graceful time-out is not spent waiting for them."""

    def guichet() -> Any:
        from webapp.wsgi import app

        app.extensions["guichet"]["hub"].places = settings.live_streams if live_only else settings.streams
        return _beside(app) if live_only else app

    options: dict[str, Any] = {
        "bind": f"{settings.bind}:{settings.port + 1 if live_only else settings.port}",
        "workers": 1,
        "timeout": 120,
        "graceful_timeout": 10,
        "keepalive": 30,
        "limit_request_line": 8190,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": settings.log_level.lower(),
        "control_socket_disable": True,
    }
    if live_only:
        options |= {"worker_class": "gevent", "worker_connections": settings.live_streams + _BESIDE}
    else:
        options |= {"worker_class": "gthread", "threads": settings.threads}
    _Server(options, application or guichet).run()
