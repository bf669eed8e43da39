"""Macros: several acts at once, each as by hand; previewed by doing them, undone in one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import operations as inbox
from guichet.policy import load_actor
from guichet.triage import carrying_out, macro_rules, macros, undoing
from guichet.variables import fill, unfilled
from tests import databases
from tests import factories as f
from tests.factories import NOW
from tests.inbox.scene import make_scene

NETWORKS = {"mastodon": "Mastodon"}


@pytest.fixture(scope="module")
def light() -> Iterator[Any]:
    with databases.sqlite_engine() as engine:
        yield engine


class Desk:
    """An agent, a lead, and conversations of one account."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.account = f.make_account(session)
        self.agent, self.lead = f.make_staff(session, name="Ada Lovelace"), f.make_staff(session, "team_lead")
        f.make_grant(session, self.agent, self.account, "agent")
        f.make_grant(session, self.lead, self.account, "manager")
        self.label, self.team = m.Label(name=f"label {self.account.id}"), f.make_team(session, self.agent)
        session.add(self.label)
        session.flush()

    def actor(self, staff: m.Staff | None = None):
        return load_actor(self.session, staff or self.agent, NOW)

    def conversation(self, **more: Any) -> m.Conversation:
        identity = f.make_customer(self.session)
        self.session.get_one(m.Customer, identity.customer_id).name = "Grace Hopper"
        return f.make_conversation(self.session, self.account, identity, **{"state": "open", **more})

    def macro(self, *actions: tuple[str, Any], **more: Any) -> m.Macro:
        given = [{"kind": kind, "value": value} for kind, value in actions]
        return macros.add_macro(self.session, self.actor(), name="Refund", actions=given, now=NOW, **more)

    def apply(self, macro: m.Macro, *conversations: m.Conversation, staff: m.Staff | None = None):
        return carrying_out.apply_macro(self.session, self.actor(staff), macro, conversations, NETWORKS, NOW)

    def stands(self, conversation: m.Conversation) -> dict[str, Any]:
        return carrying_out.standing(self.session, self.actor(), conversation)


@pytest.fixture
def desk(light: Any) -> Iterator[Desk]:
    with Session(light, expire_on_commit=False) as session:
        yield Desk(session)


def test_one_key_does_it_all_and_one_takes_it_back(desk: Desk) -> None:
    conversation = desk.conversation()
    macro = desk.macro(
        ("assignee", 0), ("label", desk.label.id), ("priority", 2), ("reply", "Dear {customer.first_name|there},"),
        ("snooze", 2),
    )  # fmt: skip
    before = desk.stands(conversation)
    foreseen = carrying_out.preview(desk.session, desk.actor(), macro, conversation, NETWORKS, NOW)
    assert desk.stands(conversation) == before  # a preview does nothing
    (done,) = desk.apply(macro, conversation)
    assert [step.effect for step in foreseen] == ["changes"] * 5
    assert list(done.steps) == foreseen
    assert done.steps[3].text == "Dear Grace,"
    assert inbox.find_draft(desk.session, desk.actor(), conversation).text == "Dear Grace,"
    assert (conversation.state, conversation.hold_until) == ("snoozed", NOW + timedelta(hours=2))
    assert (conversation.assignee_id, conversation.priority) == (desk.agent.id, 2)
    named = desk.session.query(m.AuditEntry).filter_by(action="conversation.macro", target_id=conversation.id).one()
    assert (named.data["macro"], named.data["macro_id"]) == ("Refund", macro.id)

    kept = undoing.undo_macro(desk.session, desk.actor(), conversation, done.event_id, NOW)
    assert (desk.stands(conversation), kept) == (before, [])
    assert inbox.find_draft(desk.session, desk.actor(), conversation) is None


def test_undo_leaves_what_was_written_before_and_a_note_that_was_read(desk: Desk) -> None:
    conversation = desk.conversation(state="snoozed", hold_until=NOW + timedelta(days=1))
    inbox.save_draft(desk.session, desk.actor(), conversation, text="Hello!", now=NOW)
    macro = desk.macro(("note", "Refunded {customer.name}"), ("reply", "It is done."), ("status", "answered"))
    (done,) = desk.apply(macro, conversation)
    assert inbox.find_draft(desk.session, desk.actor(), conversation).text == "Hello!\n\nIt is done."
    assert undoing.undo_macro(desk.session, desk.actor(), conversation, done.event_id, NOW) == ["note"]
    assert inbox.find_draft(desk.session, desk.actor(), conversation).text == "Hello!"
    assert conversation.state == "open"  # what is done cannot be put off again; it is in front


def test_undone_who_was_closed_on_waits_again(desk: Desk) -> None:
    scene = make_scene(desk.session, NOW)
    desk.agent = scene.agent
    conversation = scene.conversation_of(scene.customer_says())
    since = conversation.waiting_since
    (done,) = desk.apply(desk.macro(("status", "not_needed")), conversation)
    assert (conversation.state, conversation.waiting_since) == ("resolved", None)
    undoing.undo_macro(desk.session, desk.actor(), conversation, done.event_id, NOW)
    assert since is not None
    assert (conversation.state, conversation.waiting_since) == ("open", since)


