"""Waits kept row by row agree with waits recounted from the whole history, whatever happens
in whatever order; and the counter rows agree with a count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from channels.contract import Bounce
from guichet import models as m
from guichet.errors import GuichetError
from guichet.inbox import operations as inbox
from guichet.inbox import timeline
from guichet.inbox.counts import Place
from guichet.inbox.waits import WaitValue
from guichet.policy import SYSTEM
from guichet.receiving import operations as receiving
from tests import databases
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, deletion, echo, make_scene, said

ACTS = (
    *("say",) * 6, *("say_late",) * 4, *("echo",) * 4, *("reply",) * 4, *("accept",) * 6, "say_automatic", "delete",
    "delete", "reply_and_close", "accept_with_echo", "fail", "claim", "release", "assign", "team", "snooze", "internal",
    "resolve", "not_needed", "answered", "reopen", "reopen", "close", "spam", "merge", "merge",
    "unmerge", "unmerge", "split", "bounce", "bounce", "wake", "expire", "leave",
)  # fmt: skip
HISTORIES = {"sqlite": 25, "postgresql": 10}  # what is decided is the same: only how rows are kept differs
histories = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 5), st.integers(0, 900)), min_size=15, max_size=25
)  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """One database for all examples: each is rolled back."""
    opened = databases.sqlite_engine() if request.param == "sqlite" else databases.postgres_engine()
    with opened as engine:
        yield engine


class Play:
    """Carries out acts as far as they are possible at that moment."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.queue = f.make_team(scene.session)
        self.out: list[m.Message] = []

    def conversations(self) -> list[m.Conversation]:
        return list(self.scene.session.scalars(select(m.Conversation).order_by(m.Conversation.id)))

    def do(self, act: str, n: int, seconds: int) -> None:
        self.scene.later(seconds=seconds)
        found = self.conversations()
        conversation = found[n % len(found)] if found else None
        if act.startswith("say"):
            self.say(act, n, seconds)
        elif conversation is not None:
            getattr(self, act)(conversation, n)

    def say(self, act: str, n: int, seconds: int) -> None:
        late = timedelta(seconds=seconds * 3 if act == "say_late" else 0)
        self.scene.hears(
            said(
                "text", remote_at=self.scene.now - late, who="customer", root=f"root-{n // 4}",
                automatic=act == "say_automatic",
            )
        )  # fmt: skip

    def echo(self, conversation: m.Conversation, n: int) -> None:
        at = self.scene.now - timedelta(seconds=n * 60)
        self.scene.hears(echo("from the app", remote_at=at, root=conversation.thread_root))

    def delete(self, conversation: m.Conversation, n: int) -> None:
        own = select(m.Message).where(m.Message.conversation_id == conversation.id, m.Message.direction == "in")
        messages = self.scene.session.scalars(own.order_by(m.Message.id.desc())).all()
        if messages:
            self.scene.hears(deletion(messages[n % len(messages)]))

    def reply(self, conversation: m.Conversation, n: int, **more: Any) -> None:
        actor = self.scene.actor(self.scene.agent if n % 2 else self.scene.colleague)
        self.out.append(
            inbox.reply(
                self.scene.session, actor, conversation, spec=SPEC, text="answer",
                seen_through=conversation.last_message_id or 0, now=self.scene.now, **more,
            )
        )  # fmt: skip

    def reply_and_close(self, conversation: m.Conversation, n: int) -> None:
        self.reply(conversation, n, then_close=True)

    def accept(self, conversation: m.Conversation, n: int) -> None:
        if self.out:
            out = self.out.pop(n % len(self.out))
            delivery = self.scene.accept(out, at=self.scene.now - timedelta(seconds=n))
            receiving.follow_delivery(self.scene.session, SYSTEM, delivery, self.scene.now)

    def accept_with_echo(self, conversation: m.Conversation, n: int) -> None:
        if self.out:
            out = self.out.pop(n % len(self.out))
            home = self.scene.conversation_of(out)
            remote_id = f"ours-{out.id}"
            self.scene.hears(
                echo("as the app shows it", remote_at=self.scene.now, root=home.thread_root, remote_id=remote_id)
            )
            delivery = self.scene.accept(out, remote_id)
            receiving.follow_delivery(self.scene.session, SYSTEM, delivery, self.scene.later(seconds=1))

    def bounce(self, conversation: m.Conversation, n: int) -> None:
        ours = select(m.Message).where(m.Message.direction == "out", m.Message.remote_id.is_not(None))
        sent = self.scene.session.scalars(ours.order_by(m.Message.id.desc())).all()
        if sent:
            back = Bounce(sent[n % len(sent)].remote_id or "", "", "", is_final=True)
            self.scene.hears(said("550", remote_at=self.scene.now, who="daemon", automatic=True, bounce=back))

    def fail(self, conversation: m.Conversation, n: int) -> None:
        if self.out:
            delivery = self.scene.session.get_one(m.Delivery, self.out.pop(n % len(self.out)).delivery_id)
            delivery.state = "failed"
            receiving.follow_delivery(self.scene.session, SYSTEM, delivery, self.scene.now)

    def claim(self, conversation: m.Conversation, n: int) -> None:
        inbox.claim(self.scene.session, self.scene.actor(), conversation, self.scene.now)

    def release(self, conversation: m.Conversation, n: int) -> None:
        inbox.release(self.scene.session, self.scene.actor(), conversation, self.scene.now)

    def assign(self, conversation: m.Conversation, n: int) -> None:
        actor = self.scene.actor()
        inbox.assign(self.scene.session, actor, conversation, staff=self.scene.colleague, now=self.scene.now)

    def team(self, conversation: m.Conversation, n: int) -> None:
        actor = self.scene.actor()
        inbox.assign(self.scene.session, actor, conversation, team=self.queue, now=self.scene.now)

    def snooze(self, conversation: m.Conversation, n: int) -> None:
        until = self.scene.now + timedelta(minutes=5)
        inbox.snooze(self.scene.session, self.scene.actor(), conversation, until=until, now=self.scene.now)

    def internal(self, conversation: m.Conversation, n: int) -> None:
        inbox.wait_internally(self.scene.session, self.scene.actor(), conversation, self.scene.now)

    def resolve(self, conversation: m.Conversation, n: int, how: str = "") -> None:
        inbox.resolve(self.scene.session, self.scene.actor(), conversation, how=how, now=self.scene.now)

    def not_needed(self, conversation: m.Conversation, n: int) -> None:
        self.resolve(conversation, n, "not_needed")

    def answered(self, conversation: m.Conversation, n: int) -> None:
        self.resolve(conversation, n, "answered")

    def reopen(self, conversation: m.Conversation, n: int) -> None:
        inbox.reopen(self.scene.session, self.scene.actor(), conversation, self.scene.now)

    def close(self, conversation: m.Conversation, n: int) -> None:
        inbox.close(self.scene.session, self.scene.actor(), conversation, self.scene.now)

    def spam(self, conversation: m.Conversation, n: int) -> None:
        inbox.mark_spam(self.scene.session, self.scene.actor(), conversation, self.scene.now)

    def merge(self, conversation: m.Conversation, n: int) -> None:
        into = self.conversations()[-1]
        inbox.merge(self.scene.session, self.scene.actor(), conversation, into=into, now=self.scene.now)

    def unmerge(self, conversation: m.Conversation, n: int) -> None:
        inbox.unmerge(self.scene.session, self.scene.actor(), conversation, self.scene.now)

    def split(self, conversation: m.Conversation, n: int) -> None:
        own = select(m.Message).where(m.Message.conversation_id == conversation.id).order_by(m.Message.id.desc())
        messages = self.scene.session.scalars(own).all()
        if messages:
            chosen = messages[n % len(messages)]
            inbox.split(self.scene.session, self.scene.actor(), conversation, from_message=chosen, now=self.scene.now)

    def wake(self, conversation: m.Conversation, n: int) -> None:
        inbox.wake_snoozed(self.scene.session, SYSTEM, self.scene.now)

    def expire(self, conversation: m.Conversation, n: int) -> None:
        inbox.expire_leases(self.scene.session, SYSTEM, self.scene.now)

    def leave(self, conversation: m.Conversation, n: int) -> None:
        inbox.return_to_queue(self.scene.session, SYSTEM, self.scene.colleague, self.scene.now)


