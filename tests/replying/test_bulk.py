"""One answer to many: each goes the way of a single one, at its time, once, or says why not."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from guichet import models as m
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import operations as inbox
from guichet.inbox.owners import find_open_wait
from guichet.policy import SYSTEM
from guichet.receiving import operations as receiving
from guichet.replying import operations, queries, rules
from guichet.replying.looking import Around
from tests import factories as f
from tests.inbox.scene import SPEC, Scene
from tests.inbox.test_pending import promote

AROUND = Around({"mastodon": SPEC})
on_one = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def ask(scene: Scene, n: int) -> list[m.Conversation]:
    return [
        scene.conversation_of(scene.customer_says("Is my flight cancelled?", who=f"w{i}", root=f"r{i}"))
        for i in range(n)
    ]


def draft(scene: Scene, asked: list[m.Conversation], *variants: str, **more: Any) -> m.BulkReply:
    given = {"around": AROUND, "now": scene.now, "variants": variants or ("It flies.",), **more}
    return operations.draft(scene.session, scene.actor(), asked, **given)


def send(scene: Scene, bulk: m.BulkReply, **more: Any) -> None:
    given = {"version": bulk.version, "undo_seconds": 0, "now": scene.now, **more}
    operations.send(scene.session, scene.actor(), bulk, **given)


def plan(scene: Scene) -> int:
    planned = 0
    while n := operations.plan_lot(scene.session, SYSTEM, AROUND, scene.now):
        planned += n
    return planned


def rows(scene: Scene, bulk: m.BulkReply, staff: m.Staff | None = None) -> list[queries.Row]:
    scene.session.flush()
    return queries.list_rows(scene.session, scene.actor(staff), bulk, limit=500)


def states(scene: Scene, bulk: m.BulkReply) -> list[str]:
    return [one.state for one in rows(scene, bulk)]


def test_wordings_are_dealt_out_and_go_at_a_pace(scene: Scene) -> None:
    asked = ask(scene, 30)
    bulk = draft(scene, asked, "It flies.", "It will fly.", "Yes, it flies.", pace=30)
    assert [one.row.said for one in rows(scene, bulk)[:4]] == [
        "It flies.",
        "It will fly.",
        "Yes, it flies.",
        "It flies.",
    ]
    assert queries.read_progress(scene.session, scene.actor(), bulk).alike == {"mastodon": 10}
    send(scene, bulk, undo_seconds=10)
    assert plan(scene) == 30
    found = rows(scene, bulk)
    at = [one.row.planned_at for one in found]
    assert at == [scene.now + timedelta(seconds=10 + 2 * i) for i in range(30)]
    sent = [scene.session.query(m.Delivery).filter_by(message_id=one.row.message_id).one() for one in found]
    assert [one.due_at for one in sent] == at
    assert [one.payload["text"] for one in sent] == [one.row.body for one in found]
    assert {one.state for one in found} == {"waiting"}
    assert find_open_wait(scene.session, asked[0]) is not None  # until the network has it


def test_asked_twice_it_goes_once(scene: Scene) -> None:
    bulk = draft(scene, ask(scene, 3))
    version = bulk.version
    send(scene, bulk)
    plan(scene)
    send(scene, bulk, version=version)
    assert plan(scene) == 0
    assert scene.session.query(m.Delivery).filter_by(is_answer=True).count() == 3


@on_one
def test_what_is_sent_is_what_was_looked_at(scene: Scene) -> None:
    bulk = draft(scene, ask(scene, 2))
    version = bulk.version
    operations.change(scene.session, scene.actor(), bulk, variants=["Otherwise."], around=AROUND, now=scene.now)
    with pytest.raises(Conflict) as refused:
        send(scene, bulk, version=version)
    assert refused.value.code == "changed"


def test_who_wrote_again_is_held_back_before_and_after_it_is_planned(scene: Scene) -> None:
    asked = ask(scene, 4)
    bulk = draft(scene, asked)
    scene.later(seconds=5)
    scene.customer_says("And my luggage?", who="w0", root="r0")
    send(scene, bulk)
    plan(scene)
    scene.customer_says("Hello?", who="w1", root="r1")
    found = rows(scene, bulk)
    assert [one.state for one in found] == ["refused", "needs_you", "waiting", "waiting"]
    assert found[0].why == "something was written here since you looked"
    assert "customer wrote" in found[1].why


@on_one
def test_a_change_of_words_overlooks_nobody_who_wrote_meanwhile(scene: Scene) -> None:
    asked = ask(scene, 2)
    bulk = draft(scene, asked)
    scene.customer_says("And my luggage?", who="w0", root="r0")
    operations.change(scene.session, scene.actor(), bulk, variants=["Otherwise."], around=AROUND, now=scene.now)
    assert [one.row.excluded for one in rows(scene, bulk)] == ["newer", ""]
    operations.look_again(scene.session, scene.actor(), bulk, AROUND, scene.now)
    assert [one.row.excluded for one in rows(scene, bulk)] == ["", ""]


@on_one
def test_each_that_gets_nothing_says_why(scene: Scene) -> None:
    asked = ask(scene, 8)
    actor, other = scene.actor(), scene.actor(scene.colleague)
    inbox.resolve(scene.session, actor, asked[0], how="not_needed", now=scene.now)
    asked[1].identity.customer.is_blocked = True
    inbox.claim(scene.session, other, asked[2], scene.now)
    newest = scene.session.get_one(m.Message, asked[3].last_message_id)
    newest.can_reply, newest.cannot_reply_reason = False, "they did not name us"
    scene.session.get_one(m.Message, asked[4].last_message_id).reply_until = scene.now - timedelta(hours=1)
    inbox.reply(
        scene.session, actor, asked[5], spec=SPEC, text="Soon.", seen_through=asked[5].last_message_id,
        undo_seconds=30, now=scene.now,
    )  # fmt: skip
    asked[6].identity.name = asked[6].identity.handle = asked[6].identity.customer.name = ""
    around = Around({"mastodon": SPEC}, {asked[7].id: "Grace"})
    bulk = draft(scene, asked, "Dear {customer.first_name}, it flies.", around=around)
    assert [one.row.excluded for one in rows(scene, bulk)] == [
        "finished", "blocked", "held", "cannot_reply", "cannot_reply", "pending", "unfilled", "writing",
    ]  # fmt: skip
    with pytest.raises(Invalid):
        send(scene, bulk)
    row = rows(scene, bulk)[6].row
    operations.change_row(
        scene.session, actor, bulk, row, text="x" * 61, is_out=False, around=AROUND, now=scene.now
    )  # fmt: skip
    assert (row.excluded, row.room, row.used > 60) == ("refused", 60, True)


@on_one
def test_one_is_worded_otherwise_and_one_taken_out(scene: Scene) -> None:
    bulk = draft(scene, ask(scene, 3))
    first, second, _ = (one.row for one in rows(scene, bulk))
    for row, text, is_out in ((first, "For you alone.", False), (second, None, True)):
        operations.change_row(
            scene.session, scene.actor(), bulk, row, text=text, is_out=is_out, around=AROUND, now=scene.now
        )
    send(scene, bulk)
    plan(scene)
    assert states(scene, bulk) == ["waiting", "out", "waiting"]
    assert "For you alone." in scene.session.get_one(m.Message, first.message_id).text


def test_the_rest_is_stopped_at_any_moment(scene: Scene) -> None:
    asked = ask(scene, 30)
    bulk = draft(scene, asked)
    send(scene, bulk)
    assert operations.plan_lot(scene.session, SYSTEM, AROUND, scene.now) == 25  # five are still to be planned
    first = rows(scene, bulk)[0].row
    scene.accept(scene.session.get_one(m.Message, first.message_id))
    receiving.follow_delivery(
        scene.session, SYSTEM, scene.session.query(m.Delivery).filter_by(message_id=first.message_id).one(), scene.now
    )
    assert operations.stop(scene.session, scene.actor(scene.colleague), bulk, scene.later(seconds=1)) == 29
    promote(scene)
    scene.later(hours=1)
    promote(scene)  # whatever the hour: nothing of it becomes due
    assert scene.session.query(m.Delivery).filter(m.Delivery.state == "due").count() == 0
    while operations.settle_lot(scene.session, SYSTEM, scene.now):
        assert states(scene, bulk) == ["sent", *["stopped"] * 29]
    assert states(scene, bulk) == ["sent", *["stopped"] * 29]
    assert plan(scene) == 0
    live = scene.session.query(m.Delivery).filter(m.Delivery.state.not_in(("cancelled", "published"))).count()
    assert live == 0
    assert {one.state for one in asked[1:]} <= {"new", "open"}  # they wait as before
    assert scene.session.query(m.ReplyDraft).count() == 0
    with pytest.raises(Conflict):
        operations.stop(scene.session, scene.actor(), bulk, scene.now)


@on_one
def test_what_was_stopped_stays_so_when_who_said_it_has_no_right_any_more(scene: Scene) -> None:
    bulk = draft(scene, ask(scene, 3))
    send(scene, bulk)
    plan(scene)
    operations.stop(scene.session, scene.actor(), bulk, scene.now)
    scene.session.query(m.Grant).filter_by(staff_id=scene.agent.id).delete()
    while operations.settle_lot(scene.session, SYSTEM, scene.now):
        pass
    assert {one.state for one in scene.session.query(m.Delivery)} == {"cancelled"}


def test_whose_answers_are_read_first_asks_for_each(scene: Scene) -> None:
    scene.agent.answers_reviewed = True
    bulk = draft(scene, ask(scene, 2))
    assert [one.row.notes for one in rows(scene, bulk)] == [["reviewed"]] * 2
    send(scene, bulk)
    plan(scene)
    assert states(scene, bulk) == ["to_approve"] * 2


def test_two_answers_to_many_keep_one_pace_on_an_account(scene: Scene) -> None:
    first, second = draft(scene, ask(scene, 2), pace=6), None
    send(scene, first)
    plan(scene)
    more = [scene.conversation_of(scene.customer_says(who=f"v{i}", root=f"q{i}")) for i in range(2)]
    second = draft(scene, more, pace=6)
    send(scene, second)
    plan(scene)
    at = [one.row.planned_at for bulk in (first, second) for one in rows(scene, bulk)]
    assert [later - sooner for sooner, later in itertools.pairwise(at)] == [timedelta(seconds=10)] * 3


def test_who_lost_the_right_meanwhile_sends_nothing(scene: Scene) -> None:
    bulk = draft(scene, ask(scene, 2))
    send(scene, bulk)
    scene.session.query(m.Grant).filter_by(staff_id=scene.agent.id).delete()
    plan(scene)
    found = queries.list_rows(scene.session, scene.actor(scene.colleague), bulk)
    assert [one.state for one in found] == ["refused"] * 2
    assert scene.session.query(m.Delivery).count() == 0


@on_one
def test_so_many_at_once_take_the_right_to_publish(scene: Scene) -> None:
    asked = ask(scene, rules.MOST_BY_AGENTS + 2)
    bulk = draft(scene, asked)
    assert [one.row.excluded for one in rows(scene, bulk)][-3:] == ["", "too_many", "too_many"]
    publisher = f.make_staff(scene.session)
    f.make_grant(scene.session, publisher, scene.account, "publisher")
    theirs = operations.draft(
        scene.session, scene.actor(publisher), asked, variants=["It flies."], around=AROUND, now=scene.now
    )
    assert {one.row.excluded for one in rows(scene, theirs, publisher)} == {""}


@on_one
def test_nobody_sees_or_changes_what_is_not_theirs(scene: Scene) -> None:
    asked = ask(scene, 1)
    bulk = draft(scene, asked)
    stranger, viewer = f.make_staff(scene.session), f.make_staff(scene.session)
    f.make_grant(scene.session, viewer, scene.account, "viewer")
    elsewhere = f.make_account(scene.session)
    f.make_grant(scene.session, stranger, elsewhere, "agent")
    for staff in (stranger, viewer, scene.colleague):  # a draft is its author's
        with pytest.raises(NotFound):
            queries.get_bulk(scene.session, scene.actor(staff), bulk.id)
    with pytest.raises(NotFound):
        operations.draft(scene.session, scene.actor(stranger), asked, around=AROUND, now=scene.now)
    with pytest.raises(NotAllowed):
        operations.discard(scene.session, scene.actor(scene.colleague), bulk, scene.now)
    send(scene, bulk)
    assert queries.get_bulk(scene.session, scene.actor(scene.colleague), bulk.id) is bulk
    with pytest.raises(NotFound):
        queries.get_bulk(scene.session, scene.actor(stranger), bulk.id)
    with pytest.raises(Conflict):
        operations.discard(scene.session, scene.actor(), bulk, scene.now)


@on_one
def test_a_draft_that_nobody_touches_goes(scene: Scene) -> None:
    kept, old = draft(scene, ask(scene, 1)), draft(scene, ask(scene, 1))
    send(scene, kept)
    scene.later(days=31)
    assert operations.forget_old_drafts(scene.session, SYSTEM, scene.now) == 1
    assert [one.id for one in scene.session.query(m.BulkReply)] == [kept.id]
    assert old.id != kept.id


@on_one
@pytest.mark.parametrize(
    "wrong", [{"variants": []}, {"variants": ["x"] * 11}, {"variants": ["x" * 10_001]}, {"pace": 0}, {"pace": 61}]
)
def test_what_makes_no_sense_is_refused(scene: Scene, wrong: dict[str, Any]) -> None:
    asked = ask(scene, 1)
    given = {"variants": ["It flies."], "around": AROUND, "now": scene.now, **wrong}
    with pytest.raises(Invalid):
        operations.draft(scene.session, scene.actor(), asked, **given)
    with pytest.raises(Invalid):
        operations.draft(scene.session, scene.actor(), [], around=AROUND, now=scene.now)


def test_who_lacks_what_is_needed_before_closing_is_left_out_of_one_that_closes(scene: Scene) -> None:
    asked = ask(scene, 3)
    f.make_field(scene.session, "reason", name="Reason", is_required=True)
    inbox.fill_in(scene.session, scene.actor(), asked[1], values={"reason": "late"}, now=scene.now)
    found = rows(scene, draft(scene, asked, then_close=True))
    assert [one.row.excluded for one in found] == ["fields_lacking", "", "fields_lacking"]
    assert "Reason" in str(found[0].row.reason)
    assert [one.row.excluded for one in rows(scene, draft(scene, asked, then_close=False))] == ["", "", ""]
    bulk = draft(scene, asked, then_close=True)
    send(scene, bulk)
    assert plan(scene) == 1
