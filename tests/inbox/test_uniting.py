"""Customers joined over networks and separated again: nothing is lost, and answers go where they went."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Conflict, GuichetError, Invalid, NotAllowed, NotFound
from guichet.inbox import customers, knowing, thread, uniting
from guichet.inbox import operations as inbox
from guichet.policy import SYSTEM
from guichet.unit import open_unit
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, make_scene


class Pair:
    """One person, known as two customers on one account."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.session = scene, scene.session
        self.one, self.two = (scene.customer_says("Hello", who=who, root=who) for who in ("ann", "ann2"))

    def customer(self, message: m.Message) -> m.Customer:
        return self.session.get_one(m.Customer, self.session.get_one(m.Identity, message.identity_id).customer_id)

    def join(self) -> m.CustomerJoin:
        one, two = self.customer(self.one), self.customer(self.two)
        return uniting.join(self.session, self.scene.actor(), one, other=two, now=self.scene.now)

    def separate(self, made: m.CustomerJoin) -> m.Customer:
        kept = self.session.get_one(m.Customer, made.kept_id)
        return uniting.separate(self.session, self.scene.actor(), kept, made.id, self.scene.now)


@pytest.fixture
def pair(scene: Scene) -> Pair:
    return Pair(scene)


def standing(session: Session) -> dict[int, tuple[Any, ...]]:
    """Every customer with marks, notes and identities."""
    session.flush()
    session.expire_all()
    rows = {}
    for c in session.scalars(select(m.Customer).order_by(m.Customer.id)):
        notes = session.scalars(select(m.CustomerNote.text).where(m.CustomerNote.customer_id == c.id)).all()
        ids = sorted(i.id for i in c.identities)
        rows[c.id] = (c.name, c.note, c.is_vip, c.is_blocked, c.joined_into_id, tuple(notes), tuple(ids))
    return rows


def test_joined_and_separated_all_stands_as_before(pair: Pair) -> None:
    session, actor, now = pair.session, pair.scene.actor(), pair.scene.now
    one, two = pair.customer(pair.one), pair.customer(pair.two)
    customers.change_customer(session, actor, two, {"is_vip": True, "is_blocked": True, "note": "Old words"}, now)
    knowing.add_note(session, actor, one, "Of one", now)
    knowing.add_note(session, actor, two, "Of two", now)
    before = standing(session)
    made = pair.join()
    assert uniting.home_of(session, two.id) is one
    assert (one.is_vip, one.is_blocked) == (True, False)  # what one wrote is not put aside for the other
    assert [n.text for n in knowing.read_notes(session, actor, one)] == ["Of two", "Of one", "Old words"]
    card = thread.get_customer(session, actor, two.id)
    assert ([i.handle for i in card.identities], len(card.conversations)) == (["ann", "ann2"], 2)
    assert pair.separate(made).id == two.id
    assert standing(session) == before
    assert thread.get_customer(session, actor, two.id).customer.id == two.id


def test_what_came_and_was_changed_meanwhile_stays_where_it_belongs(pair: Pair) -> None:
    session, actor = pair.session, pair.scene.actor()
    one, two = pair.customer(pair.one), pair.customer(pair.two)
    made = pair.join()
    customers.change_customer(session, actor, one, {"is_vip": True}, pair.scene.now)
    knowing.add_note(session, actor, one, "Since", pair.scene.now)
    more = pair.scene.customer_says("More", who="ann2", root="ann2")
    assert more.conversation_id == pair.two.conversation_id
    pair.separate(made)
    assert (one.is_vip, two.is_vip) == (True, False)
    assert [n.text for n in knowing.read_notes(session, actor, one)] == ["Since"]
    assert knowing.read_notes(session, actor, two) == []
    assert pair.customer(more).id == two.id


