"""Claiming, starting and taking over, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, false, select

from channels.contract import Receipt
from channels.errors import Unavailable
from guichet import models as m
from guichet.delivery import doubts, rules, takeover
from guichet.delivery import engine as engine_
from guichet.delivery.life import Life, seized
from guichet.delivery.payload import freeze, payload_hash
from guichet.delivery.settling import Result, settle
from guichet.policy import ACCOUNT_RIGHTS, AccountRole, Action, OrgRole, can, load_actor
from tests import factories
from tests.delivery.bench import NOW, Bench, add_worker, make_bench
from tests.waiting import until


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Bench:
    return make_bench(engine, tmp_path)


def test_a_start_leaves_an_attempt_and_nothing_else_may_be_sent(bench: Bench) -> None:
    id_ = bench.queue()
    (claimed,) = bench.claim()
    assert bench.start(claimed) == {id_}
    delivery = bench.delivery(id_)
    assert (delivery.state, delivery.tries) == ("sending", 1)
    (attempt,) = delivery.attempts
    assert (attempt.state, attempt.idempotency_key, attempt.payload_hash) == (
        "in_flight", f"key-{id_}", delivery.payload_hash,
    )  # fmt: skip
    assert bench.start(claimed) == set()


def _brake(scope: str, posts: bool = True) -> Callable[[Bench, int], None]:
    def pull(bench: Bench, _: int) -> None:
        of = {"all": None, "brand": bench.brand_id, "account": bench.account_id}[scope]
        bench.add(m.Brake(scope=scope, scope_id=of, stops_posts=posts, stops_answers=not posts, pulled_at=NOW))

    return pull


def _replace_payload(bench: Bench, id_: int) -> None:
    payload = freeze(text="something else", surface="public")
    bench.change(m.Delivery, id_, payload=payload, payload_hash=payload_hash(payload))


def _end_grant(bench: Bench, _: int) -> None:
    with bench.session() as session, session.begin():
        session.scalars(select(m.Grant)).one().ends_at = NOW - timedelta(seconds=1)


def _weaken_grant(bench: Bench, _: int) -> None:
    with bench.session() as session, session.begin():
        session.scalars(select(m.Grant)).one().role = "author"


def _embargo(bench: Bench, _: int) -> None:
    with bench.session() as session, session.begin():
        session.scalars(select(m.Post)).one().embargo_at = NOW + timedelta(seconds=1)


CONDITIONS: dict[str, tuple[Callable[[Bench, int], None], str]] = {
    "the worker was taken over from": (lambda b, i: b.change(m.Worker, "w-1", ended_at=NOW), "due"),
    "somebody else claimed it since": (lambda b, i: b.change(m.Delivery, i, fence=7, worker_id="w-2"), "claimed"),
    "it was handed back": (lambda b, i: b.change(m.Delivery, i, state="due", worker_id=None), "due"),
    "its content is another": (_replace_payload, "due"),
    "it was withdrawn": (lambda b, i: b.change(m.Delivery, i, withdraw=True), "cancelled"),
    "it was cancelled": (lambda b, i: b.change(m.Delivery, i, state="cancelled", worker_id=None), "cancelled"),
    "the grant ended": (_end_grant, "needs_human"),
    "the grant is for less": (_weaken_grant, "needs_human"),
    "the person left": (lambda b, i: b.change(m.Staff, b.staff_id, disabled_at=NOW), "needs_human"),
    "an approval is missing": (
        lambda b, i: b.change(m.Brand, b.brand_id, needs_approval=True), "awaiting_approval",
    ),
    "one account wants four eyes": (
        lambda b, i: b.change(m.Account, b.account_id, approval="four_eyes"), "awaiting_approval",
    ),
    "its embargo has not ended": (_embargo, "needs_human"),
    "a brake is on everywhere": (_brake("all"), "held"),
    "a brake is on the brand": (_brake("brand"), "held"),
    "a brake is on the account": (_brake("account"), "held"),
    "it is too late": (lambda b, i: b.change(m.Delivery, i, deadline_at=NOW - timedelta(seconds=1)), "needs_human"),
    "the account is disconnected": (
        lambda b, i: b.change(m.Account, b.account_id, state="disconnected"), "needs_human",
    ),
    "the account must be reconnected": (
        lambda b, i: b.change(m.Account, b.account_id, state="needs_reconnect"), "needs_human",
    ),
}  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS)
def test_nothing_starts_when(bench: Bench, condition: str) -> None:
    change, state = CONDITIONS[condition]
    post = bench.post()
    id_ = bench.queue(post_id=post)
    (claimed,) = bench.claim()
    change(bench, id_)
    assert bench.start(claimed) == set()
    delivery = bench.delivery(id_)
    assert delivery.state == state
    assert delivery.attempts == []


def test_nothing_starts_when_the_life_lock_is_not_held(bench: Bench) -> None:
    id_ = bench.queue()
    (claimed,) = bench.claim()
    assert bench.start(claimed, held=false()) == set()
    assert bench.delivery(id_).state == "due"


def test_a_brake_on_answers_lets_posts_go_and_a_takedown_passes_every_brake(bench: Bench) -> None:
    _brake("all", posts=False)(bench, 0)
    post, answer = bench.queue(), bench.queue(is_answer=True)
    claimed = bench.claim()
    assert {c.id for c in claimed} == {post}
    assert bench.delivery(answer).state == "held"
    _brake("brand")(bench, 0)
    takedown = bench.queue(kind="delete", target_remote_id="1")
    assert bench.start(*bench.claim()) == {takedown}


@pytest.mark.parametrize("org", list(OrgRole))
@pytest.mark.parametrize("role", [None, *AccountRole])
def test_the_starting_update_asks_for_the_same_rights_as_the_policy(
    bench: Bench, org: OrgRole, role: AccountRole | None
) -> None:
    assert set(ACCOUNT_RIGHTS) == set(AccountRole)
    with bench.session() as session, session.begin():
        account = session.get_one(m.Account, bench.account_id)
        staff = factories.make_staff(session, role=org.value)
        if role:
            factories.make_grant(session, staff, account, role.value)
        actor = load_actor(session, staff, NOW)
    ids = {False: bench.queue(actor_id=staff.id), True: bench.queue(actor_id=staff.id, is_answer=True)}
    may = {False: can(actor, Action.POST_PUBLISH, account), True: can(actor, Action.CONVERSATION_ANSWER, account)}
    started = bench.start(*bench.claim())
    assert started == {ids[is_answer] for is_answer, allowed in may.items() if allowed}


def _elsewhere(bench: Bench) -> m.Account:
    """An account of another brand, with something due there: rows that must not be confused."""
    with bench.session() as session, session.begin():
        account = factories.make_account(session)
    bench.queue(account_id=account.id, actor_id=None)
    return account


def test_a_right_elsewhere_or_of_a_team_of_others_starts_nothing_here(bench: Bench) -> None:
    elsewhere = _elsewhere(bench)
    with bench.session() as session, session.begin():
        here = session.get_one(m.Account, bench.account_id)
        guest, member = factories.make_staff(session), factories.make_staff(session)
        factories.make_grant(session, guest, elsewhere, "manager")
        entitled, other = factories.make_team(session, member), factories.make_team(session, guest)
        for team, account in ((entitled, here), (other, elsewhere)):
            session.add(m.Grant(team_id=team.id, account_id=account.id, role="publisher", created_at=NOW))
    refused, allowed = bench.queue(actor_id=guest.id), bench.queue(actor_id=member.id)
    assert {c.id for c in bench.claim() if c.account_id == bench.account_id} == {allowed}
    assert bench.delivery(refused).reason_code == "right_gone"


def test_a_brake_on_one_brand_holds_that_brand_alone(bench: Bench) -> None:
    elsewhere = _elsewhere(bench)
    held = bench.queue()
    claimed = bench.claim()
    assert len(claimed) == 2
    _brake("brand")(bench, 0)
    assert bench.start(*claimed) == {c.id for c in claimed if c.account_id == elsewhere.id}
    assert bench.delivery(held).state == "held"


def test_claims_take_turns_between_accounts_and_pass_over_parked_ones(bench: Bench) -> None:
    with bench.session() as session, session.begin():
        brand = session.get_one(m.Brand, bench.brand_id)
        quiet = factories.make_account(session, brand)
        parked = factories.make_account(session, brand, parked_until=NOW + timedelta(minutes=1))
    for _ in range(30):
        bench.queue(actor_id=None)
    for account in (quiet, parked):
        for _ in range(3):
            bench.queue(account_id=account.id, actor_id=None)
    claimed = bench.claim(6)
    assert [c.account_id for c in claimed].count(quiet.id) == 3
    assert parked.id not in {c.account_id for c in claimed}
    assert {c.account_id for c in bench.claim(40, now=NOW + timedelta(minutes=2))} == {bench.account_id, parked.id}


def test_a_claim_looks_past_what_a_brake_turns_away(bench: Bench) -> None:
    answer = [bench.queue(actor_id=None) for _ in range(9)].pop()
    bench.change(m.Delivery, answer, is_answer=True)
    _brake("all")(bench, 0)
    assert [c.id for c in bench.claim(2)] == [answer]
    with bench.session() as session:
        assert session.scalars(select(m.Delivery.state).where(m.Delivery.id != answer)).all() == ["held"] * 8


def test_eight_workers_that_claim_at_once_never_share_a_row(bench: Bench) -> None:
    ids = {bench.queue(actor_id=None) for _ in range(120)}
    taken: list[int] = []
    gate = threading.Barrier(8)

    def work(n: int) -> None:
        gate.wait()
        while claimed := bench.claim(7, worker_id=f"w-{n}"):
            taken.extend(c.id for c in claimed)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids)


def test_taking_over_gives_claims_back_and_puts_starts_in_doubt(bench: Bench) -> None:
    bench.queue(text="started")
    (started,) = bench.claim()
    bench.start(started)
    merely = bench.queue(text="claimed")
    bench.claim()
    with bench.engine.begin() as connection:
        assert takeover.take_over(connection, "w-1", NOW) == (1, 1)
    assert bench.delivery(merely).state == "due"
    doubted = bench.delivery(started.id)
    assert (doubted.state, doubted.attempts[0].state) == ("unknown", "unknown")


@pytest.mark.parametrize("accepted", [False, True])
def test_an_answer_that_comes_after_a_takeover_ends_the_doubt_only_where_it_was_accepted(
    bench: Bench, accepted: bool
) -> None:
    id_ = bench.queue()
    (claimed,) = bench.claim()
    bench.start(claimed)
    later = NOW + timedelta(seconds=40)
    verdict = rules.after_receipt(Receipt("109"))
    if not accepted:
        verdict = rules.after_error(Unavailable("no route"), kind="post", is_reply=False, tries=1, now=later)
    result = Result(id_, claimed.account_id, claimed.fence, "post", NOW, verdict, later)
    with bench.engine.begin() as connection:
        takeover.take_over(connection, "w-1", NOW)
        settle(connection, [result], later)
        left = doubts.take_cases(connection, "w-2", later)
    delivery = bench.delivery(id_)
    attempt = delivery.attempts[0]
    assert attempt.ended_at == later
    if accepted:
        assert (delivery.state, delivery.remote_id, attempt.state, left) == ("published", "109", "accepted", [])
    else:  # it proves that nothing was sent; but whoever looks for it is not left without what to look for
        assert (attempt.state, [c.doubt.ended_at for c in left]) == ("unknown", [later])


def test_a_doubt_is_judged_by_what_its_own_account_offers(bench: Bench) -> None:
    bench.change(m.Account, bench.account_id, settings={"keys": False})
    bench.queue()
    (started,) = bench.claim()
    bench.start(started)
    with bench.engine.begin() as connection:
        takeover.take_over(connection, "w-1", NOW)
        (case,) = doubts.take_cases(connection, "w-1", NOW + timedelta(minutes=1))
    assert case.doubt.settings == {"keys": False}


def test_a_worker_that_slept_through_a_takeover_can_start_nothing(bench: Bench) -> None:
    id_ = bench.queue()
    (claimed,) = bench.claim()
    with bench.engine.begin() as connection:
        takeover.take_over(connection, "w-1", NOW)
    assert bench.start(claimed) == set()
    with bench.session() as session, session.begin():
        add_worker(session, "w-2", lock_key=2)
    (again,) = bench.claim(worker_id="w-2")
    assert bench.start(claimed) == set()
    assert bench.start(again, worker_id="w-2") == {id_}


# ---------------------------------------------------------------- life locks


def is_free(bench: Bench, life: Life) -> bool:
    with bench.engine.connect() as connection, seized(connection, bench.folder, life.lock_key) as free:
        return free


def test_a_life_lock_is_free_when_and_only_when_its_holder_is_gone(bench: Bench) -> None:
    life = Life(bench.engine, bench.folder, "send")
    life.begin(NOW)
    assert life.is_held()
    with bench.engine.connect() as connection, seized(connection, bench.folder, life.lock_key) as free:
        assert not free
    life.let_go()
    assert not life.is_held()
    until(lambda: is_free(bench, life))  # PostgreSQL hears of an ended connection a moment later
    with bench.engine.connect() as connection, seized(connection, bench.folder, life.lock_key) as free:
        assert free
        with bench.engine.connect() as other, seized(other, bench.folder, life.lock_key) as too:
            assert not too


def test_who_could_not_be_written_down_does_not_live(bench: Bench) -> None:
    """A disk that is full in that moment: what such a worker claimed would be stuck for ever."""

    def refuse(connection: object, cursor: object, statement: str, *more: object) -> None:
        if statement.startswith("INSERT INTO worker"):
            raise OSError("no space left on device")

    life = Life(bench.engine, bench.folder, "send")
    event.listen(bench.engine, "before_cursor_execute", refuse)
    with pytest.raises(OSError):
        life.begin(NOW)
    event.remove(bench.engine, "before_cursor_execute", refuse)
    assert not life.is_held()
    life.begin(NOW)
    assert life.is_held()


def test_the_database_itself_judges_whether_the_lock_is_held(bench: Bench) -> None:
    life = Life(bench.engine, bench.folder, "send")
    life.begin(NOW)
    id_ = bench.queue()
    first, condition = life.worker_id, life.condition()
    (claimed,) = bench.claim(worker_id=first)
    if bench.engine.dialect.name == "postgresql":
        life.let_go()  # the connection is lost; the worker has not noticed
    else:
        life.let_go()
        condition = life.condition()
    assert bench.start(claimed, held=condition, worker_id=first) == set()
    life.begin(NOW)
    assert life.worker_id != first
    (claimed,) = bench.claim(worker_id=life.worker_id)
    assert bench.start(claimed, held=life.condition(), worker_id=life.worker_id) == {id_}
    life.end(NOW)


# ---------------------------------------------------------------- when its time comes


def test_rows_become_due_at_their_time_and_go_where_their_gate_sends_them(bench: Bench) -> None:
    soon = {"state": "scheduled", "due_at": NOW + timedelta(seconds=10)}
    fine = bench.queue(**soon)
    late = bench.queue(**soon, deadline_at=NOW)
    orphan = bench.queue(**soon, actor_id=_leaver(bench))
    after = NOW + timedelta(seconds=10)
    with bench.engine.begin() as connection:
        assert engine_.promote(connection, after - timedelta(milliseconds=1)) == 0
        assert engine_.promote(connection, after) == 3
    assert [bench.delivery(i).state for i in (fine, late, orphan)] == ["due", "needs_human", "needs_human"]
    assert bench.delivery(late).reason_code == "late"


def _leaver(bench: Bench) -> int:
    with bench.session() as session, session.begin():
        return factories.make_staff(session, disabled_at=NOW).id


def test_what_is_parked_past_its_deadline_is_not_forgotten(bench: Bench) -> None:
    id_ = bench.queue(not_before=NOW + timedelta(days=1), deadline_at=NOW + timedelta(minutes=1))
    with bench.engine.begin() as connection:
        assert engine_.is_anything_ripe(connection, NOW + timedelta(minutes=2))
        engine_.promote(connection, NOW + timedelta(minutes=2))
    assert bench.delivery(id_).state == "needs_human"


def test_preparing_in_vain_counts_as_a_try(bench: Bench) -> None:
    delivery = bench.queue()
    for tries in (0, 1):
        (claimed,) = bench.claim()
        assert claimed.tries == tries
        verdict = rules.after_failed_preparation(Unavailable("no route"), tries=claimed.tries + 1, now=NOW)
        result = Result(
            claimed.id, claimed.account_id, claimed.fence, claimed.kind, claimed.due_at,
            replace(verdict, not_before=NOW), NOW,
        )  # fmt: skip
        with bench.engine.begin() as connection:
            settle(connection, [result], NOW)
    assert (bench.delivery(delivery).state, bench.delivery(delivery).tries) == ("due", 2)
