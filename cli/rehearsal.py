"""The rehearsal networks in one process, each on a loopback port of its own, and one
control port that says which there are."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from flask import Flask, jsonify
from werkzeug.serving import make_server

from channels import registry
from channels.rehearsal.base import Network, Server
from channels.rehearsal.bluesky import BlueskyNetwork
from channels.rehearsal.drills import MANNERS, DrillNetwork
from channels.rehearsal.email import EmailNetwork, MailServer
from channels.rehearsal.mastodon import MastodonNetwork
from channels.rehearsal.store import Store
from channels.rehearsal.x import XNetwork
from cli.demo import cast
from guichet.config import REHEARSAL_PORTS, REHEARSED, Settings

# A rehearsal is read every few seconds, so that nobody waits for it; X itself lets direct
# messages be read once a minute.
_PATIENT = {"GET /2/dm_events": (900, 900)}


def serve(settings: Settings) -> None:
    """Serve until SIGTERM."""
    folder = settings.data_dir / "rehearsal"
    folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    networks = [
        XNetwork(_store(folder, "x"), rates=_PATIENT),
        MastodonNetwork(_store(folder, "mastodon")),
        BlueskyNetwork(_store(folder, "bluesky")),
        EmailNetwork(_store(folder, "email")),
        *(DrillNetwork(MANNERS[name], _store(folder, name)) for name in registry.DRILLS),
    ]
    for network in networks:
        settle_companies(network)
    with ExitStack() as stack:
        for network in networks:
            stack.enter_context(open_server(network, settings))
        control = make_server("127.0.0.1", _port(settings, "control"), _control(settings), threaded=True)
        threading.Thread(target=control.serve_forever, daemon=True).start()
        stop.wait()


def _store(folder: Path, name: str) -> Store:
    return Store(str(folder / f"{name}.sqlite3"))


def open_server(network: Network, settings: Settings) -> Server:
    """A network at the port that the settings give it; listens while it is entered."""
    port = _port(settings, network.name)
    if isinstance(network, EmailNetwork):
        return MailServer(network, port, _port(settings, "imap"), _port(settings, "smtp"))
    return Server(network, port)


def settle_companies(network: Network) -> None:
    """The company accounts that can be connected here; those that are there stay as they are."""
    if isinstance(network, DrillNetwork):
        network.seed_company(network.name.removeprefix("drill-"), cast.DRILLING)
        return
    there = {str(p.get("handle") or p.get("address")) for p in network.people()}
    for name, handle, title in (*(a[:3] for a in cast.ACCOUNTS), *cast.SPARE):
        if name != network.name or handle in there:
            continue
        if isinstance(network, BlueskyNetwork):
            network.seed_company(handle, title, cast.REHEARSAL_PASSWORD)
        elif isinstance(network, EmailNetwork):
            network.add_person(handle, title)
        elif isinstance(network, XNetwork | MastodonNetwork):
            network.seed_company(handle, title)


def _port(settings: Settings, name: str) -> int:
    return settings.rehearsal_port + REHEARSAL_PORTS[name]


def _control(settings: Settings) -> Flask:
    app = Flask("rehearsal-control")

    @app.get("/healthz")
    def healthz() -> Any:
        return jsonify({name: settings.rehearsal_url(name) for name in REHEARSED})

    return app
