"""What the start asks about approvals, and about brakes that spare some: on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from guichet import models as m
from tests import factories
from tests.delivery.bench import NOW, Bench, make_bench


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Bench:
    return make_bench(engine, tmp_path)


def test_an_approval_is_bound_to_the_content_and_its_giver_carries_the_right(bench: Bench) -> None:
    with bench.session() as session, session.begin():
        account = session.get_one(m.Account, bench.account_id)
        author, approver = factories.make_staff(session), factories.make_staff(session)
        factories.make_grant(session, author, account, "author")
        factories.make_grant(session, approver, account, "publisher")
    bench.change(m.Brand, bench.brand_id, needs_approval=True)
    post = bench.post(approver.id, "h1")
    approved = bench.queue(post_id=post, actor_id=author.id, content_hash="h1")
    changed = bench.queue(post_id=post, actor_id=author.id, content_hash="h2")
    assert {c.id for c in bench.claim()} == {approved}
    assert bench.delivery(changed).state == "awaiting_approval"
    bench.change(m.Staff, author.id, disabled_at=NOW)
    still = bench.queue(post_id=post, actor_id=author.id, content_hash="h1")
    assert {c.id for c in bench.claim()} == {still}
    bench.change(m.Staff, approver.id, disabled_at=NOW)
    orphan = bench.queue(post_id=post, actor_id=author.id, content_hash="h1")
    assert bench.claim() == []
    assert bench.delivery(orphan).reason_code == "right_gone"


def test_an_account_may_go_without_the_approval_that_its_brand_asks_for(bench: Bench) -> None:
    bench.change(m.Brand, bench.brand_id, needs_approval=True)
    bench.change(m.Account, bench.account_id, approval="none")
    free = bench.queue(post_id=bench.post())
    assert bench.start(*bench.claim()) == {free}


def test_an_approval_for_one_time_is_none_for_another(bench: Bench) -> None:
    bench.change(m.Brand, bench.brand_id, needs_approval=True)
    post = bench.post(bench.staff_id, "h1")
    with bench.session() as session, session.begin():
        session.scalars(select(m.Review)).one().due_at = NOW
    agreed = bench.queue(post_id=post, content_hash="h1")
    moved = bench.queue(post_id=post, content_hash="h1", due_at=NOW - timedelta(minutes=1))
    assert {c.id for c in bench.claim()} == {agreed}
    assert bench.delivery(moved).state == "awaiting_approval"


def test_a_brake_that_spares_lets_go_on_what_is_marked_and_a_total_one_does_not(bench: Bench) -> None:
    marked, plain = bench.queue(post_id=bench.post(goes_on=True)), bench.queue(post_id=bench.post())
    brake = bench.add(m.Brake(scope="brand", scope_id=bench.brand_id, spares=True, pulled_at=NOW))
    assert bench.start(*bench.claim()) == {marked}
    assert bench.delivery(plain).state == "held"
    bench.change(m.Brake, brake.id, spares=False)
    later = bench.queue(post_id=bench.post(goes_on=True))
    assert bench.claim() == []
    assert bench.delivery(later).state == "held"
