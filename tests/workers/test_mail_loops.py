"""A machine that answers every mail, and a flood: kept, gathered, answered by nobody's machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from channels.contract import Draft, Surface, Target
from channels.email.composing import recipient_of
from channels.errors import Rejected
from guichet import models as m
from guichet.clock import utc_now
from guichet.receiving import pace_rules, pacing
from tests.channels.email_rig import COMPANY, EmailRig
from tests.workers.hearing import answer, begin, count, looking, make_due, messages, receive_all
from tests.workers.stage import Stage, open_stage
from workers import receive

ROBOT = "robot@loop.example"
AWAY = {"Auto-Submitted": "auto-replied", "Precedence": "auto_reply"}


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with EmailRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        rig.network.add_person(ROBOT, "Robot", "customer")
        yield begin(stage)


def conversations(stage: Stage) -> list[tuple[int, int]]:
    """Each with the number of its messages, oldest first."""
    with looking(stage) as session:
        row = m.Message
        each = select(row.conversation_id, func.count()).group_by(row.conversation_id).order_by(row.conversation_id)
        return [(id_, n) for id_, n in session.execute(each)]


@pytest.mark.parametrize("headers", [AWAY, {}], ids=["says that it is a machine", "says nothing"])
def test_a_loop_of_500_mails_is_kept_whole_and_takes_one_conversation(stage: Stage, headers: dict[str, str]) -> None:
    most = pace_rules.MOST["mail"] // (pace_rules.BY_MACHINE if headers else 1)
    for n in range(500):
        stage.rig.network.say(ROBOT, f"I am away ({n}).", to=COMPANY, headers=headers)
    while len(messages(stage)) < 500:
        before = len(messages(stage))
        receive_all(stage)
        assert len(messages(stage)) > before
    assert sorted(message.text for message in messages(stage)) == sorted(f"I am away ({n})." for n in range(500))
    sizes = [n for _, n in conversations(stage)]
    assert len(sizes) <= most + 3  # a stranger's first mail is not counted; time passes meanwhile
    assert max(sizes) >= 500 - most - 3
    with looking(stage) as session:
        gathering = session.get_one(m.Conversation, max(conversations(stage), key=lambda one: one[1])[0])
        rush = pacing.find_rush(session, gathering, utc_now())
    assert rush is not None
    assert (rush.conversation_id, rush.count) == (gathering.id, max(sizes))
    assert (count(stage, m.Delivery), count(stage, m.Notice)) == (0, 0)
    assert count(stage, m.Wait) <= (0 if headers else most + 3)
    assert stage.rig.network.ledger() == []


def test_their_machine_answers_ours_and_it_ends_with_that(stage: Stage) -> None:
    """An agent answers, their auto-responder answers, and nothing of ours answers that."""
    stage.rig.network.say(ROBOT, "Is anybody there?", to=COMPANY)
    receive_all(stage)
    answer(stage, messages(stage)[0], "Yes.")
    (sent,) = stage.rig.network.ledger()
    stage.rig.network.say(ROBOT, "I am away.", to=COMPANY, in_reply_to=sent["remote_id"], headers=AWAY)
    make_due(stage)
    receive.poll(stage.account_id)
    receive.digest()
    theirs = messages(stage)[-1]
    assert (theirs.is_automatic, theirs.can_reply) == (True, False)
    target = Target(str(theirs.remote_id), ROBOT, ROBOT, "root", Surface.MAIL, dict(theirs.context))
    with pytest.raises(Rejected):
        recipient_of(Draft("I am away too.", surface=Surface.MAIL, reply_to=target, options={"automatic": True}))
    assert len(stage.rig.network.ledger()) == 1
