"""The rehearsal networks in one process, each on a loopback port of its own, and one
control port that says which there are."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from typing import Any

from flask import Flask, jsonify
from werkzeug.serving import make_server

from channels.rehearsal.base import Server
from channels.rehearsal.bluesky import BlueskyNetwork
from channels.rehearsal.email import EmailNetwork, MailServer
from channels.rehearsal.mastodon import MastodonNetwork
from channels.rehearsal.store import Store
from channels.rehearsal.x import XNetwork
from guichet.config import REHEARSAL_PORTS, Settings


def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    folder = settings.data_dir / "rehearsal"
    folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        for kind in (XNetwork, MastodonNetwork, BlueskyNetwork):
            network = kind(Store(str(folder / f"{kind.name}.sqlite3")))
            stack.enter_context(Server(network, _port(settings, kind.name)))
        _serve_mail(settings, stack, Store(str(folder / "email.sqlite3")))
        control = make_server("127.0.0.1", _port(settings, "control"), _control(settings), threaded=True)
        threading.Thread(target=control.serve_forever, daemon=True).start()
        stop.wait()


def _port(settings: Settings, name: str) -> int:
    return settings.rehearsal_port + REHEARSAL_PORTS[name]


def _serve_mail(settings: Settings, stack: ExitStack, store: Store) -> None:
    ports = [_port(settings, name) for name in ("email", "imap", "smtp")]
    stack.enter_context(MailServer(EmailNetwork(store), *ports))


def _control(settings: Settings) -> Flask:
    app = Flask("rehearsal-control")

    @app.get("/healthz")
    def healthz() -> Any:
        return jsonify({name: settings.rehearsal_url(name) for name in ("x", "mastodon", "bluesky", "email")})

    return app
