"""Guichet as `guichet run` starts it: the whole stack, with its clock and its workers.

An agent's list is what the inbox asks for (50 rows, what is open, waiting longest first) with the counts
beside it; a thread is the conversation and its messages; a word is looked for in what was said, in every
state. A customer writes a post, of which the network tells by a signed webhook: two figures, for it is
answered once it is kept, and becomes a conversation a moment later.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from bench.peers.given import rest
from bench.peers.serving import Browser
from bench.posting import body, signature
from channels.contract import Connected
from guichet.accounts.operations import save_connected
from guichet.db.engine import open_engine
from guichet.models import Account, Brand, PollCursor, Staff
from guichet.policy import SYSTEM
from guichet.sealing import Sealer
from guichet.staff.entry import open_session
from tests.factories import make_grant
from tests.journeys.stack import Stack, running

NAME = "Guichet"
LOOKS_EVERY = 0.02  # seconds between looks at the list
PATIENCE = 60  # seconds


class Ours:
    """An agent of a running Guichet, or the network that tells what a customer wrote."""

    def __init__(self, port: int, secret: str, account_id: int, answered: list[float]) -> None:
        self.browser, self._network = Browser(port), Browser(port)
        self.browser.cookies["guichet"] = secret
        self._account_id, self._answered = account_id, answered

    def show_list(self) -> None:
        assert len(self._items("sort=oldest_waiting&limit=50")) == 50
        self.browser.get("/api/v1/conversations/badges")

    def show_ticket(self, id_: int, said: str) -> None:
        self.browser.get(f"/api/v1/conversations/{id_}")
        assert said in self.browser.get(f"/api/v1/conversations/{id_}/messages")

    def search(self, word: str) -> int:
        return len(self._items(f"state=all&sort=newest&limit=50&q={word}"))

    def create(self, number: int) -> None:
        """Until an agent's list holds it; when it was answered is noted."""
        series, began = f"peers-{number}-", time.perf_counter()
        data = body(series, number)
        signed = {"X-Twitter-Webhooks-Signature": signature(data), "Content-Type": "application/json"}
        self._network.send(f"/hooks/x/{self._account_id}", data, signed)
        self._answered.append((time.perf_counter() - began) * 1000)
        while not any(series in row["preview"] for row in self._newest()):
            if time.perf_counter() - began > PATIENCE:
                raise RuntimeError(f"what came by webhook was not shown within {PATIENCE} s")
            time.sleep(LOOKS_EVERY)

    def _newest(self) -> list[dict[str, Any]]:
        return self._items(f"account_id={self._account_id}&sort=newest&limit=5")

    def _items(self, asked: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(self.browser.get(f"/api/v1/conversations?{asked}"))["items"]
        return items


@contextmanager
def served(url: str, folder: Path, answered: list[float]) -> Iterator[Callable[[], Ours]]:
    """The database at `url`, in which the crowd stands, served. `answered` is told the milliseconds to each
    webhook's answer."""
    engine = open_engine(url)
    with running(folder, GUICHET_DATABASE_URL=url, GUICHET_LOG_LEVEL="WARNING", GUICHET_API_RATE="1000000") as stack:
        account_id, secret = _settle(stack, engine)
        rest(url)
        port = urlsplit(stack.url).port or 0
        yield lambda: Ours(port, secret, account_id, answered)
    engine.dispose()


def _settle(stack: Stack, engine: Engine) -> tuple[int, str]:
    """An account that is only told by webhook, and the session of the crowd's agent, who works for it too."""
    connected = Connected("900", "@guichet", "Guichet", "https://api.x.com", {"token": "t"})
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        sealer = Sealer(stack.settings().secret_keys)
        brand = session.scalars(select(Brand)).first()
        assert brand
        account = save_connected(session, SYSTEM, sealer, brand, "x", connected, True, now)
        for stream in ("mentions", "direct", "own"):
            later = now + timedelta(days=1)
            session.add(PollCursor(account_id=account.id, stream=stream, value={}, next_poll_at=later))
        crowds = update(Account).where(Account.id != account.id)
        session.execute(crowds.values(state="needs_reconnect"))  # nobody is there to be asked for more
        account.checked_at = now
        agent = session.scalars(select(Staff)).one()
        make_grant(session, agent, account, "agent")
        return account.id, open_session(session, agent, now=now)[1]