def _play(session: Session, now: datetime, history: list[tuple[str, int, int]]) -> Play:
    play = Play(make_scene(session, now))
    session.add(
        m.PromisePolicy(
            name="P", position=1, conditions=[], first_minutes=60, next_minutes=30, created_at=now, updated_at=now
        )
    )
    session.flush()
    for act, n, seconds in history:
        savepoint = session.begin_nested()
        try:
            play.do(act, n, seconds)
            savepoint.commit()
        except GuichetError:
            savepoint.rollback()
    return play


def _rows(session: Session, conversation: m.Conversation) -> list[dict[str, Any]]:
    session.expire_all()
    waits = session.scalars(select(m.Wait).where(m.Wait.conversation_id == conversation.id)).all()
    return sorted((_as_dict(w, w.opened_by_message_id, w.ended_by_message_id) for w in waits), key=repr)


def _due(wait: dict[str, Any]) -> datetime:
    """Of a wait that goes on: what is promised follows it through everything."""
    return wait["started_at"] + timedelta(minutes=60 if wait["is_first"] else 30)


def _as_dict(w: m.Wait | WaitValue, opened_by: int, ended_by: int | None) -> dict[str, Any]:
    return {
        "opened_by": opened_by, "cycle": w.cycle, "is_first": w.is_first, "started_at": w.started_at,
        "received_at": w.received_at, "first_touch_at": w.first_touch_at, "ended_at": w.ended_at,
        "end_kind": str(w.end_kind or ""), "answered_by": w.answered_by, "ended_by": ended_by,
        "slices": [(s.team_id, s.staff_id, s.started_at, s.ended_at) for s in w.slices],
    }  # fmt: skip


