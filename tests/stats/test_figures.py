"""Figures that can be explained: censored waits count, and every figure opens its waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Invalid
from guichet.inbox import operations as inbox
from guichet.policy import SYSTEM, load_actor
from guichet.promises import operations
from guichet.receiving import operations as receiving
from guichet.stats import km, promises, queries
from guichet.stats.scope import WaitFilter, last_days
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, make_scene

DAY = date(2026, 3, 10)
WEEK = WaitFilter(since=date(2026, 3, 8), until=date(2026, 3, 14))

spells = st.lists(st.builds(km.Spell, st.integers(0, 12).map(float), st.booleans()), min_size=1, max_size=12)


@given(spells, st.sampled_from([0.1, 0.5, 0.75, 0.9]))
def test_the_estimate_is_the_product_over_the_times_of_ends(given_: list[km.Spell], q: float) -> None:
    expected: tuple[float, bool] = (max(s.seconds for s in given_), True)
    surviving = Fraction(1)
    for t in sorted({s.seconds for s in given_ if s.ended}):
        at_risk = sum(s.seconds >= t for s in given_)
        surviving *= 1 - Fraction(sum(s.ended and s.seconds == t for s in given_), at_risk)
        if surviving <= 1 - Fraction(str(q)):
            expected = (t, False)
            break
    assert km.quantile(given_, q) == expected


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50), st.sampled_from([0.5, 0.9]))
def test_without_censoring_it_is_the_plain_quantile(seconds: list[int], q: float) -> None:
    found, more = km.quantile([km.Spell(float(s), True) for s in seconds], q)
    assert not more
    assert sum(s <= found for s in seconds) >= q * len(seconds) > sum(s < found for s in seconds) - 1e-9


def test_who_still_waits_is_not_left_out() -> None:
    assert km.quantile([km.Spell(60, True), km.Spell(3600, False), km.Spell(3600, False)], 0.5) == (3600, True)


def answer(scene: Scene, message: m.Message, minutes: float) -> None:
    out = inbox.reply(
        scene.session, scene.actor(), scene.conversation_of(message), spec=SPEC, text="ok",
        seen_through=message.id, now=scene.later(minutes=minutes),
    )  # fmt: skip
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out), scene.now)


@pytest.fixture
def told(scene: Scene) -> Scene:
    """Three answered after 1, 2 and 3 minutes, one closed unanswered, one still waiting."""
    for n in (1, 2, 3):
        answer(scene, scene.customer_says(who=f"c{n}", root=f"r{n}"), n)
    lost = scene.conversation_of(scene.customer_says(who="lost", root="lost"))
    inbox.resolve(scene.session, scene.actor(), lost, now=scene.later(minutes=30))
    scene.customer_says(who="waiting", root="waiting")
    scene.later(minutes=60)
    scene.session.commit()
    return scene


def test_first_responses_by_day_account_and_agent(told: Scene) -> None:
    actor = told.actor()
    (day,) = queries.first_responses(told.session, actor, WEEK, by="day", now=told.now)
    assert (day.key, day.started, day.answered, day.censored) == ("2026-03-10", 5, 3, 2)
    assert day.p50 == queries.Quantile(180.0, False)
    assert day.p90 == queries.Quantile(3600.0, True)
    (account,) = queries.first_responses(told.session, actor, WEEK, by="account", now=told.now)
    assert account.p50 == day.p50
    nobody, agent = queries.first_responses(told.session, actor, WEEK, by="agent", now=told.now)
    assert (agent.label, agent.answered, nobody.answered) == ("Ada Lovelace", 3, 0)


@pytest.mark.parametrize("by", queries.BY)
def test_every_figure_opens_the_waits_it_stands_for(told: Scene, by: str) -> None:
    for row in queries.first_responses(told.session, told.actor(), WEEK, by=by, now=told.now):
        found = []
        after = ""
        while True:
            page = queries.list_waits(told.session, told.actor(), row.waits, after=after, limit=2, now=told.now)
            found += [w.id for w in page.items]
            after = page.next_cursor
            if not after:
                break
        assert len(found) == len(set(found)) == row.started


def test_ends_are_counted_and_open_their_waits(told: Scene) -> None:
    counts = queries.end_kinds(told.session, told.actor(), WEEK, told.now)
    assert {c.end_kind: c.count for c in counts} == {"human_reply": 3, "closed_unanswered": 1, "": 1}
    for c in counts:
        assert len(queries.list_waits(told.session, told.actor(), c.waits, now=told.now).items) == c.count


def test_who_waits_now(told: Scene) -> None:
    waiting = queries.waiting_now(told.session, told.actor(), WaitFilter(), told.now)
    assert (waiting.count, waiting.by_account) == (1, {told.account.id: 1})
    assert waiting.oldest_started_at == told.now - timedelta(minutes=60)


def test_a_wait_belongs_to_the_day_it_began_in_the_brands_zone(session: Session, now: datetime) -> None:
    brand = f.make_brand(session, time_zone="Pacific/Auckland")
    scene = make_scene(session, datetime(2026, 3, 10, 12, 30, tzinfo=UTC), brand=brand)
    scene.customer_says()
    (row,) = queries.first_responses(session, scene.actor(), WEEK, by="day", now=scene.now)
    assert row.key == "2026-03-11"
    assert queries.list_waits(session, scene.actor(), row.waits, now=scene.now).items


def test_the_last_days_end_with_today_where_it_is_latest(session: Session, now: datetime) -> None:
    evening = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
    scene = make_scene(session, evening, brand=f.make_brand(session, time_zone="Pacific/Auckland"))
    assert last_days(session, scene.actor(), WaitFilter(), evening) == (date(2026, 3, 5), date(2026, 3, 11))
    elsewhere = WaitFilter(network="nowhere")
    assert last_days(session, scene.actor(), elsewhere, evening, days=2) == (date(2026, 3, 9), date(2026, 3, 10))
    asked = WaitFilter(since=date(2026, 1, 1), until=date(2026, 1, 2))
    assert last_days(session, scene.actor(), asked, evening) == (asked.since, asked.until)


def test_nobody_sees_figures_of_accounts_that_are_not_theirs(told: Scene) -> None:
    stranger = load_actor(told.session, f.make_staff(told.session), told.now)
    assert queries.waiting_now(told.session, stranger, WaitFilter(), told.now).count == 0
    assert queries.end_kinds(told.session, stranger, WEEK, told.now) == []
    scope = replace(WEEK, account_ids=(told.account.id,))
    assert queries.list_waits(told.session, stranger, scope, now=told.now).items == []


@pytest.mark.parametrize(
    "scope", [WaitFilter(), replace(WEEK, until=date(2026, 3, 1)), replace(WEEK, until=date(2028, 1, 1))]
)
def test_days_that_make_no_sense_are_refused(scene: Scene, scope: WaitFilter) -> None:
    with pytest.raises(Invalid):
        queries.first_responses(scene.session, scene.actor(), scope, now=scene.now)


def test_kept_and_broken_promises_open_their_waits(session: Session, now: datetime) -> None:
    scene = make_scene(session, now)
    boss = load_actor(session, f.make_staff(session, "administrator"), now)
    policy = operations.add_policy(session, boss, {"name": "All", "first_minutes": 60, "next_minutes": 60}, now)
    prompt = scene.customer_says(root="prompt")
    answer(scene, prompt, minutes=10)
    slow = scene.customer_says(root="slow")
    answer(scene, slow, minutes=90)
    spam = scene.customer_says(root="spam")
    inbox.mark_spam(session, scene.actor(), scene.conversation_of(spam), scene.now)
    ignored = scene.customer_says(root="ignored")  # its deadline is long past by the database's clock
    for message in (prompt, slow):
        inbox.reopen(session, scene.actor(), scene.conversation_of(message), scene.now)
    again = scene.customer_says("And?", root="prompt")
    session.query(m.Promise).filter_by(kind="next").one().due_at = datetime.now(UTC) + timedelta(hours=1)
    session.flush()

    first, next_ = promises.kept_promises(session, boss, WEEK)
    assert (first.policy_id, first.kind, first.kept, first.broken, first.running) == (policy.id, "first", 1, 2, 0)
    assert (next_.kind, next_.kept, next_.broken, next_.running) == ("next", 0, 0, 1)

    def behind(row: promises.Kept, fate: str) -> set[int]:
        page = queries.list_waits(session, boss, row.waits_that(fate), now=scene.now)
        return {w.conversation_id for w in page.items}

    assert behind(first, "kept") == {prompt.conversation_id}
    assert behind(first, "broken") == {slow.conversation_id, ignored.conversation_id}
    assert behind(next_, "running") == {again.conversation_id}
    stranger = load_actor(session, f.make_staff(session), now)
    assert promises.kept_promises(session, stranger, WEEK) == []
    with pytest.raises(Invalid):
        queries.list_waits(session, boss, replace(WEEK, promise="forgotten"), now=now)