def test_an_answer_goes_to_who_wrote_whatever_is_joined_while_it_waits(pair: Pair) -> None:
    session, scene = pair.session, pair.scene
    conversation, other = scene.conversation_of(pair.two), scene.conversation_of(pair.one)

    def answered(where: m.Conversation, **more: Any) -> str:
        out = inbox.reply(
            session, scene.actor(), where, spec=SPEC, text="Yes", seen_through=where.last_message_id or 0,
            now=scene.now, **more,
        )  # fmt: skip
        delivery = session.get_one(m.Delivery, out.delivery_id)
        return str(delivery.payload["reply_to"]["author_id"])

    assert answered(conversation, undo_seconds=30) == "id-ann2"
    made = pair.join()
    frozen = [d.payload["reply_to"]["author_id"] for d in session.scalars(select(m.Delivery))]
    assert frozen == ["id-ann2"]
    assert (answered(conversation), answered(other)) == ("id-ann2", "id-ann")
    # Both in one conversation: each answer goes to the one that it answers.
    inbox.merge(session, scene.actor(), conversation, into=other, now=scene.now)
    assert answered(other, to_message_id=pair.one.id) == "id-ann"
    assert answered(other, to_message_id=pair.two.id) == "id-ann2"
    with pytest.raises(Conflict) as caught:
        pair.separate(made)
    assert (caught.value.code, caught.value.data["conversation_id"]) == ("merged", conversation.id)
    inbox.unmerge(session, scene.actor(), conversation, scene.now)
    pair.separate(made)
    with pytest.raises(Invalid):
        inbox.merge(session, scene.actor(), conversation, into=other, now=scene.now)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("marks", [(True, True), (True, False), (False, True)])
def test_of_several_joins_any_is_taken_back_first_and_the_marks_are_as_before(
    pair: Pair, order: tuple[int, int], marks: tuple[bool, bool]
) -> None:
    session, actor, now = pair.session, pair.scene.actor(), pair.scene.now
    one, two = pair.customer(pair.one), pair.customer(pair.two)
    three = pair.customer(pair.scene.customer_says("Hi", who="ann3", root="ann3"))
    two.is_vip, three.is_vip = marks
    one.is_blocked, two.is_blocked, three.is_blocked = True, *marks
    before = standing(session)
    joins = [uniting.join(session, actor, one, other=other, now=now) for other in (two, three)]
    uniting.separate(session, actor, one, joins[order[0]].id, now)
    left = marks[order[1]]
    assert (one.is_vip, one.is_blocked) == (left, left)
    uniting.separate(session, actor, one, joins[order[1]].id, now)
    assert standing(session) == before


def test_joins_are_taken_back_the_latest_first(pair: Pair) -> None:
    session, actor, now = pair.session, pair.scene.actor(), pair.scene.now
    three = pair.customer(pair.scene.customer_says("Hi", who="ann3", root="ann3"))
    first = pair.join()
    one = session.get_one(m.Customer, first.kept_id)
    second = uniting.join(session, actor, three, other=one, now=now)
    assert len(thread.get_customer(session, actor, first.gone_id).identities) == 3
    for act in (
        lambda: uniting.separate(session, actor, one, first.id, now),
        lambda: uniting.join(session, actor, three, other=one, now=now),
    ):
        with pytest.raises(GuichetError):
            act()
    uniting.separate(session, actor, three, second.id, now)
    uniting.separate(session, actor, one, first.id, now)
    with pytest.raises(Conflict):
        uniting.separate(session, actor, one, first.id, now)
    session.expire_all()
    assert {len(c.identities) for c in session.scalars(select(m.Customer))} == {1}


def test_only_what_one_may_see_is_shown_and_joined(pair: Pair) -> None:
    session, now = pair.session, pair.scene.now
    elsewhere = f.make_account(session)
    reader, stranger, half = (f.make_staff(session) for _ in range(3))
    f.make_grant(session, reader, pair.scene.account, "viewer")
    f.make_grant(session, half, elsewhere, "agent")
    session.get_one(m.Conversation, pair.two.conversation_id).account_id = elsewhere.id
    pair.two.account_id = elsewhere.id
    session.flush()
    one, two = pair.customer(pair.one), pair.customer(pair.two)
    for who, error in ((reader, NotAllowed), (stranger, NotFound), (half, NotFound), (pair.scene.agent, NotFound)):
        with pytest.raises(error):
            uniting.join(session, pair.scene.actor(who), one, other=two, now=now)
    f.make_grant(session, pair.scene.agent, elsewhere, "agent")
    made = pair.join()
    for who, handles in ((reader, ["ann"]), (half, ["ann2"]), (pair.scene.agent, ["ann", "ann2"])):
        card = thread.get_customer(session, pair.scene.actor(who), one.id)
        assert ([i.handle for i in card.identities], len(card.conversations)) == (handles, len(handles))
    with pytest.raises(NotAllowed):
        uniting.separate(session, pair.scene.actor(reader), one, made.id, now)
    with pytest.raises(NotFound):
        thread.get_customer(session, pair.scene.actor(stranger), two.id)