def test_undo_is_refused_when_something_happened_since(desk: Desk) -> None:
    conversation = desk.conversation()
    (done,) = desk.apply(desk.macro(("priority", 3)), conversation)
    with pytest.raises(NotFound):
        undoing.undo_macro(desk.session, desk.actor(desk.lead), conversation, done.event_id, NOW)
    inbox.set_labels(desk.session, desk.actor(desk.lead), conversation, labels=[desk.label], now=NOW)
    with pytest.raises(Conflict) as since:
        undoing.undo_macro(desk.session, desk.actor(), conversation, done.event_id, NOW)
    assert (since.value.code, conversation.priority) == ("changed_since", 3)


def test_nobody_does_by_macro_what_they_may_not_do_by_hand(desk: Desk) -> None:
    mine, theirs = desk.conversation(), desk.conversation(assignee_id=desk.lead.id)
    reader = f.make_staff(desk.session)
    f.make_grant(desk.session, reader, desk.account, "viewer")
    f.make_grant(desk.session, reader, f.make_account(desk.session), "agent")
    shared = macros.add_macro(
        desk.session, desk.actor(desk.lead), name="Take", is_own=False, now=NOW,
        actions=[{"kind": "priority", "value": 3}, {"kind": "assignee", "value": 0}],
    )  # fmt: skip
    (refused,) = desk.apply(shared, mine, staff=reader)
    assert (refused.event_id, mine.priority) == (None, 1)
    assert refused.reason.startswith("you have no right")
    steps = carrying_out.preview(desk.session, desk.actor(), shared, theirs, NETWORKS, NOW)
    assert [(s.effect, s.reason) for s in steps] == [
        ("changes", ""), ("refused", "somebody else has this conversation"),
    ]  # fmt: skip
    # What is refused in one is done in no part there, and keeps it from no other.
    one, other = desk.apply(shared, theirs, mine)
    assert (one.event_id, one.reason, theirs.priority) == (None, "somebody else has this conversation", 1)
    assert (other.reason, mine.priority, mine.assignee_id) == ("", 3, desk.agent.id)


def test_what_stands_so_already_is_no_change(desk: Desk) -> None:
    conversation = desk.conversation(priority=2)
    (done,) = desk.apply(desk.macro(("priority", 2), ("unlabel", desk.label.id), ("status", "open")), conversation)
    assert ([step.effect for step in done.steps], done.event_id) == (["none"] * 3, None)


def test_each_sees_and_changes_what_is_theirs(desk: Desk) -> None:
    lead, agent = desk.actor(desk.lead), desk.actor()
    actions = [{"kind": "priority", "value": 1}]
    other = f.make_brand(desk.session)
    hidden = m.Macro(name="hidden", position=1, brand_id=other.id, actions=actions, updated_at=NOW)
    desk.session.add(hidden)
    elsewhere = f.make_team(desk.session)
    own = desk.macro(("priority", 1))

    def shared(**of: Any) -> m.Macro:
        return macros.add_macro(desk.session, lead, name="all", actions=actions, is_own=False, now=NOW, **of)

    for_team, for_others = shared(team_id=desk.team.id), shared(team_id=elsewhere.id)
    for_brand, for_all = shared(brand_id=desk.account.brand_id), shared()
    seen = {one.id for one in macros.list_macros(desk.session, agent)}
    assert {own.id, for_team.id, for_brand.id, for_all.id} <= seen
    assert seen.isdisjoint({hidden.id, for_others.id})
    assert own.id not in {one.id for one in macros.list_macros(desk.session, lead)}
    for macro in (for_team, for_all):
        with pytest.raises(NotAllowed):
            macros.change_macro(desk.session, agent, macro, name="mine now", now=NOW)
    with pytest.raises(NotAllowed):
        macros.add_macro(desk.session, agent, name="all", actions=actions, is_own=False, now=NOW)
    first = [one.id for one in macros.order_macros(desk.session, lead, [for_all.id, for_brand.id, for_team.id], NOW)]
    assert [i for i in first if i in (for_team.id, for_brand.id, for_all.id)] == [for_all.id, for_brand.id, for_team.id]


@pytest.mark.parametrize(
    ("actions", "field"),
    [
        ([], "actions"),
        ([("label", 10**9)], "actions.0.value"),
        ([("priority", 4)], "actions.0.value"),
        ([("priority", True)], "actions.0.value"),
        ([("reply", "  ")], "actions.0.value"),
        ([("status", "closed")], "actions.0.value"),
        ([("status", "open"), ("snooze", 0)], "actions.1.kind"),
    ],
)
def test_what_makes_no_macro_is_refused_by_its_field(desk: Desk, actions: list[Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        desk.macro(*actions)
    assert list(refused.value.fields) == [field]


def test_what_a_macro_named_and_is_gone_is_refused_and_does_nothing(desk: Desk) -> None:
    conversation, label = desk.conversation(), m.Label(name="short lived")
    desk.session.add(label)
    desk.session.flush()
    macro = desk.macro(("priority", 3), ("label", label.id))
    inbox.delete_label(desk.session, desk.actor(desk.lead), label, NOW)
    (done,) = desk.apply(macro, conversation)
    assert (done.reason, conversation.priority) == ("what the macro names is not there any more", 1)


def test_variables_are_filled_as_in_the_box() -> None:
    values = {"customer.first_name": "", "agent.name": "Ada"}
    assert fill("Hi {customer.first_name|there}, {Agent.Name} {nobody.knows}", values) == "Hi there, Ada {nobody.knows}"
    assert unfilled("{customer.first_name} {customer.first_name|x} {agent.name} {huh}", values) == [
        "customer.first_name", "huh",
    ]  # fmt: skip
    assert macro_rules.checked_name("  a   b ") == "a b"
