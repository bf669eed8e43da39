"""What is taken for an account's history, from our rows, and what is suggested from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from bench.times import World
from guichet import models as m
from guichet.errors import NotAllowed, NotFound
from guichet.policy import SYSTEM, load_actor
from guichet.publishing.drafting import VariantSpec, Words
from guichet.publishing.operations import create
from guichet.timing.queries import Measure, history_of, posts_in
from guichet.timing.rules import Part, Seen, Verdict
from guichet.timing.suggesting import suggest
from tests import factories
from tests.timing.past import measured, publish

PARIS = ZoneInfo("Europe/Paris")
HISTORY = World(a_day=2, better=Part(1, 8), factor=4).history(3)
NOW = max(one.at for one in HISTORY) + timedelta(days=3)


def answer(session: Session, delivery: m.Delivery, at: datetime) -> None:
    identity = factories.make_customer(session)
    conversation = factories.make_conversation(
        session, session.get_one(m.Account, delivery.account_id), identity, thread_root=delivery.remote_id
    )
    session.add(
        m.Message(
            conversation_id=conversation.id, account_id=delivery.account_id, direction="in", kind="reply",
            remote_id=f"answer-{identity.id}", text="?", remote_at=at, received_at=at, sort_at=at,
        )
    )  # fmt: skip
    session.flush()


def test_what_the_network_told_is_the_history_and_leads_to_the_posts_behind_it(session: Session) -> None:
    account, author = factories.make_account(session), factories.make_staff(session)
    measured(session, account, publish(session, account, author, HISTORY), HISTORY)
    history = history_of(session, SYSTEM, account, NOW)
    assert history.measure is Measure.REACTIONS
    assert [(s.at, s.brought) for s in sorted(history.seen, key=lambda s: s.post_id)] == [
        (s.at, s.brought) for s in HISTORY if s.at >= NOW - timedelta(days=90)
    ]
    best = history.judged().best[0]
    _, behind = posts_in(session, SYSTEM, account, best.part, NOW)
    assert len(behind) == best.posts
    assert sorted(p.brought for p in behind)[(len(behind) - 1) // 2] == best.brought
    assert behind[0].brought == max(p.brought for p in behind)


def test_coming_times_keep_away_from_other_posts_and_from_an_embargo(session: Session) -> None:
    account, author = factories.make_account(session, min_gap_minutes=180), factories.make_staff(session, "owner")
    measured(session, account, publish(session, account, author, HISTORY), HISTORY)
    first, *_ = suggest(session, SYSTEM, [account], now=NOW).times
    wall = first.at.astimezone(PARIS)
    assert (wall.weekday(), wall.hour // 2 * 2) == (1, 8)
    later = suggest(session, SYSTEM, [account], not_before=first.at, now=NOW).times
    assert all(one.at > first.at for one in later)
    actor = load_actor(session, author, NOW)
    brand = session.get_one(m.Brand, account.brand_id)
    post = create(session, actor, brand=brand, words=Words("x"), variants=[VariantSpec(account.id)], now=NOW)
    post.state, post.due_at = "scheduled", first.at
    session.flush()
    assert first.at not in {one.at for one in suggest(session, SYSTEM, [account], now=NOW).times}
    assert first.at in {one.at for one in suggest(session, SYSTEM, [account], post_id=post.id, now=NOW).times}


def test_where_the_network_told_too_little_answers_of_two_days_count(session: Session) -> None:
    account, author = factories.make_account(session), factories.make_staff(session)
    now = datetime(2026, 6, 1, tzinfo=UTC)
    old = [Seen(n, now - timedelta(days=10 + n), 0) for n in range(4)]
    young = Seen(9, now - timedelta(hours=47), 0)
    deliveries = publish(session, account, author, [*old, young])
    measured(session, account, deliveries[:2], old[:2])
    answer(session, deliveries[1], old[1].at + timedelta(hours=1))
    answer(session, deliveries[1], old[1].at + timedelta(hours=47))
    answer(session, deliveries[1], old[1].at + timedelta(hours=49))
    answer(session, deliveries[4], now)
    history = history_of(session, SYSTEM, account, now)
    assert history.measure is Measure.ANSWERS
    assert sorted(s.brought for s in history.seen) == [0, 0, 0, 2], "the youngest may yet get more"
    assert history.judged().verdict is Verdict.THIN


def test_the_figures_and_the_times_are_for_those_who_may_have_them(session: Session) -> None:
    account = factories.make_account(session)
    viewer, stranger = factories.make_staff(session), factories.make_staff(session)
    factories.make_grant(session, viewer, account, "viewer")
    session.flush()
    assert history_of(session, load_actor(session, viewer, NOW), account, NOW).seen == []
    with pytest.raises(NotAllowed):
        suggest(session, load_actor(session, viewer, NOW), [account], now=NOW)
    with pytest.raises((NotAllowed, NotFound)):
        posts_in(session, load_actor(session, stranger, NOW), account, Part(None, None), NOW)
