"""Live events are numbered after their commit, so that no reader sees a gap fill behind it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from guichet import live
from guichet.errors import NotAllowed
from guichet.policy import SYSTEM, Actor, load_actor, visible_accounts
from tests.factories import make_account, make_grant, make_staff


def test_numbers_follow_the_order_of_what_was_told(session: Session, now: datetime) -> None:
    for n in range(3):
        live.tell(session, "brake", now, on=bool(n % 2))
    session.flush()
    assert live.number_new(session, SYSTEM) == 3
    assert [e.number for e in live.read_after(session, SYSTEM, 1)] == [2, 3]
    assert live.newest_number(session) == 3


def test_one_sees_events_of_ones_own_accounts_only(session: Session, now: datetime) -> None:
    person, ours, theirs = make_staff(session), make_account(session), make_account(session)
    make_grant(session, person, ours, "viewer")
    live.tell(session, "conversation", now, account_id=ours.id, id=1)
    live.tell(session, "conversation", now, account_id=theirs.id, id=2)
    live.tell(session, "signed_out", now, staff_id=person.id)
    live.tell(session, "signed_out", now, staff_id=make_staff(session).id)
    session.flush()
    live.number_new(session, SYSTEM)
    seen = live.read_after(session, load_actor(session, person, now), 0)
    assert [(e.kind, e.data.get("id")) for e in seen] == [("conversation", 1), ("signed_out", None)]


def test_who_reads_for_many_tells_each_what_they_would_read(session: Session, now: datetime) -> None:
    agent, chief, accounts = make_staff(session), make_staff(session, "owner"), [make_account(session) for _ in "ab"]
    make_grant(session, agent, accounts[0], "viewer")
    for account_id in (None, *(a.id for a in accounts)):
        for staff_id in (None, agent.id, chief.id):
            live.tell(session, "conversation", now, account_id=account_id, staff_id=staff_id, id=1)
    session.flush()
    live.number_new(session, SYSTEM)
    everything = live.read_all_after(session, SYSTEM, 0, 100)
    assert [e.number for e in everything] == list(range(1, 10))
    assert [e.number for e in live.read_all_after(session, SYSTEM, 3, 2)] == [4, 5]
    heard = []
    for person in (agent, chief):
        actor = load_actor(session, person, now)
        seen = visible_accounts(actor)
        told = [e for e in everything if live.is_for(actor, seen, account_id=e.account_id, staff_id=e.staff_id)]
        assert told == list(live.read_after(session, actor, 0))
        heard.append(len(told))
        with pytest.raises(NotAllowed):
            live.read_all_after(session, actor, 0, 1)
    assert heard == [4, 6]


def test_old_events_are_forgotten_and_the_oldest_number_says_so(session: Session, now: datetime) -> None:
    live.tell(session, "brake", now - timedelta(days=1), on=True)
    live.tell(session, "brake", now, on=False)
    session.flush()
    live.number_new(session, SYSTEM)
    live.forget_old(session, SYSTEM, now)
    assert live.oldest_number(session) == 2


def test_an_unknown_kind_is_a_mistake(session: Session, now: datetime) -> None:
    with pytest.raises(ValueError, match="gossip"):
        live.tell(session, "gossip", now)


def test_only_the_sequencer_numbers(session: Session) -> None:
    with pytest.raises(NotAllowed):
        live.number_new(session, Actor(staff_id=1))
