"""django-helpdesk under gunicorn, which is how Django is deployed; DEBUG off (`desk_site/settings.py`).

An agent's list is its page and the request by which that page fills its table (25 rows, what is open,
the oldest first); its search is that of its header, which looks into titles and descriptions.
A customer writes with the public form.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bench.crowd import ACCOUNTS
from bench.peers.given import bring, rest
from bench.peers.install import install_desk
from bench.peers.serving import PROCESSES, Browser, postgres_environment, running
from cli.prepare import run
from tests.journeys.stack import free_ports

NAME = "django-helpdesk"
QUEUES = ACCOUNTS + 2
_SITE = Path(__file__).with_name("desk_site")
_ROWS = re.compile(r'"url": "(/datatables_ticket_list/[^"]+)"')


class Desk:
    """An agent of a running django-helpdesk, or a customer."""

    def __init__(self, port: int, password: str) -> None:
        self._port = port
        self.browser = Browser(port)
        self.browser.get("/login/")
        self._post("/login/", {"username": "agent", "password": password, "next": "/tickets/"})
        self._customer = Browser(port)
        self._customer.get("/tickets/submit/")

    def show_list(self) -> None:
        assert self._rows("/tickets/") == 25

    def show_ticket(self, id_: int, said: str) -> None:
        assert said in self.browser.get(f"/tickets/{id_}/")

    def search(self, word: str) -> int:
        return self._rows(f"/tickets/?search_type=header&q={quote(word)}")

    def create(self, number: int) -> None:
        fields = {
            "queue": "1", "title": "Where is my suitcase?", "body": f"Where is my suitcase? {number}", "priority": "3",
            "submitter_email": "p1@customers.example",
        }  # fmt: skip
        token = {"csrfmiddlewaretoken": self._customer.cookies["csrftoken"]}
        self._customer.post("/tickets/submit/", {**fields, **token}, expect=302)

    def _rows(self, path: str) -> int:
        at = _ROWS.search(self.browser.get(path))
        assert at, f"{path}: no table"
        return self.browser.get(at[1] + "?draw=1&start=0&length=25").count('"submitter":')

    def _post(self, path: str, fields: dict[str, str]) -> None:
        token = {"csrfmiddlewaretoken": self.browser.cookies["csrftoken"]}
        self.browser.post(path, {**fields, **token}, expect=302)


@contextmanager
def served(source: str, database: str, folder: Path) -> Iterator[Callable[[], Desk]]:
    """An empty `database`, filled from Guichet's at `source`, and served."""
    bin_, port, password = install_desk(), free_ports(1), secrets.token_urlsafe(12)
    environment = {
        **postgres_environment(database),
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(_SITE),
        "PEERS_SECRET": secrets.token_urlsafe(50),
        "PEERS_PASSWORD": password,
        "PEERS_STATIC": str(folder / "static"),
    }
    whole = {**os.environ, **environment}
    run(bin_ / "django-admin", "migrate", "-v0", cwd=_SITE, env=whole)
    run(bin_ / "python", "settle.py", str(QUEUES), str(ACCOUNTS), cwd=_SITE, env=whole)
    bring(source, database, _SITE / "load.sql")
    rest(database)
    command = [str(bin_ / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", str(PROCESSES), "--preload"]
    command += ["--no-control-socket", "django.core.wsgi:get_wsgi_application()"]
    with running(command, _SITE, environment, port, folder / "desk.log"):
        yield lambda: Desk(port, password)
