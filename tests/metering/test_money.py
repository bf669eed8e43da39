"""What accounts cost: counted with every call, limited by the month, never at a customer's cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from channels.x import SPEC
from guichet import models as m
from guichet.clock import utc_now
from guichet.errors import Invalid, NotAllowed
from guichet.metering import operations, rules
from guichet.policy import SYSTEM, load_actor
from tests import factories
from tests.channels.x_rig import XRig
from tests.workers.hearing import answer, begin, make_due, messages, receive_all
from tests.workers.stage import Stage, open_stage
from tests.workers.test_deliver import settle_all
from workers import receive, tend

assert SPEC.tariff is not None
DEAREST = SPEC.tariff.dearest


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with XRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def spent(stage: Stage) -> dict[str, tuple[int, float]]:
    """How many of each item, and what they came to."""
    with stage.session() as session:
        rows = session.scalars(select(m.Spend).where(m.Spend.month == rules.month_of(utc_now())))
        return {row.item: (row.quantity, row.micros / rules.MICROS) for row in rows}


def limit(stage: Stage, amount: float | None) -> None:
    with stage.session() as session:
        account = session.get_one(m.Account, stage.account_id)
        operations.set_monthly_limit(session, SYSTEM, account, amount, DEAREST, utc_now())


def of_account(stage: Stage) -> m.Account:
    with stage.runtime.reading() as session:
        account = session.get_one(m.Account, stage.account_id)
        session.expunge_all()
        return account


def test_posts_readings_and_looks_are_all_counted(stage: Stage) -> None:
    begin(stage)
    before = spent(stage)
    stage.queue("on time")
    stage.queue("see https://example.com/")
    stage.drain()
    assert spent(stage)["post"] == (1, 0.015)
    assert spent(stage)["post_with_url"] == (1, 0.2)
    stage.rig.say_publicly("Is the lounge open?")
    receive_all(stage)
    assert spent(stage)["read"][0] > before.get("read", (0, 0.0))[0]
    assert spent(stage)["own_read"] == (2, 0.002)
    tend.check_account(stage.account_id)
    assert spent(stage)["user_read"] == (1, 0.01)
    stage.plant("reset_after")
    read_before = spent(stage)["own_read"][0]
    settle_all(stage, [stage.queue("where did it go")])
    assert spent(stage)["post"] == (2, 0.03)
    assert spent(stage)["own_read"][0] > read_before


def test_what_a_failed_commit_could_not_write_is_written_with_the_next(stage: Stage) -> None:
    stage.queue("on time")
    with pytest.raises(RuntimeError), stage.process.counted():
        raise RuntimeError("the database is away")
    stage.drain()
    assert spent(stage)["post"] == (1, 0.015)
    with stage.process.counted() as taken:
        assert not taken


def test_at_the_limit_no_post_begins_and_a_person_is_told_why(stage: Stage) -> None:
    limit(stage, 0.1)
    ids = [stage.queue(f"post {n}") for n in range(12)]
    stage.drain()
    stage.drain()
    states = [stage.delivery(i).state for i in ids]
    assert (states.count("published"), states.count("needs_human")) == (7, 5)
    waiting = next(stage.delivery(i) for i in ids if stage.delivery(i).state == "needs_human")
    assert waiting.reason_code == "spent"
    assert of_account(stage).spent_until == rules.next_month(utc_now())
    assert len(stage.texts()) == 7


def test_the_last_post_may_exceed_the_limit_by_its_own_price_and_no_more(stage: Stage) -> None:
    limit(stage, 0.25)
    for n in range(8):
        stage.queue(f"see https://example.com/{n}")
    stage.drain()
    stage.drain()
    assert spent(stage)["post_with_url"] == (2, 0.4)


def test_answers_and_what_was_begun_go_out_whatever_is_spent(stage: Stage) -> None:
    begin(stage)
    stage.rig.say_publicly("Are you open on Sunday?")
    receive_all(stage)
    limit(stage, sum(cost for _, cost in spent(stage).values()) + 0.015)
    first = stage.queue("one")
    item = stage.queue("two", kind="thread_item", item=1, predecessor_id=first)
    settle_all(stage, [first, item])
    assert of_account(stage).spent_until is not None
    answer(stage, messages(stage)[-1], "Yes, until noon.")
    assert [text.removeprefix("@ines ") for text in stage.texts()] == ["one", "two", "Yes, until noon."]


def test_what_customers_write_is_read_on_and_the_rest_is_not(stage: Stage) -> None:
    begin(stage)
    limit(stage, 0)
    stage.rig.say_publicly("Are you open on Sunday?")
    make_due(stage)
    receive.poll(stage.account_id)
    receive.digest()
    assert [message.text for message in messages(stage)][-1:] == ["@acme Are you open on Sunday?"]
    with stage.session() as session:
        streams = {c.stream: c for c in session.scalars(select(m.PollCursor))}
        assert {name for name, c in streams.items() if c.last_error} == {"own", "quotes"}
        ahead = streams["mentions"].next_poll_at - utc_now()
        assert 600 < ahead.total_seconds() <= 900
    limit(stage, 100)
    with stage.session() as session:
        assert all(c.next_poll_at <= utc_now() for c in session.scalars(select(m.PollCursor)))


def test_one_is_told_at_80_and_at_100_per_cent_and_once_each(stage: Stage) -> None:
    limit(stage, 0.075)
    settle_all(stage, [stage.queue(f"post {n}") for n in range(6)])
    with stage.session() as session:
        told = session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "account.spending"))
        assert [entry.data["percent"] for entry in told] == [80, 100]


def test_a_raised_limit_lets_posts_begin_again(stage: Stage) -> None:
    limit(stage, 0)
    settle_all(stage, [stage.queue("too early")])
    limit(stage, 5)
    assert of_account(stage).spent_until is None
    settle_all(stage, [stage.queue("in time")])
    assert stage.texts() == ["in time"]


def test_only_who_manages_an_account_sets_its_limit(session: Session) -> None:
    account = factories.make_account(session, network="x")
    now = utc_now()
    publisher, manager = factories.make_staff(session), factories.make_staff(session)
    factories.make_grant(session, publisher, account, "publisher")
    factories.make_grant(session, manager, account, "manager")
    with pytest.raises(NotAllowed):
        operations.set_monthly_limit(session, load_actor(session, publisher, now), account, 5, DEAREST, now)
    operations.set_monthly_limit(session, load_actor(session, manager, now), account, 5, DEAREST, now)
    assert account.monthly_limit == 5_000_000
    for wrong in (-1.0, float("nan"), 2e9):
        with pytest.raises(Invalid):
            operations.set_monthly_limit(session, SYSTEM, account, wrong, DEAREST, now)


def test_last_months_money_is_not_this_months(session: Session) -> None:
    account = factories.make_account(session, network="x")
    row = {"account_id": account.id, "item": "post", "currency": "USD", "quantity": 1, "micros": 9_000_000}
    session.add(m.Spend(month="2026-02", **row))
    session.flush()
    operations.set_monthly_limit(session, SYSTEM, account, 5, DEAREST, factories.NOW)
    assert account.spent_until is None
