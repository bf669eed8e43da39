"""How the tests of receiving listen, look and answer: what the clock and an agent do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.clock import utc_now
from guichet.inbox import operations as inbox
from guichet.policy import load_actor
from tests import factories as f
from tests.workers.stage import Stage
from workers import deliver, receive
from workers.runtime import use


def begin(stage: Stage) -> Stage:
    """Listen from now on: what was there before is no news."""
    use(stage.process)
    receive.poll(stage.account_id)
    receive.digest()
    return stage


def make_due(stage: Stage) -> None:
    """As if the time between two polls had passed."""
    with stage.session() as session:
        session.execute(update(m.PollCursor).values(next_poll_at=utc_now() - timedelta(seconds=1)))


def receive_all(stage: Stage) -> None:
    use(stage.process)
    make_due(stage)
    receive.poll(stage.account_id)
    receive.digest()


@contextmanager
def looking(stage: Stage) -> Iterator[Session]:
    with stage.runtime.reading() as session:
        yield session


def messages(stage: Stage, direction: str = "in") -> list[m.Message]:
    """In the order in which they were taken up."""
    with looking(stage) as session:
        wanted = select(m.Message).where(m.Message.direction == direction).order_by(m.Message.id)
        found = list(session.scalars(wanted))
        session.expunge_all()
        return found


def texts(stage: Stage, direction: str = "in") -> list[str]:
    return [message.text for message in messages(stage, direction)]


def count(stage: Stage, model: type[Any]) -> int:
    with looking(stage) as session:
        return int(session.scalar(select(func.count()).select_from(model)) or 0)


def answer(stage: Stage, message: m.Message, text: str) -> None:
    """An agent answers a message, and it is sent."""
    with stage.session() as session:
        agent = f.make_staff(session)
        account = session.get_one(m.Account, message.account_id)
        f.make_grant(session, agent, account, "agent")
        conversation = session.get_one(m.Conversation, message.conversation_id)
        inbox.reply(
            session, load_actor(session, agent, utc_now()), conversation,
            spec=stage.process.networks.spec(account.network), text=text, to_message_id=message.id,
            seen_through=conversation.last_message_id or message.id, now=utc_now(),
        )  # fmt: skip
    use(stage.process)
    deliver.drain()
