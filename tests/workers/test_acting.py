"""Liking and hiding from the act to the network and back: once, undone, refused, under a brake,
by whoever may, and what it does to the wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from channels.rehearsal.base import Fault
from channels.x import SPEC
from guichet import models as m
from guichet.clock import utc_now
from guichet.errors import Invalid, NotAllowed, NotFound
from guichet.inbox import acting, operations, timeline
from guichet.inbox.owners import find_open_wait
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.receiving import following
from guichet.triage import operations as triage
from tests import factories as f
from tests.channels.x_rig import XRig
from tests.workers.hearing import receive_all
from tests.workers.stage import Stage, open_stage
from tests.workers.test_deliver import settle_all


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with XRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def comment(stage: Stage, text: str = "Buy followers here", *, under: bool = True) -> int:
    """A customer's comment under a post of ours; its message's id."""
    receive_all(stage)
    above = ""
    if under:
        id_ = stage.queue("Our new gate")
        settle_all(stage, [id_])
        above = stage.delivery(id_).remote_id or ""
    remote_id = stage.rig.say_publicly(f"@acme {text}", in_reply_to=above)
    receive_all(stage)
    with stage.session() as session:
        return session.scalars(select(m.Message.id).where(m.Message.remote_id == remote_id)).one()


def person(session: Session, stage: Stage, role: str) -> Actor:
    staff = f.make_staff(session)
    f.make_grant(session, staff, session.get_one(m.Account, stage.account_id), role)
    return load_actor(session, staff, utc_now())


def do(stage: Stage, message_id: int, kind: str, role: str = "publisher", spec: ChannelSpec = SPEC) -> None:
    with stage.session() as session:
        message = session.get_one(m.Message, message_id)
        conversation = session.get_one(m.Conversation, message.conversation_id)
        acting.act(session, person(session, stage, role), conversation, message_id, kind, spec, utc_now())


def acts(stage: Stage) -> list[str]:
    return [e["act"] for e in stage.rig.network.ledger() if e["act"] in acting.OPPOSITES]


def stands(stage: Stage, message_id: int) -> dict[str, str]:
    with stage.session() as session:
        found = acting.standing_of(session, [session.get_one(m.Message, message_id)])
        return {side: one.state for side, one in found[message_id].items()}


def test_a_hidden_comment_ends_its_wait_as_moderated_and_can_be_shown_again(stage: Stage) -> None:
    id_ = comment(stage)
    do(stage, id_, "hide")
    do(stage, id_, "hide")  # pressed twice
    assert stands(stage, id_)["hide"] == "pending"
    with stage.session() as session:
        home = session.get_one(m.Conversation, session.get_one(m.Message, id_).conversation_id)
        assert find_open_wait(session, home) is not None  # until the network has accepted it
    stage.drain()
    assert acts(stage) == ["hide"]
    assert stands(stage, id_)["hide"] == "done"
    with stage.session() as session:
        assert len(session.scalars(select(m.Delivery).where(m.Delivery.kind == "hide")).all()) == 1
        home = session.get_one(m.Conversation, session.get_one(m.Message, id_).conversation_id)
        (wait,) = session.scalars(select(m.Wait).where(m.Wait.conversation_id == home.id)).all()
        assert (wait.end_kind, home.state, home.waiting_since) == ("moderated", "resolved", None)
        assert [w.end_kind for w in timeline.recount_waits(session, SYSTEM, home)] == ["moderated"]
    do(stage, id_, "unhide")
    stage.drain()
    assert acts(stage) == ["hide", "unhide"]
    assert stands(stage, id_)["hide"] == "none"
    with stage.session() as session:
        home = session.get_one(m.Conversation, session.get_one(m.Message, id_).conversation_id)
        (wait,) = session.scalars(select(m.Wait).where(m.Wait.conversation_id == home.id)).all()
        assert (home.state, home.cycle, wait.end_kind) == ("open", 1, None)
        assert home.waiting_since == wait.started_at  # they wait on, from when they asked
        assert [w.end_kind for w in timeline.recount_waits(session, SYSTEM, home)] == [None]
        before = [c.version for c in session.scalars(select(m.Conversation))]
        assert following.follow_settled(session, SYSTEM, utc_now()) == 0  # nothing is followed twice
        assert [c.version for c in session.scalars(select(m.Conversation))] == before


def test_a_like_taken_back_before_it_went_out_never_goes_out(stage: Stage) -> None:
    id_ = comment(stage)
    do(stage, id_, "like", "agent")
    do(stage, id_, "unlike", "agent")
    stage.drain()
    assert acts(stage) == []
    do(stage, id_, "like", "agent")
    stage.drain()
    assert (acts(stage), stands(stage, id_)["like"]) == (["like"], "done")
    with stage.session() as session:  # a like is no answer
        home = session.get_one(m.Conversation, session.get_one(m.Message, id_).conversation_id)
        assert find_open_wait(session, home) is not None


@pytest.mark.parametrize("effect", ["status_after", "reset_after", "garbage_after"])
def test_an_outcome_that_is_unknown_is_asked_for_again_without_harm(stage: Stage, effect: str) -> None:
    id_ = comment(stage)
    stage.rig.network.plant(Fault(effect, match=r"PUT /2/tweets/\d+/hidden"))
    do(stage, id_, "hide")
    stage.drain()
    assert stands(stage, id_)["hide"] == "pending"
    with stage.session() as session:
        for delivery in session.scalars(select(m.Delivery).where(m.Delivery.kind == "hide")):
            delivery.not_before = utc_now() - timedelta(seconds=1)
    stage.drain()
    assert (acts(stage), stands(stage, id_)["hide"]) == (["hide"], "done")


def test_what_the_network_refuses_says_why_and_can_be_tried_again(stage: Stage) -> None:
    id_ = comment(stage)
    stage.rig.network.plant(Fault("status_before", status=403, match=r"PUT /2/tweets/\d+/hidden"))
    do(stage, id_, "hide")
    stage.drain()
    with stage.session() as session:
        found = acting.standing_of(session, [session.get_one(m.Message, id_)])[id_]["hide"]
        assert found.state == "refused"
        assert found.reason
    do(stage, id_, "hide")
    stage.drain()
    assert (acts(stage), stands(stage, id_)["hide"]) == (["hide"], "done")


def test_hiding_what_is_gone_is_done(stage: Stage) -> None:
    id_ = comment(stage)
    with stage.session() as session:
        remote_id = session.get_one(m.Message, id_).remote_id
    stage.rig.network.say("ines", "", delete=remote_id)
    do(stage, id_, "hide")
    do(stage, id_, "like", "agent")
    stage.drain()
    assert stands(stage, id_) == {"hide": "done", "like": "refused"}


def test_a_brake_on_answers_holds_a_like_and_no_brake_holds_hiding(stage: Stage) -> None:
    id_ = comment(stage)
    with stage.session() as session:
        session.add(m.Brake(scope="all", stops_posts=True, stops_answers=True, pulled_at=utc_now()))
    do(stage, id_, "like", "agent")
    do(stage, id_, "hide")
    stage.drain()
    assert acts(stage) == ["hide"]
    assert stands(stage, id_) == {"like": "pending", "hide": "done"}


def test_who_lost_the_right_hides_nothing_any_more(stage: Stage) -> None:
    id_ = comment(stage)
    do(stage, id_, "hide")
    with stage.session() as session:
        for grant in session.scalars(select(m.Grant)):
            session.delete(grant)
    stage.drain()
    assert (acts(stage), stands(stage, id_)["hide"]) == ([], "refused")


def test_who_may_do_what_and_with_what(stage: Stage) -> None:
    id_ = comment(stage)
    mention = comment(stage, "hello", under=False)
    for kind, role, refusal in (
        ("like", "viewer", NotAllowed), ("hide", "agent", NotAllowed), ("hide", "author", NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            do(stage, id_, kind, role)
    with pytest.raises(Invalid):
        do(stage, mention, "hide")  # it answers nothing of ours
    with stage.session() as session:
        home = session.get_one(m.Conversation, session.get_one(m.Message, mention).conversation_id)
        actor = person(session, stage, "publisher")
        assert acting.offered(SPEC, actor, home) == ["like", "hide"]
        assert acting.offered(SPEC, person(session, stage, "agent"), home) == ["like"]
        with pytest.raises(NotFound):
            acting.act(session, actor, home, id_, "like", SPEC, utc_now())
        staff = session.get_one(m.Staff, actor.staff_id)
        staff.answers_reviewed = True
        learner = load_actor(session, staff, utc_now())
        assert acting.offered(SPEC, learner, home) == []
        with pytest.raises(NotAllowed):
            acting.act(session, learner, home, mention, "like", SPEC, utc_now())
    assert acts(stage) == []


def test_only_the_hidden_part_of_a_wait_is_moderated(stage: Stage) -> None:
    id_ = comment(stage)
    with stage.session() as session:
        remote_id = session.get_one(m.Message, id_).remote_id
        above = session.get_one(m.Message, id_).in_reply_to
    assert remote_id
    stage.rig.say_publicly("@acme and where is my bag?", in_reply_to=above)
    receive_all(stage)
    do(stage, id_, "hide")
    stage.drain()
    with stage.session() as session:
        home = session.get_one(m.Conversation, session.get_one(m.Message, id_).conversation_id)
        assert find_open_wait(session, home) is not None
        assert home.state == "new"


def test_what_is_on_its_way_goes_along_with_a_message_that_moves(stage: Stage) -> None:
    first, second = comment(stage), comment(stage, "and I ask again")
    do(stage, first, "hide")
    with stage.session() as session:
        gone, kept = (
            session.get_one(m.Conversation, session.get_one(m.Message, i).conversation_id) for i in (first, second)
        )
        operations.merge(session, person(session, stage, "manager"), gone, into=kept, now=utc_now())
    assert stands(stage, first)["hide"] == "pending"
    stage.drain()
    assert stands(stage, first)["hide"] == "done"
    with stage.session() as session:
        home = session.get_one(m.Conversation, session.get_one(m.Message, second).conversation_id)
        assert find_open_wait(session, home) is not None


def test_a_rule_hides_at_the_network_and_a_person_undoes_it(stage: Stage) -> None:
    with stage.session() as session:
        boss = load_actor(session, f.make_staff(session, "administrator"), utc_now())
        triage.create_rule(
            session, boss, name="Followers", is_on=True, now=utc_now(),
            conditions=[{"field": "text", "operator": "any_of", "value": ["buy followers"]}],
            actions=[{"kind": "hide", "value": 10}],
        )  # fmt: skip
    id_ = comment(stage)
    assert stands(stage, id_)["hide"] == "pending"
    stage.drain()
    assert (acts(stage), stands(stage, id_)["hide"]) == (["hide"], "done")
    with stage.session() as session:
        assert [w.end_kind for w in session.scalars(select(m.Wait))] == ["moderated"]
    do(stage, id_, "unhide")
    stage.drain()
    receive_all(stage)  # nothing new: the rule is not tried on it again
    stage.drain()
    assert (acts(stage), stands(stage, id_)["hide"]) == (["hide", "unhide"], "none")
