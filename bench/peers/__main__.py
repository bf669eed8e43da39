"""`make bench-peers`: an agent's pages of Guichet beside those of django-helpdesk and of Request Tracker 5.

The same tickets in all three (200,000, three messages each, 22 queues of which the agent may see 20), on one
PostgreSQL server. Each is asked through HTTP on loopback by as many clients as each peer has processes,
in turns: every round asks each for each page, and begins with another one.

    python -m bench.peers [--tickets 200000] [--rounds 6] [--only "Request Tracker"]
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import FrameType

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bench.crowd import ACCOUNTS, Crowd
from bench.databases import fresh
from bench.peers import desk, ours, rt
from bench.peers.given import EACH
from bench.peers.rounds import Asked, Visitor, compare, tell
from guichet.db.engine import open_engine
from guichet.db.migrate import upgrade
from guichet.models import Message

Serve = Callable[[str, str, Path], AbstractContextManager[Callable[[], Visitor]]]
PEERS: dict[str, Serve] = {desk.NAME: desk.served, rt.NAME: rt.served}
GOALS = {desk.NAME: 70.0, rt.NAME: 30.0}  # how many times faster Guichet's list is to be
OFTEN = 200  # messages that a searched word stands in, about


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.peers")
    parser.add_argument("--tickets", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--only", choices=PEERS, help="beside Guichet")
    parser.add_argument("--stay", action="store_true", help="print where an agent is signed in, and wait")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="guichet-peers-")))
        url = stack.enter_context(fresh("PostgreSQL", folder))
        asked = _fill(url, given.tickets)
        opened: dict[str, Callable[[], Visitor]] = {}
        answered: list[float] = []
        for name, serve in PEERS.items():
            if given.only in (None, name):
                print(f"{name}: installing, loading and starting …", flush=True)
                (folder / name).mkdir()
                database = stack.enter_context(fresh("PostgreSQL", folder))
                opened[name] = stack.enter_context(serve(url, database, folder / name))
        print(f"{ours.NAME}: starting …", flush=True)
        opened[ours.NAME] = stack.enter_context(ours.served(url, folder / "guichet", answered))
        if given.stay:
            for name, open_ in opened.items():
                browser = open_().browser
                print(f"{name}: http://{browser.address} {browser.cookies}", flush=True)
            signal.pause()
        found = compare(opened, asked, given.rounds)
        return tell(found, answered, ours.NAME, GOALS, given.tickets)


def _fill(url: str, tickets: int) -> Asked:
    """Guichet's database, and what is asked for in it, the same of all."""
    print(f"{ours.NAME}: making {tickets:,} tickets …", flush=True)
    engine = open_engine(url)
    upgrade(engine)
    crowd = Crowd(engine, EACH)
    crowd.grow(tickets, is_indexed=True)
    with engine.begin() as c:  # the crowd's rows were numbered by hand
        for table in ("customer", "identity", "conversation", "message"):
            c.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"))
    step = max(1, tickets // 400)
    seen = [id_ for id_ in range(1, tickets + 1, step) if id_ % (ACCOUNTS + 2) < ACCOUNTS]
    with Session(engine) as session:
        rows = session.execute(
            select(Message.conversation_id, Message.text).where(
                Message.conversation_id.in_(seen), Message.remote_id.like("m%-1")
            )
        )
        threads = [(id_, " ".join(said.split()[:2])) for id_, said in rows]
    engine.dispose()
    return Asked(threads, crowd.words_said(OFTEN)[:100])


def _stop(number: int, frame: FrameType | None) -> None:
    """Asked to stop, it ends what it started."""
    sys.exit(128 + number)


raise SystemExit(main())
