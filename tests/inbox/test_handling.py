"""Taking, handing over, putting off, ending: one winner, nothing lost."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Conflict, Invalid
from guichet.inbox import handling
from guichet.inbox import operations as inbox
from guichet.inbox.states import TRANSITIONS, State
from guichet.inbox.thread import get_conversation
from guichet.policy import SYSTEM, load_actor
from guichet.receiving import operations as receiving
from guichet.unit import open_unit
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, deletion, echo, make_scene


def test_a_conversation_as_the_page_loads_it_can_be_acted_upon(scene: Scene) -> None:
    """With its customer beside it, which PostgreSQL refuses to lock."""
    made = scene.conversation_of(scene.customer_says())
    scene.session.expunge_all()
    shown = get_conversation(scene.session, scene.actor(), made.id)
    inbox.claim(scene.session, scene.actor(), shown, now=scene.now)
    assert shown.assignee_id == scene.agent.id


def test_of_many_who_claim_at_once_one_wins(engine: Engine, now: datetime) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        scene = make_scene(session, now)
        conversation_id = scene.customer_says().conversation_id
        staff = [f.make_staff(session, "administrator") for _ in range(6)]
    outcomes: Counter[str] = Counter()
    ready = threading.Barrier(len(staff))

    def claim(person: m.Staff) -> None:
        ready.wait()
        try:
            with open_unit(engine) as unit:
                actor = load_actor(unit.session, unit.session.get_one(m.Staff, person.id), now)
                inbox.claim(unit.session, actor, unit.session.get_one(m.Conversation, conversation_id), now)
            outcomes["won"] += 1
        except Conflict as e:
            outcomes[e.code] += 1

    threads = [threading.Thread(target=claim, args=(person,)) for person in staff]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"won": 1, "held": 5}


def test_a_claim_lapses_unless_a_draft_renews_it(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    inbox.claim(scene.session, scene.actor(), conversation, scene.now)
    scene.later(minutes=9)
    inbox.save_draft(scene.session, scene.actor(), conversation, text="Dear", now=scene.now)
    scene.later(minutes=9)
    assert inbox.expire_leases(scene.session, SYSTEM, scene.now) == 0
    scene.later(minutes=9)
    assert inbox.renew(scene.session, scene.actor(), conversation, scene.now) is False
    assert inbox.expire_leases(scene.session, SYSTEM, scene.now) == 1
    assert conversation.assignee_id is None


def test_what_was_handed_over_does_not_lapse(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    inbox.assign(scene.session, scene.actor(), conversation, staff=scene.colleague, now=scene.now)
    inbox.claim(scene.session, scene.actor(scene.colleague), conversation, scene.now)
    scene.later(days=2)
    assert inbox.expire_leases(scene.session, SYSTEM, scene.now) == 0
    assert conversation.assignee_id == scene.colleague.id


def test_nobody_is_handed_what_they_may_not_answer(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    stranger, gone = f.make_staff(scene.session), f.make_staff(scene.session, disabled_at=scene.now)
    for person in (stranger, gone):
        with pytest.raises(Invalid):
            inbox.assign(scene.session, scene.actor(), conversation, staff=person, now=scene.now)


def test_a_snooze_without_an_end_waits_for_the_customer_alone(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    inbox.snooze(scene.session, scene.actor(), conversation, until=None, now=scene.now)
    assert inbox.wake_snoozed(scene.session, SYSTEM, scene.later(days=400)) == 0
    assert (conversation.state, conversation.hold_until, conversation.waiting_since is not None) == (
        "snoozed", None, True,
    )  # fmt: skip
    scene.customer_says("Hello?")
    assert conversation.state == "open"


def test_a_snooze_ends_by_itself_or_when_the_customer_writes(scene: Scene) -> None:
    one = scene.conversation_of(scene.customer_says(root="1"))
    two = scene.conversation_of(scene.customer_says(root="2"))
    for c in (one, two):
        inbox.snooze(scene.session, scene.actor(), c, until=scene.now + timedelta(hours=1), now=scene.now)
        assert c.waiting_since is not None
    scene.customer_says("Well?", root="2", remote_at=scene.later(minutes=5))
    assert (one.state, two.state) == ("snoozed", "open")
    scene.later(hours=1)
    assert inbox.wake_snoozed(scene.session, SYSTEM, scene.now) == 1
    assert (one.state, one.hold_until) == ("open", None)


def test_what_is_long_resolved_closes(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    inbox.resolve(scene.session, scene.actor(), conversation, how="not_needed", now=scene.now)
    scene.later(days=13)
    assert inbox.close_old(scene.session, SYSTEM, scene.now) == 0
    scene.later(days=2)
    assert inbox.close_old(scene.session, SYSTEM, scene.now) == 1
    assert conversation.state == "closed"


def test_who_leaves_gives_everything_back(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    inbox.claim(scene.session, scene.actor(), conversation, scene.now)
    assert inbox.return_to_queue(scene.session, SYSTEM, scene.agent, scene.now) == 1
    assert (conversation.assignee_id, conversation.claimed_until) == (None, None)


def test_only_one_customers_conversations_can_be_merged(scene: Scene) -> None:
    mine = scene.conversation_of(scene.customer_says(who="alice"))
    other = scene.conversation_of(scene.customer_says(who="bob"))
    with pytest.raises(Invalid):
        inbox.merge(scene.session, scene.actor(), mine, into=other, now=scene.now)


@pytest.mark.parametrize("state", [s for s in State if State.SNOOZED not in TRANSITIONS[s]])
def test_a_step_that_is_not_in_the_table_is_refused(scene: Scene, state: State) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    conversation.state = state
    scene.session.flush()
    with pytest.raises(Conflict):
        inbox.snooze(scene.session, scene.actor(), conversation, until=scene.now + handling.LEASE, now=scene.now)


def test_labels_and_priority(scene: Scene) -> None:
    boss = load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)
    label = inbox.create_label(scene.session, boss, name="  Parcel  lost ", now=scene.now)
    with pytest.raises(Conflict):
        inbox.create_label(scene.session, boss, name="Parcel lost", now=scene.now)
    conversation = scene.conversation_of(scene.customer_says())
    inbox.set_labels(scene.session, scene.actor(), conversation, labels=[label], now=scene.now)
    assert [x.name for x in conversation.labels] == ["Parcel lost"]
    inbox.set_labels(scene.session, scene.actor(), conversation, labels=[], now=scene.now)
    assert conversation.labels == []
    with pytest.raises(Invalid):
        inbox.set_priority(scene.session, scene.actor(), conversation, priority=9, now=scene.now)


@pytest.mark.parametrize("end", ["", "not_needed", "answered", "spam"])
def test_who_was_closed_without_an_answer_waits_on_from_the_start_when_it_is_reopened(scene: Scene, end: str) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    wait = scene.session.query(m.Wait).one()
    began = wait.started_at
    if end == "spam":
        inbox.mark_spam(scene.session, scene.actor(), conversation, scene.later(minutes=5))
    else:
        inbox.resolve(scene.session, scene.actor(), conversation, how=end, now=scene.later(minutes=5))
    assert (wait.ended_at, conversation.waiting_since) == (scene.now, None)

    inbox.reopen(scene.session, scene.actor(), conversation, scene.later(minutes=5))
    scene.session.expire_all()
    assert (wait.started_at, wait.ended_at, wait.end_kind, wait.answered_by) == (began, None, None, None)
    assert (conversation.cycle, conversation.waiting_since, message.wait_id) == (1, began, wait.id)
    assert [(s.started_at, s.ended_at) for s in wait.slices] == [
        (began, began + timedelta(minutes=5)), (began + timedelta(minutes=10), None),
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["us", "app", "deletion"])
def test_who_was_answered_or_took_it_back_does_not_wait_again(scene: Scene, by: str) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    inbox.resolve(scene.session, scene.actor(), conversation, how="not_needed", now=scene.later(minutes=5))
    if by == "us":
        conversation = scene.conversation_of(message)
        out = inbox.reply(
            scene.session,
            scene.actor(),
            conversation,
            text="It left.",
            spec=SPEC,
            seen_through=message.id,
            now=scene.now,
        )
        receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out), scene.now)
        inbox.resolve(scene.session, scene.actor(), conversation, how="", now=scene.later(minutes=5))
    else:
        scene.hears(deletion(message) if by == "deletion" else echo("From the app", remote_at=scene.now))
    inbox.reopen(scene.session, scene.actor(), conversation, scene.later(minutes=5))
    assert (conversation.cycle, conversation.waiting_since) == (2, None)