def test_rows_and_recount_agree(engine: Engine, now: datetime) -> None:
    @settings(
        max_examples=HISTORIES[engine.dialect.name], deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip
    @given(history=histories)
    def agree(history: list[tuple[str, int, int]]) -> None:
        with Session(engine, expire_on_commit=False) as session:
            _check(session, _play(session, now, history))
            session.rollback()

    agree()


def _check(session: Session, play: Play) -> None:
    for conversation in play.conversations():
        rows = _rows(session, conversation)
        recounted = timeline.recount_waits(session, SYSTEM, conversation)
        assert rows == sorted((_as_dict(w, w.opened_by, w.ended_by) for w in recounted), key=repr)
        still = [r for r in rows if r["ended_at"] is None]
        assert conversation.waiting_since == (still[0]["started_at"] if still else None)
        assert conversation.due_at == (_due(still[0]) if still else None)
    _check_counters(session)


def _check_counters(session: Session) -> None:
    c = m.Conversation
    counted = session.execute(
        select(c.account_id, c.state, func.coalesce(c.team_id, 0), func.coalesce(c.assignee_id, 0), func.count())
        .where(c.merged_into_id.is_(None))
        .group_by(c.account_id, c.state, c.team_id, c.assignee_id)
    )
    truth = {Place(*place): n for *place, n in counted}
    k = m.ConversationCount
    kept = {
        Place(*place): n
        for *place, n in session.execute(select(k.account_id, k.state, k.team_id, k.assignee_id, k.n))
        if n
    }
    assert kept == truth
