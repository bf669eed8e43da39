"""Side conversations by real mail: what is written outside comes back to where it belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from channels.rehearsal.base import Fault
from guichet import models as m
from guichet.clock import utc_now
from guichet.inbox import operations as inbox
from guichet.inbox.siding import Writing
from guichet.policy import load_actor
from tests import factories as f
from tests.channels.email_rig import COMPANY, EmailRig
from tests.workers.hearing import begin, count, looking, messages, receive_all
from tests.workers.stage import Stage, open_stage
from workers import deliver
from workers.runtime import use

DESK = "desk@airport.example"


class Knowing(EmailRig):
    """A mailbox of which it was said that addresses with a plus reach it."""

    def form(self, **more: str) -> dict[str, str]:
        return super().form(**{"plus_addressing": "yes", **more})


@pytest.fixture(params=[Knowing, EmailRig], ids=["plus", "subject"])
def stage(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with request.param() as rig, open_stage(engine, tmp_path, rig) as stage:
        rig.network.add_person(DESK, "Baggage desk", "customer")
        rig.network.add_person("second@airport.example", "Second", "customer")
        yield begin(stage)


def ask(stage: Stage, *more: str) -> int:
    """A customer writes, and an agent asks the desk; the conversation."""
    stage.rig.say_publicly("Where is my bag?")
    receive_all(stage)
    with stage.session() as session:
        agent, account = f.make_staff(session), session.get_one(m.Account, stage.account_id)
        f.make_grant(session, agent, account, "agent")
        conversation = session.scalars(select(m.Conversation)).one()
        inbox.open_side(
            session, load_actor(session, agent, utc_now()), conversation, account=account,
            spec=stage.rig.spec, subject="A lost bag", now=utc_now(),
            writing=Writing([{"name": "Desk", "address": to} for to in (DESK, *more)], "Did a red bag arrive?"),
        )  # fmt: skip
        id_ = conversation.id
    use(stage.process)
    deliver.drain()
    return id_


def say(stage: Stage, text: str, entry: dict[str, Any], *, refers: bool, who: str = DESK) -> None:
    """Somebody answers our mail, as mail programs do; many keep no reference."""
    headers = entry["extra"]["headers"]
    to = headers.get("Reply-To", COMPANY)
    found = re.search(r"<([^<>]+)>", to)
    more = {"in_reply_to": entry["remote_id"]} if refers else {}
    stage.rig.network.say(
        who, text, to=found.group(1) if found else to, subject=f"Re: {headers['Subject']}", **more
    )  # fmt: skip
    receive_all(stage)


@pytest.mark.parametrize("refers", [True, False])
def test_an_answer_comes_back_with_or_without_references(stage: Stage, refers: bool) -> None:
    conversation_id = ask(stage, "second@airport.example")
    (entry,) = stage.rig.network.ledger()
    assert sorted(entry["extra"]["to"]) == [DESK, "second@airport.example"]
    assert ("+re." in entry["extra"]["headers"].get("Reply-To", "")) is isinstance(stage.rig, Knowing)
    assert ("[ref:" in entry["extra"]["headers"]["Subject"]) is not isinstance(stage.rig, Knowing)
    receive_all(stage)  # our own copy in Sent
    say(stage, "Yes, a red one.", entry, refers=refers)
    say(stage, "Not mine to know.", entry, refers=refers, who="stranger@elsewhere.example")
    receive_all(stage)
    answers = messages(stage, "side_in")
    assert [(a.text, a.context["sender"]) for a in answers] == [
        ("Yes, a red one.", "expected"),
        ("Not mine to know.", "unexpected"),
    ]
    assert {a.conversation_id for a in answers} == {conversation_id}
    with looking(stage) as session:  # within one second of our own, which mails do not divide
        directions = select(m.Message.direction).where(m.Message.side_id.is_not(None))
        in_order = session.scalars(directions.order_by(m.Message.sort_at, m.Message.id)).all()
    assert in_order == ["side_out", "side_in", "side_in"]
    assert [a.remote_id for a in messages(stage, "side_out")] == [entry["remote_id"]]
    assert (count(stage, m.Conversation), count(stage, m.Wait), count(stage, m.Identity)) == (1, 1, 1)
    with looking(stage) as session:
        assert session.get_one(m.Conversation, conversation_id).state == "open"


def test_of_several_recipients_all_are_written_to_or_none(stage: Stage) -> None:
    conversation_id = ask(stage, "nobody@airport.example")
    assert stage.rig.network.ledger() == []
    with looking(stage) as session:
        delivery = session.scalars(select(m.Delivery)).one()
        assert (delivery.state, "nobody@airport.example" in delivery.reason) == ("failed", True)
        assert session.get_one(m.Conversation, conversation_id).state == "open"
        assert session.scalars(select(m.Notice.kind)).all() == ["side_failed"]


def test_a_doubt_is_settled_as_for_any_answer_and_nothing_is_sent_twice(stage: Stage) -> None:
    stage.rig.network.plant(Fault("reset_after", match=stage.rig.publishes))
    ask(stage)
    with looking(stage) as session:
        assert session.scalars(select(m.Delivery.state)).all() == ["unknown"]
    (entry,) = stage.rig.network.ledger()
    say(stage, "Yes.", entry, refers=False)  # before we know that it went out
    stage.look()
    receive_all(stage)
    assert len(stage.rig.network.ledger()) == 1
    assert [a.text for a in messages(stage, "side_in")] == ["Yes."]
    assert [a.remote_id for a in messages(stage, "side_out")] == [entry["remote_id"]]
    assert count(stage, m.Conversation) == 1