def test_the_history_over_networks_goes_on_by_a_cursor(pair: Pair) -> None:
    session, actor = pair.session, pair.scene.actor()
    pair.join()
    for n in range(5):
        pair.scene.later(minutes=1)
        pair.scene.customer_says(str(n), who=("ann", "ann2")[n % 2], root=f"root-{n}")
    one = pair.customer(pair.one)
    got: list[int] = []
    rows, after = knowing.read_conversations(session, actor, one, limit=3)
    while rows:
        got += [row.id for row in rows]
        rows, after = knowing.read_conversations(session, actor, one, after=after, limit=3) if after else ([], "")
    assert len(got) == len(set(got)) == 7
    times = [session.get_one(m.Conversation, id_).last_message_at for id_ in got]
    assert times == sorted(times, reverse=True)


def test_an_address_that_was_written_is_suggested_and_never_joined(pair: Pair) -> None:
    session, actor = pair.session, pair.scene.actor()
    mail = f.make_customer(session, "email", remote_id="ann@home.example", handle="ann@home.example")
    one = pair.customer(pair.one)
    pair.scene.customer_says("write to Ann@Home.example.", who="ann", root="ann")
    assert knowing.suggest(session, actor, one) == []  # of whom one sees nothing, one is told nothing
    f.make_conversation(session, pair.scene.account, mail)
    (found,) = knowing.suggest(session, actor, one)
    assert (found.identity.id, found.address) == (mail.id, "ann@home.example")
    assert mail.customer_id != one.id
    uniting.join(session, actor, one, other=session.get_one(m.Customer, mail.customer_id), now=pair.scene.now)
    assert knowing.suggest(session, actor, one) == []


def test_a_note_is_taken_away_by_its_author_alone(pair: Pair) -> None:
    session, scene, one = pair.session, pair.scene, pair.customer(pair.one)
    note = knowing.add_note(session, scene.actor(), one, " Prefers letters ", scene.now)
    (row,) = knowing.read_notes(session, scene.actor(), one)
    assert (row.text, row.staff, row.at) == ("Prefers letters", scene.agent, scene.now)
    with pytest.raises(NotFound):
        knowing.remove_note(session, scene.actor(scene.colleague), one, note.id, scene.now)
    with pytest.raises(NotFound):
        knowing.remove_note(session, scene.actor(), pair.customer(pair.two), note.id, scene.now)
    knowing.remove_note(session, scene.actor(), one, note.id, scene.now)
    assert knowing.read_notes(session, scene.actor(), one) == []
    for text in ("  ", "x" * 5001):
        with pytest.raises(Invalid):
            knowing.add_note(session, scene.actor(), one, text, scene.now)


def test_nobody_is_joined_with_themselves(pair: Pair) -> None:
    one = pair.customer(pair.one)
    with pytest.raises(Invalid):
        uniting.join(pair.session, pair.scene.actor(), one, other=one, now=pair.scene.now)


def test_of_crossed_joins_one_wins_and_nothing_is_lost(engine: Engine, now: datetime) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        pair = Pair(make_scene(session, now))
        ids = pair.customer(pair.one).id, pair.customer(pair.two).id
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def cross(kept: int, gone: int) -> None:
        ready.wait()
        try:
            with open_unit(engine) as unit:
                one, two = unit.session.get_one(m.Customer, kept), unit.session.get_one(m.Customer, gone)
                uniting.join(unit.session, SYSTEM, one, other=two, now=now)
            outcomes.append("won")
        except GuichetError as e:
            outcomes.append(e.code)

    threads = [threading.Thread(target=cross, args=pair_) for pair_ in (ids, ids[::-1])]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    # The one that comes late finds nobody left to join, or finds it done.
    assert sorted(outcomes)[-1] == "won"
    assert len(outcomes) == 2
    assert outcomes.count("won") == 1
    with Session(engine) as session:
        rows = session.scalars(select(m.Customer).where(m.Customer.id.in_(ids))).all()
        assert sorted(len(c.identities) for c in rows) == [0, 2]
        assert len(session.scalars(select(m.CustomerJoin)).all()) == 1
