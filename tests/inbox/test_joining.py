"""Merging, taking it back, splitting and linking: nobody who waits is lost or counted twice."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Conflict, GuichetError, Invalid, NotFound
from guichet.inbox import followers, linking, timeline
from guichet.inbox import operations as inbox
from guichet.inbox.happened import EndKind
from guichet.policy import SYSTEM, load_actor
from guichet.receiving import operations as receiving
from guichet.unit import open_unit
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, echo, make_scene


def conversation(scene: Scene, root: str, text: str = "Where is my parcel?", **more: Any) -> m.Conversation:
    return scene.conversation_of(scene.customer_says(text, root=root, **more))


def merge(scene: Scene, one: m.Conversation, into: m.Conversation) -> m.Conversation:
    return inbox.merge(scene.session, scene.actor(), one, into=into, now=scene.now)


def unmerge(scene: Scene, one: m.Conversation) -> m.Conversation:
    return inbox.unmerge(scene.session, scene.actor(), one, scene.now)


def split(scene: Scene, one: m.Conversation, message: m.Message) -> m.Conversation:
    return inbox.split(scene.session, scene.actor(), one, from_message=message, now=scene.now)


def texts(scene: Scene, one: m.Conversation) -> list[str]:
    own = select(m.Message.text).where(m.Message.conversation_id == one.id)
    return list(scene.session.scalars(own.order_by(m.Message.sort_at, m.Message.id)))


def waits(scene: Scene, one: m.Conversation) -> list[tuple[datetime, str | None]]:
    """Start and end of each, which must be what the whole history says."""
    rows = scene.session.scalars(select(m.Wait).where(m.Wait.conversation_id == one.id).order_by(m.Wait.id)).all()
    kept = [(w.started_at, str(w.end_kind) if w.end_kind else None) for w in rows]
    told = timeline.recount_waits(scene.session, SYSTEM, one)
    assert sorted(kept, key=str) == sorted(
        [(w.started_at, str(w.end_kind) if w.end_kind else None) for w in told], key=str
    )
    return kept


def reply(scene: Scene, one: m.Conversation, **more: Any) -> m.Message:
    return inbox.reply(
        scene.session, scene.actor(), one, spec=SPEC, text="Here", seen_through=one.last_message_id or 0, now=scene.now,
        **more,
    )  # fmt: skip


def test_a_merge_taken_back_leaves_both_as_if_it_had_never_been(scene: Scene) -> None:
    first = scene.now
    one = conversation(scene, "one", "One")
    scene.later(minutes=5)
    two = conversation(scene, "two", "Two")
    inbox.assign(scene.session, scene.actor(), one, staff=scene.colleague, now=scene.now)
    merge(scene, one, two)
    assert (texts(scene, two), two.waiting_since, two.message_count) == (["One", "Two"], first, 2)
    scene.later(minutes=5)
    unmerge(scene, one)
    for had, text, since in ((one, "One", first), (two, "Two", first + timedelta(minutes=5))):
        assert (texts(scene, had), had.waiting_since, had.message_count, had.preview) == ([text], since, 1, text)
        assert waits(scene, had) == [(since, None)]
        assert had.merged_into_id is None
    assert (one.state, one.assignee_id, two.state) == ("new", scene.colleague.id, "new")


def test_what_came_while_they_were_one_goes_to_where_it_was_for(scene: Scene) -> None:
    one, two = conversation(scene, "one", "One"), conversation(scene, "two", "Two")
    merge(scene, one, two)
    scene.later(minutes=1)
    for root in ("one", "two"):
        assert conversation(scene, root, f"More {root}").id == two.id
    scene.hears(echo("from the app", remote_at=scene.now - timedelta(hours=1), root="one"))
    unmerge(scene, one)
    assert sorted(texts(scene, one)) == ["More one", "One", "from the app"]
    assert sorted(texts(scene, two)) == ["More two", "Two"]
    assert one.waiting_since == two.waiting_since == scene.now - timedelta(minutes=1)
    assert [end for _, end in waits(scene, one) + waits(scene, two)] == [None, None]


def test_an_answer_given_in_between_ends_no_wait_again_and_goes_with_what_it_answers(scene: Scene) -> None:
    one = conversation(scene, "one", "One")
    asked = scene.session.scalars(select(m.Message).where(m.Message.conversation_id == one.id)).one()
    two = conversation(scene, "two", "Two")
    merge(scene, one, two)
    out = reply(scene, two, to_message_id=asked.id)
    delivery = scene.accept(out, at=scene.later(minutes=1))
    assert delivery.payload["reply_to"]["thread_root"] == "one"  # of what it answers, not of where it lies now
    receiving.follow_delivery(scene.session, SYSTEM, delivery, scene.now)
    unmerge(scene, one)
    assert (texts(scene, one)[0], texts(scene, two)) == ("One", ["Two"])
    assert (out.conversation_id, delivery.conversation_id) == (one.id, one.id)
    assert (one.waiting_since, two.waiting_since) == (None, None)
    assert [end for _, end in waits(scene, one)] == [EndKind.MERGED]
    assert [end for _, end in waits(scene, two)] == [EndKind.HUMAN_REPLY]
    assert one.state == "open"


def test_an_answer_on_its_way_ends_the_wait_wherever_that_is_by_then(scene: Scene) -> None:
    one, two = conversation(scene, "one"), conversation(scene, "two")
    merge(scene, one, two)
    asked = select(m.Message.id).where(m.Message.came_to_id == one.id)
    out = reply(scene, two, to_message_id=scene.session.scalars(asked).one())
    unmerge(scene, one)
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out, at=scene.later(minutes=1)), scene.now)
    assert [end for _, end in waits(scene, one)] == [EndKind.HUMAN_REPLY]
    assert [end for _, end in waits(scene, two)] == [None]


def test_merges_are_taken_back_in_any_order_that_makes_sense(scene: Scene) -> None:
    one, two, three = (conversation(scene, root, root) for root in ("one", "two", "three"))
    merge(scene, one, two)
    merge(scene, two, three)
    with pytest.raises(Conflict, match="undo the later merge first"):
        unmerge(scene, one)
    assert conversation(scene, "one", "one more").id == three.id
    unmerge(scene, two)
    assert (sorted(texts(scene, two)), texts(scene, three)) == (["one", "one more", "two"], ["three"])
    unmerge(scene, one)
    assert (sorted(texts(scene, one)), texts(scene, two)) == (["one", "one more"], ["two"])
    assert [[end for _, end in waits(scene, c)][-1] for c in (one, two, three)] == [None, None, None]
    with pytest.raises(Conflict, match="not merged"):
        unmerge(scene, one)


def test_a_merge_is_not_taken_back_where_the_thread_goes_on_elsewhere(scene: Scene) -> None:
    one, two = conversation(scene, "one"), conversation(scene, "two")
    merge(scene, one, two)
    inbox.close(scene.session, scene.actor(), two, scene.now)
    newer = conversation(scene, "one", "Hello again")
    assert newer.id not in (one.id, two.id)
    with pytest.raises(Conflict) as e:
        unmerge(scene, one)
    assert e.value.code == "goes_on"
    inbox.close(scene.session, scene.actor(), newer, scene.now)
    unmerge(scene, one)
    assert (one.state, one.waiting_since) == ("resolved", None)  # as the other was finished


def test_labels_and_followers_come_along_and_the_history_says_so(scene: Scene) -> None:
    session, actor = scene.session, scene.actor()
    one, two = conversation(scene, "one"), conversation(scene, "two")
    both, only = m.Label(name="both"), m.Label(name="only")
    session.add_all([both, only])
    session.flush()
    inbox.set_labels(session, actor, one, labels=[both, only], now=scene.now)
    inbox.set_labels(session, actor, two, labels=[both], now=scene.now)
    inbox.follow(session, scene.actor(scene.colleague), one, scene.now)
    merge(scene, one, two)
    assert {s.id for s in followers.read_followers(session, actor, two, scene.now)} == {scene.colleague.id}
    unmerge(scene, one)
    for had, names in ((one, {"both", "only"}), (two, {"both"})):
        session.refresh(had, ["labels"])
        assert {label.name for label in had.labels} == names
    kinds = select(m.ConversationEvent.kind).where(
        m.ConversationEvent.kind.in_(("merged_into", "merged_from", "merge_undone"))
    )
    said = kinds.order_by(m.ConversationEvent.id)
    assert sorted(session.scalars(said)) == ["merge_undone", "merge_undone", "merged_from", "merged_into"]


def test_a_split_takes_everything_onward_with_who_waits_there(scene: Scene) -> None:
    one = conversation(scene, "one", "My parcel")
    receiving.follow_delivery(
        scene.session, SYSTEM, scene.accept(reply(scene, one), at=scene.later(minutes=1)), scene.now
    )
    asked = scene.later(minutes=1)
    turn = scene.customer_says("And my invoice?", root="one")
    inbox.note(scene.session, scene.actor(), one, text="Two things", now=scene.later(minutes=1))
    inbox.follow(scene.session, scene.actor(scene.colleague), one, scene.now)
    two = split(scene, one, turn)
    assert (texts(scene, one)[0], texts(scene, two)) == ("My parcel", ["And my invoice?", "Two things"])
    assert (one.waiting_since, two.waiting_since, two.state, two.part) == (None, asked, "open", 1)
    assert (two.assignee_id, two.thread_root, two.preview) == (scene.agent.id, "one", "And my invoice?")
    assert [end for _, end in waits(scene, one)] == [EndKind.HUMAN_REPLY, EndKind.MERGED]
    assert waits(scene, two) == [(asked, None)]
    assert [(x.kind, x.other.id) for x in linking.read_links(scene.session, scene.actor(), one)] == [("child", two.id)]
    assert [(x.kind, x.other.id) for x in linking.read_links(scene.session, scene.actor(), two)] == [("parent", one.id)]
    assert {s.id for s in followers.read_followers(scene.session, scene.actor(), two, scene.now)} == {
        scene.colleague.id
    }


def test_what_is_said_after_a_split_goes_to_the_part_that_it_answers(scene: Scene) -> None:
    one = conversation(scene, "one", "First")
    first = scene.session.scalars(select(m.Message)).one()
    two = split(scene, one, scene.customer_says("Second", root="one"))
    assert conversation(scene, "one", "to the first", in_reply_to=first.remote_id).id == one.id
    assert conversation(scene, "one", "to neither").id == two.id
    inbox.close(scene.session, scene.actor(), two, scene.now)
    assert conversation(scene, "one", "the second is over").id == one.id
    merge_target = conversation(scene, "elsewhere")
    merge(scene, one, merge_target)
    assert conversation(scene, "one", "to where it went").id == merge_target.id


def test_a_split_is_taken_back_by_merging(scene: Scene) -> None:
    first = scene.now
    one = conversation(scene, "one", "First")
    scene.later(minutes=1)
    two = split(scene, one, scene.customer_says("Second", root="one"))
    merge(scene, two, one)
    assert (texts(scene, one), one.waiting_since, one.message_count) == (["First", "Second"], first, 2)
    assert [end for _, end in waits(scene, one)] == [None]


def test_a_split_that_makes_no_sense_is_refused(scene: Scene) -> None:
    one, other = conversation(scene, "one"), scene.customer_says("Elsewhere", root="two")
    first = scene.session.scalars(select(m.Message).where(m.Message.conversation_id == one.id)).one()
    with pytest.raises(Invalid, match="nothing would be left"):
        split(scene, one, first)
    with pytest.raises(Invalid, match="no such message"):
        split(scene, one, other)
    later = scene.customer_says("Later", root="one")
    inbox.close(scene.session, scene.actor(), one, scene.now)
    with pytest.raises(Conflict):
        split(scene, one, later)


def test_a_link_shows_to_who_may_read_the_other_end(scene: Scene) -> None:
    session, actor = scene.session, scene.actor()
    one = conversation(scene, "one")
    hidden = f.make_conversation(session, f.make_account(session))
    owner = load_actor(session, f.make_staff(session, "owner"), scene.now)
    inbox.link(session, owner, one, other=hidden, kind="parent", now=scene.now)
    assert [(x.kind, x.other.id) for x in linking.read_links(session, owner, one)] == [("parent", hidden.id)]
    assert [(x.kind, x.other.id) for x in linking.read_links(session, owner, hidden)] == [("child", one.id)]
    assert linking.read_links(session, actor, one) == []
    with pytest.raises(NotFound):
        inbox.link(session, actor, one, other=hidden, kind="related", now=scene.now)
    inbox.link(session, owner, hidden, other=one, kind="related", now=scene.now)  # in the place of the first
    assert [(x.kind, x.other.id) for x in linking.read_links(session, owner, one)] == [("related", hidden.id)]
    inbox.unlink(session, owner, one, other=hidden, now=scene.now)
    assert linking.read_links(session, owner, one) == []
    for other, kind in ((one, "related"), (hidden, "twin")):
        with pytest.raises(Invalid):
            inbox.link(session, owner, one, other=other, kind=kind, now=scene.now)


def test_of_crossed_merges_one_wins_and_nothing_is_lost(engine: Engine, now: datetime) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        scene = make_scene(session, now)
        ids = [conversation(scene, root).id for root in ("one", "two")]
        person = scene.agent.id
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def cross(one: int, other: int) -> None:
        ready.wait()
        try:
            with open_unit(engine) as unit:
                s = unit.session
                actor = load_actor(s, s.get_one(m.Staff, person), now)
                inbox.merge(
                    s, actor, s.get_one(m.Conversation, one), into=s.get_one(m.Conversation, other), now=now
                )  # fmt: skip
            outcomes.append("merged")
        except GuichetError as e:
            outcomes.append(e.code)

    threads = [threading.Thread(target=cross, args=pair) for pair in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["merged", "not_possible_now"]
    with Session(engine) as session:
        counted = session.scalars(select(m.Message.conversation_id)).all()
        assert len(set(counted)) == 1
        assert len(counted) == 2
