"""What a rule holds until somebody has looked at it: in nobody's queue, and in everybody's sight."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from channels.contract import InboundKind
from guichet import models as m
from guichet.inbox import awaiting, handling, queries
from guichet.inbox import operations as inbox
from guichet.inbox.owners import find_open_wait
from guichet.inbox.queries import Filters
from guichet.policy import SYSTEM
from guichet.triage import operations as triage
from guichet.triage.applying import apply_rules
from guichet.triage.assignment import assign_teams
from tests import factories as f
from tests.inbox.scene import SPEC, Scene
from tests.triage.test_hiding import hides
from tests.triage.test_rules import cond, lead

RUDE = [cond("text", "any_of", "idiots")]


def rule(scene: Scene, *actions: dict[str, Any], **more: Any) -> m.Rule:
    given: dict[str, Any] = {"actions": [*actions, {"kind": "hold"}], "is_on": True, **more}
    return triage.create_rule(scene.session, lead(scene), name="Rude", conditions=RUDE, now=scene.now, **given)


def team_of(scene: Scene) -> m.Team:
    scene.agent.presence = "online"
    return f.make_team(scene.session, scene.agent, assignment="round_robin")


def comes(scene: Scene, text: str = "You are idiots!", **more: Any) -> m.Conversation:
    message = scene.customer_says(text, **more)
    apply_rules(scene.session, SYSTEM, [message], scene.now, hides)
    return scene.conversation_of(message)


def shown(scene: Scene, **filters: Any) -> list[int]:
    return [row.id for row in queries.list_conversations(scene.session, scene.actor(), Filters(**filters)).items]


def kinds(scene: Scene, conversation: m.Conversation) -> set[str]:
    recorded = select(m.ConversationEvent.kind).where(m.ConversationEvent.conversation_id == conversation.id)
    return set(scene.session.scalars(recorded))


def test_what_is_held_is_given_to_nobody_and_shown_where_one_looks_for_it(scene: Scene) -> None:
    team = team_of(scene)
    made = rule(scene, {"kind": "team", "value": team.id}, {"kind": "assignee", "value": scene.agent.id})
    conversation, other = comes(scene), comes(scene, "Where is my bag?", root="b")
    assert (conversation.state, conversation.held_at, conversation.held_by) == ("waiting_internal", scene.now, made.id)
    assert (conversation.team_id, conversation.assignee_id) == (team.id, None)
    assert find_open_wait(scene.session, conversation) is not None, "whoever wrote waits on"
    assert shown(scene) == [other.id]
    assert shown(scene, states=("waiting_internal",), is_held=True) == [conversation.id]
    assert shown(scene, text="is:held", states=("all",)) == [conversation.id]
    assert shown(scene, text="-is:held idiots", states=("all",)) == []
    assert shown(scene, is_waiting=True, states=("all",)) == [conversation.id, other.id]
    assert assign_teams(scene.session, SYSTEM, scene.now) == 0
    comes(scene, "Do you read this, idiots?")
    assert (conversation.state, conversation.held_at) == ("waiting_internal", scene.now)


def test_let_through_it_goes_the_way_of_any_other(scene: Scene) -> None:
    team = team_of(scene)
    rule(scene, {"kind": "team", "value": team.id})
    conversation = comes(scene)
    inbox.reopen(scene.session, scene.actor(), conversation, scene.later(minutes=1))
    assert (conversation.state, conversation.held_at, conversation.held_by, conversation.cycle) == (
        "open",
        None,
        None,
        1,
    )
    scene.session.flush()
    assert assign_teams(scene.session, SYSTEM, scene.later(minutes=2)) == 1
    assert conversation.assignee_id == scene.agent.id
    assert {"held_for_review", "let_through"} <= kinds(scene, conversation)


def test_nothing_is_taken_out_of_the_hands_of_who_has_it(scene: Scene) -> None:
    conversation = comes(scene, "Where is my bag?")
    inbox.claim(scene.session, scene.actor(), conversation, scene.now)
    rule(scene)
    comes(scene, "Idiots!")
    assert (conversation.state, conversation.held_at, conversation.assignee_id) == ("new", None, scene.agent.id)


def test_what_nobody_has_is_held_also_when_it_is_not_new(scene: Scene) -> None:
    team = team_of(scene)
    conversation = comes(scene, "Where is my bag?")
    inbox.close(scene.session, scene.actor(), comes(scene, "Bye", root="b"), scene.now)
    inbox.wait_internally(scene.session, scene.actor(), conversation, scene.now)
    inbox.reopen(scene.session, scene.actor(), conversation, scene.now)
    rule(scene, {"kind": "team", "value": team.id}, {"kind": "priority", "value": 3})
    comes(scene, "Idiots!")
    assert (conversation.state, conversation.held_at) == ("waiting_internal", scene.now)
    assert (conversation.team_id, conversation.priority) == (None, 1), "only what is new is sorted"


def test_every_way_out_ends_the_holding(scene: Scene) -> None:
    rule(scene)
    ways = {
        "spam": lambda one: inbox.mark_spam(scene.session, scene.actor(), one, scene.now),
        "resolved": lambda one: inbox.resolve(scene.session, scene.actor(), one, how="not_needed", now=scene.now),
        "snoozed": lambda one: inbox.snooze(scene.session, scene.actor(), one, until=None, now=scene.now),
        "waiting_customer": lambda one: inbox.reply(
            scene.session, scene.actor(), one, text="Sorry.", spec=SPEC, seen_through=one.last_message_id, now=scene.now
        ),
        "waiting_internal": lambda one: awaiting.wait_internally(
            scene.session, scene.actor(), one, scene.now, awaits="the lawyer"
        ),
    }  # fmt: skip
    for n, (state, leave) in enumerate(ways.items()):
        conversation = comes(scene, root=f"way-{n}")
        assert conversation.held_at is not None
        leave(conversation)
        assert (conversation.state, conversation.held_at, conversation.held_by) == (state, None, None)


def test_an_answer_that_is_taken_back_does_not_put_it_out_of_sight(scene: Scene) -> None:
    rule(scene)
    conversation = comes(scene)
    out = inbox.reply(
        scene.session, scene.actor(), conversation, text="Sorry.", spec=SPEC, now=scene.now, undo_seconds=10,
        seen_through=conversation.last_message_id,
    )  # fmt: skip
    inbox.take_back(scene.session, scene.actor(), conversation, out.id, scene.later(seconds=2))
    assert (conversation.state, conversation.held_at) == ("open", None)


def test_what_was_hidden_while_it_was_held_is_done_with(scene: Scene) -> None:
    rule(scene)
    conversation = comes(scene, kind=InboundKind.REPLY)
    with handling.changing(scene.session, SYSTEM, conversation, scene.now) as change:
        handling.put_out_of_sight(change)
    assert (conversation.state, conversation.held_at) == ("resolved", None)


def test_spam_is_not_held_and_hiding_goes_on(scene: Scene) -> None:
    rule(scene, {"kind": "spam"})
    conversation = comes(scene)
    assert (conversation.state, conversation.held_at) == ("spam", None)
