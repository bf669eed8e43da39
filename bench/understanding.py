"""Understanding what came in: sorted by rules, promised and shared out, against a receiver that does none of it.

One worker takes up deliveries of X that are kept already. The floor is the obvious receiver: for
each delivery one transaction that finds or makes the author and the conversation, and adds the
message. Both read the same deliveries, a tenth of them from somebody who wrote before, and take turns.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from bench.databases import fresh
from bench.figures import Figure, median
from bench.posting import body
from channels.contract import Connected, RawItem
from channels.networks import open_networks
from guichet import models as m
from guichet.accounts.operations import save_connected
from guichet.db.engine import open_engine
from guichet.policy import SYSTEM, load_actor
from guichet.receiving import ingest
from guichet.triage.operations import create_rule
from tests import factories as f
from tests.workers.stage import runtime_on
from workers import receive
from workers.runtime import Process, use

ACCOUNTS = 3
AGENTS = 6
AT_ONCE = 300  # deliveries of one turn
TURNS = 4
WARM_UP = 30
NETWORKS = {"x": "http://127.0.0.1:1"}  # nothing is asked of it


def measure() -> Iterator[Figure]:
    for kind in ("PostgreSQL", "SQLite"):
        with tempfile.TemporaryDirectory() as folder, fresh(kind, Path(folder)) as url:
            engine = open_engine(url)
            m.Base.metadata.create_all(engine)
            process = Process(
                runtime_on(engine, Path(folder)), open_networks(allow=("127.0.0.0/8",), rehearsal=NETWORKS), "receive"
            )
            use(process)
            yield from _compare(kind, process, settle(engine, process))
            engine.dispose()


def settle(engine: Engine, process: Process) -> list[int]:
    """Accounts, a team that shares its work, two rules and what is promised; the accounts' ids."""
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        brand = f.make_brand(session)
        found = [_account(session, process, brand, n, now) for n in range(ACCOUNTS)]
        agents = [f.make_staff(session, presence="online", capacity=1_000_000) for _ in range(AGENTS)]
        for agent in agents:
            for account in found:
                f.make_grant(session, agent, account, "agent")
        team = f.make_team(session, *agents, assignment="round_robin")
        boss = load_actor(session, f.make_staff(session, "administrator"), now)
        for words, action in (
            ("suitcase", {"kind": "team", "value": team.id}),
            ("refund", {"kind": "priority", "value": 2}),
        ):
            asked = [{"field": "text", "operator": "any_of", "value": [words]}]
            create_rule(session, boss, name=words, is_on=True, conditions=asked, actions=[action], now=now)
        return [account.id for account in found]


def _account(session: Session, process: Process, brand: m.Brand, n: int, now: datetime) -> m.Account:
    connected = Connected(str(900 + n), f"@guichet{n}", "Guichet", "https://api.x.com", {"token": "t"})
    return save_connected(session, SYSTEM, process.runtime.sealer, brand, "x", connected, True, now)


def _compare(kind: str, process: Process, accounts: list[int]) -> Iterator[Figure]:
    engine = process.runtime.engine
    ours, naive = [], []
    _understand(engine, accounts, range(WARM_UP))
    for turn in range(1, TURNS + 1):
        numbers = range(turn * 1000, turn * 1000 + AT_ONCE)
        ours.append(_understand(engine, accounts, numbers))
        naive.append(_receive_naively(engine, accounts, range(100_000 + numbers.start, 100_000 + numbers.stop)))
    with Session(engine) as session:
        given = session.scalar(select(func.count()).where(m.Conversation.assignee_id.is_not(None)))
    assert given == WARM_UP + TURNS * AT_ONCE, f"{given} were given to somebody"
    yield Figure(f"understood, sorted and shared on {kind}, one worker", AT_ONCE / median(ours), "messages/s")
    yield Figure(f"the same on {kind}, of a receiver that only keeps", median(naive) / median(ours), "×")


def _delivery(accounts: list[int], number: int) -> tuple[int, bytes]:
    place = number % len(accounts)
    return accounts[place], body("LH400", number).replace(b'"900"', f'"{900 + place}"'.encode())


def _understand(engine: Engine, accounts: list[int], numbers: range) -> float:
    """Seconds for all of them."""
    incoming = []
    for number in numbers:
        account_id, data = _delivery(accounts, number)
        incoming.append(ingest.Incoming(account_id, RawItem("webhook", str(number), data, {}), datetime.now(UTC)))
    with Session(engine) as session, session.begin():
        assert ingest.store_items(session, SYSTEM, incoming) == len(numbers)
    began = time.perf_counter()
    receive.digest()
    return time.perf_counter() - began


def _receive_naively(engine: Engine, accounts: list[int], numbers: range) -> float:
    began = time.perf_counter()
    for number in numbers:
        account_id, data = _delivery(accounts, number)
        (tweet,) = json.loads(data)["tweet_create_events"]
        with Session(engine) as session, session.begin():
            _keep(session, account_id, tweet, datetime.now(UTC))
    return time.perf_counter() - began


def _keep(session: Session, account_id: int, tweet: dict[str, object], now: datetime) -> None:
    author, remote_id = tweet["user"], str(tweet["id_str"])
    assert isinstance(author, dict)
    known = select(m.Identity).where(m.Identity.network == "x", m.Identity.remote_id == author["id_str"])
    identity = session.scalars(known).one_or_none()
    if identity is None:
        customer = m.Customer(name=author["name"], created_at=now)
        identity = m.Identity(
            customer=customer, network="x", remote_id=author["id_str"], handle=author["screen_name"],
            name=author["name"], created_at=now, seen_at=now,
        )  # fmt: skip
        session.add(identity)
        session.flush()
    thread = (m.Conversation.account_id == account_id, m.Conversation.thread_root == remote_id)
    conversation = session.scalars(select(m.Conversation).where(*thread)).one_or_none()
    if conversation is None:
        conversation = m.Conversation(
            account_id=account_id, identity_id=identity.id, thread_root=remote_id, surface="public", state="new",
            created_at=now, last_message_at=now,
        )  # fmt: skip
        session.add(conversation)
        session.flush()
    session.add(
        m.Message(
            conversation_id=conversation.id, account_id=account_id, direction="in", kind="mention",
            remote_id=remote_id, identity_id=identity.id, text=str(tweet["text"]), remote_at=now, received_at=now,
            sort_at=now,
        )
    )  # fmt: skip
