"""The web server: gunicorn with threads for pages and API, with gevent for live streams.

A stream holds a thread, so threads outnumber streams and further streams are told to
poll (research: with fewer threads than streams the API stops answering)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from guichet.config import Settings


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, options: dict[str, Any], application: Callable[[], Any]) -> None:
        self._options, self._application = options, application
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._application()


def _guichet() -> Any:
    from webapp.wsgi import app

    return app


def serve(settings: Settings, *, live_only: bool, application: Callable[[], Any] = _guichet) -> None:
    """Serve until told to stop. Streams end on SIGTERM by themselves, so that the
    graceful time-out is not spent waiting for them."""
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
        options |= {"worker_class": "gevent", "worker_connections": 4000}
    else:
        options |= {"worker_class": "gthread", "threads": settings.threads}
    _Server(options, application).run()
