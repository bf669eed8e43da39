"""Request Tracker 5 under its own rt-server with Starlet, a preforking server; indexes of its own schema and
the full-text index that its own tool makes (`tracker/site.pl`).

An agent's list is its search results page (50 rows, what is active, by number); a ticket's page fetches
its history by a second request; a word is looked for in what was said, by TicketSQL, in every status.
A customer writes a mail, which arrives at the address to which rt-mailgate posts.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from bench.crowd import ACCOUNTS
from bench.peers.given import bring, rest
from bench.peers.install import TRACKER, install_tracker
from bench.peers.serving import PROCESSES, Browser, postgres_environment, running
from cli.prepare import run
from tests.journeys.stack import free_ports

NAME = "Request Tracker"
QUEUES = ACCOUNTS + 2
_PARTS = Path(__file__).with_name("tracker")
_ROW = re.compile(r'<a href="/Ticket/Display\.html\?id=\d+">\d+</a>')
_HISTORY = re.compile(r'"\\/Helpers\\/TicketHistory\?[^"]+"')
_MAIL = """From: Customer 1 <p1@customers.example>
To: company1@example.org
Subject: Where is my suitcase?
Message-ID: <{number}@customers.example>
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"

Where is my suitcase? {number}
"""


class Tracker:
    """An agent of a running Request Tracker, or a customer's mail server."""

    def __init__(self, port: int, password: str) -> None:
        self.browser = Browser(port)
        self.browser.get("/")
        said = self.browser.post("/NoAuth/Login.html", {"user": "agent", "pass": password})
        assert '"Name":"agent"' in said, "not signed in"
        self._customer = Browser(port)

    def show_list(self) -> None:
        assert self._rows("Status = '__Active__'") == 50

    def show_ticket(self, id_: int, said: str) -> None:
        page = self.browser.get(f"/Ticket/Display.html?id={id_}")
        history = _HISTORY.search(page)
        assert history, f"ticket {id_}: no history"
        assert said in self.browser.get(json.loads(history[0]))

    def search(self, word: str) -> int:
        return self._rows(f"Content LIKE '{word}'")

    def create(self, number: int) -> None:
        edge = secrets.token_hex(16)
        fields = {"SessionType": "REST", "queue": "Company 1", "action": "correspond"}
        fields["message"] = _MAIL.format(number=number)
        parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
        body = "".join(f"--{edge}\r\n{part}\r\n" for part in parts) + f"--{edge}--\r\n"
        kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        said = self._customer.send("/REST/1.0/NoAuth/mail-gateway", body.encode(), kind)
        assert said.startswith("ok"), said

    def _rows(self, query: str) -> int:
        return len(_ROW.findall(self.browser.get(f"/Search/Results.html?{urlencode({'Query': query})}")))


@contextmanager
def served(source: str, database: str, folder: Path) -> Iterator[Callable[[], Tracker]]:
    """An empty `database`, filled from Guichet's at `source`, and served."""
    install_tracker()
    port, password = free_ports(1), secrets.token_urlsafe(12)
    for name in ("mason", "sessions", "site.d"):
        (folder / name).mkdir(parents=True)
    (folder / "root-password").write_text(secrets.token_urlsafe(12))
    environment = {
        **postgres_environment(database),
        "RT_SITE_CONFIG": str(_PARTS / "site.pl"),
        "RT_SITE_CONFIG_DIR": str(folder / "site.d"),  # nothing of what the machine's own may hold
        "PEERS_PORT": str(port),
        "PEERS_FOLDER": str(folder),
        "PEERS_QUEUES": str(QUEUES),
        "PEERS_SEEN": str(ACCOUNTS),
        "PEERS_PASSWORD": password,
    }
    tool = {**os.environ, **environment, "PEERS_INDEXED": "0"}
    setup = ["/usr/sbin/rt-setup-database-5", "--skip-create", "--dba", environment["PGUSER"]]
    setup += ["--root-password-file", str(folder / "root-password")]
    run(*setup, "--action", "init", env=tool)
    run(*setup, "--action", "insert", "--datafile", _PARTS / "initial.pl", env=tool)
    bring(source, database, _PARTS / "load.sql")
    rest(database)
    run("/usr/sbin/rt-setup-fulltext-index-5", "--dba", environment["PGUSER"], env=tool)
    rest(database)
    server = TRACKER / "libexec" / "rt-server"
    command = ["perl", str(server), "--server", "Starlet", "--port", str(port), "--host", "127.0.0.1"]
    command += ["--max-workers", str(PROCESSES), "--env", "deployment"]
    with running(command, folder, {**environment, "PEERS_INDEXED": "1"}, port, folder / "tracker.log"):
        yield lambda: Tracker(port, password)
