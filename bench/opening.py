"""From a webhook to the open page and to whom it was given: a customer's post is delivered.

The whole stack as `guichet run` starts it. Signed deliveries come at a steady rate; a page
listens to the live events and, told of a conversation, fetches its messages. What counts is
the time from the beginning of the delivery to the text in the page's hands; by then a rule and a
team's turn have given it to somebody.
"""

from __future__ import annotations

import http.client
import json
import queue
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bench.databases import fresh
from bench.figures import Figure, percentile
from bench.posting import body, signature
from channels.contract import Connected
from guichet.accounts.operations import save_connected
from guichet.config import Settings
from guichet.db.engine import open_engine
from guichet.models import Account, Conversation, PollCursor
from guichet.policy import SYSTEM, load_actor
from guichet.sealing import Sealer
from guichet.staff.operations import create_token_for
from guichet.triage.operations import create_rule
from tests.factories import make_brand, make_grant, make_staff, make_team
from tests.journeys.stack import Stack, running

RATE = 20  # deliveries a second
COUNT = 600
WARM_UP = 40  # deliveries that do not count
AGENTS = 6
PAGES = 4  # connections that fetch
PATIENCE = 300  # seconds for the last of them
GOAL = 1.0  # seconds, p95: what a person takes for "at once"
_TEXT = re.compile(r"number (\d+)\.")


def measure() -> Iterator[Figure]:
    for kind in ("PostgreSQL", "SQLite"):
        with (
            tempfile.TemporaryDirectory() as folder,
            fresh(kind, Path(folder)) as url,
            running(Path(folder), GUICHET_DATABASE_URL=url, GUICHET_LOG_LEVEL="WARNING") as stack,
        ):
            account_id, token = _settle(stack.settings(), url)
            page = Page(stack, account_id, token)
            page.listen()
            page.deliver(range(WARM_UP))
            page.deliver(range(WARM_UP, WARM_UP + COUNT))
            yield from page.figures(kind)
            _require_given(url)


def _settle(settings: Settings, url: str) -> tuple[int, str]:
    """An account that is only told by webhook, and somebody's token."""
    connected = Connected("900", "@guichet", "Guichet", "https://api.x.com", {"token": "t"})
    now, engine = datetime.now(UTC), open_engine(url)
    with Session(engine) as session, session.begin():
        sealer = Sealer(settings.secret_keys)
        account = save_connected(session, SYSTEM, sealer, make_brand(session), "x", connected, True, now)
        account.checked_at = now
        for stream in ("mentions", "direct", "own"):
            later = now + timedelta(days=1)
            session.add(PollCursor(account_id=account.id, stream=stream, value={}, next_poll_at=later))
        _share_out(session, account, now)
        staff = make_staff(session, "owner")
        _, token = create_token_for(session, SYSTEM, staff, name="bench", scopes=["read"], expires_at=None, now=now)
        found = account.id
    engine.dispose()
    return found, token


def _share_out(session: Session, account: Account, now: datetime) -> None:
    """A rule gives what comes to a team, whose members take turns."""
    agents = [make_staff(session, presence="online", capacity=COUNT) for _ in range(AGENTS)]
    for agent in agents:
        make_grant(session, agent, account, "agent")
    team = make_team(session, *agents, assignment="round_robin")
    asked = [{"field": "text", "operator": "any_of", "value": ["suitcase"]}]
    boss, actions = load_actor(session, make_staff(session, "administrator"), now), [{"kind": "team", "value": team.id}]
    create_rule(session, boss, name="Baggage", is_on=True, conditions=asked, actions=actions, now=now)


def _require_given(url: str) -> None:
    """Whatever was shown had been given to somebody in the transaction that took it up."""
    engine = open_engine(url)
    with Session(engine) as session:
        given = session.scalar(
            select(func.count()).select_from(Conversation).where(Conversation.assignee_id.is_not(None))
        )
    engine.dispose()
    assert given == WARM_UP + COUNT, f"{given} were given to somebody"


@dataclass
class Page:
    """The agent's page, with the network that delivers beside it. Times by delivery."""

    stack: Stack
    account_id: int
    token: str
    sent: dict[int, float] = field(default_factory=dict)
    shown: dict[int, float] = field(default_factory=dict)
    told: queue.SimpleQueue[int] = field(default_factory=queue.SimpleQueue)

    def listen(self) -> None:
        """Open the stream, and the connections that fetch."""
        stream = self._connection()
        stream.request("GET", "/api/v1/events", headers=self._headers())
        events = stream.getresponse()
        assert events.status == 200, events.read()
        threading.Thread(target=self._hear, args=(events,), daemon=True).start()
        for _ in range(PAGES):
            threading.Thread(target=self._fetch, daemon=True).start()

    def deliver(self, numbers: range) -> None:
        """Deliver at the rate, and wait until everything is shown."""
        connection, path = self._connection(), f"/hooks/x/{self.account_id}"
        began = time.perf_counter()
        for number in numbers:
            time.sleep(max(0.0, began + (number - numbers.start) / RATE - time.perf_counter()))
            data = body("opening", number)
            self.sent[number] = time.perf_counter()
            connection.request("POST", path, data, {"X-Twitter-Webhooks-Signature": signature(data)})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        until = time.monotonic() + PATIENCE
        while not self.shown.keys() >= set(numbers):
            assert time.monotonic() < until, f"{len(self.shown)} of {numbers.stop} were shown"
            time.sleep(0.1)

    def figures(self, kind: str) -> Iterator[Figure]:
        took = [self.shown[n] - self.sent[n] for n in range(WARM_UP, WARM_UP + COUNT)]
        yield Figure(f"webhook to open page on {kind}, {RATE} a second, p50", percentile(took, 0.5), "s")
        name = f"webhook to open page on {kind}, {RATE} a second, p95"
        yield Figure(name, percentile(took, 0.95), "s", goal=GOAL, at_least=False)

    def _hear(self, events: http.client.HTTPResponse) -> None:
        """Until the server stops."""
        kind = ""
        for raw in events:
            line = raw.decode().rstrip()
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: ") and kind == "conversation":
                self.told.put(int(json.loads(line[6:])["id"]))

    def _fetch(self) -> None:
        connection = self._connection()
        while True:
            id_ = self.told.get()
            connection.request("GET", f"/api/v1/conversations/{id_}/messages", headers=self._headers())
            text = connection.getresponse().read().decode()
            for number in _TEXT.findall(text):
                self.shown.setdefault(int(number), time.perf_counter())

    def _connection(self) -> http.client.HTTPConnection:
        address = urlsplit(self.stack.url)
        return http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
