"""Many who take at once, each over a connection of their own: of one conversation one has it and the
others are told who, and of a queue each gets another or nothing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.db.engine import open_engine
from guichet.errors import Conflict, NotAllowed
from guichet.inbox import operations as inbox
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.triage.assignment import assign_team
from guichet.triage.taking import take_next
from guichet.unit import open_unit
from tests import factories as f
from tests.inbox.scene import Scene, make_scene

PEOPLE = 50


@pytest.fixture
def wide(engine: Engine) -> Iterator[Engine]:
    """As many connections as people: nobody waits for another's."""
    opened = open_engine(engine.url.render_as_string(hide_password=False), pool_size=PEOPLE)
    yield opened
    opened.dispose()


def all_at_once(engine: Engine, people: Sequence[int], act: Callable[[Session, Actor], None], now: datetime) -> None:
    """Each in a thread and a transaction; they begin together, connected already."""
    ready = threading.Barrier(len(people))
    wrong: list[Exception] = []

    def be(staff_id: int) -> None:
        try:
            with engine.connect():
                ready.wait(60)
            with open_unit(engine) as unit:
                act(unit.session, load_actor(unit.session, unit.session.get_one(m.Staff, staff_id), now))
        except Conflict:
            pass  # what was refused is the act's to note
        except Exception as e:
            wrong.append(e)

    threads = [threading.Thread(target=be, args=(staff_id,)) for staff_id in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def people_of(session: Session, scene: Scene) -> list[int]:
    staff = [f.make_staff(session) for _ in range(PEOPLE)]
    for person in staff:
        f.make_grant(session, person, scene.account, "agent")
    return [person.id for person in staff]


def lying(scene: Scene, team: m.Team, number: int) -> list[m.Conversation]:
    """In the team's queue, whoever waits longest first."""
    found = []
    for n in range(number):
        at = scene.now - timedelta(minutes=number - n)
        found.append(scene.conversation_of(scene.customer_says(root=f"n{n}", remote_at=at)))
        found[-1].team_id = team.id
    scene.session.flush()
    return found


def test_of_fifty_who_claim_the_same_one_has_it_and_everybody_else_is_told_who(
    engine: Engine, wide: Engine, now: datetime
) -> None:
    with Session(engine) as session, session.begin():
        scene = make_scene(session, now)
        id_ = scene.customer_says().conversation_id
        people = people_of(session, scene)
    won, told = list[int](), list[tuple[str, int]]()

    def claim(session: Session, actor: Actor) -> None:
        try:
            inbox.claim(session, actor, session.get_one(m.Conversation, id_), now)
        except Conflict as e:
            told.append((e.code, e.data["staff_id"]))
            raise
        won.append(actor.staff_id or 0)

    all_at_once(wide, people, claim, now)
    (winner,) = won
    assert told == [("held", winner)] * (PEOPLE - 1)
    with Session(engine) as session:
        assert session.get_one(m.Conversation, id_).assignee_id == winner
        assert session.query(m.ConversationEvent).filter_by(kind="claimed").count() == 1
        assert session.query(m.AuditEntry).filter_by(action="conversation.claim").count() == 1


def test_of_fifty_who_take_the_next_at_once_each_gets_another_or_nothing(
    engine: Engine, wide: Engine, now: datetime
) -> None:
    with Session(engine) as session, session.begin():
        scene = make_scene(session, now)
        team = f.make_team(session)
        lie = {c.id for c in lying(scene, team, 20)}
        team_id, people = team.id, people_of(session, scene)
    got: dict[int, int | None] = {}

    def take(session: Session, actor: Actor) -> None:
        taken = take_next(session, actor, session.get_one(m.Team, team_id), now)
        got[actor.staff_id or 0] = taken.id if taken else None

    all_at_once(wide, people, take, now)
    assert len(got) == PEOPLE
    assert Counter(got.values()) == {**dict.fromkeys(lie, 1), None: PEOPLE - 20}
    with Session(engine) as session:
        assert {c.assignee_id: c.id for c in session.query(m.Conversation)} == {s: c for s, c in got.items() if c}
        assert session.query(m.ConversationEvent).filter_by(kind="claimed").count() == 20


def test_while_a_queue_is_shared_who_takes_from_it_gets_another(engine: Engine, wide: Engine, now: datetime) -> None:
    with Session(engine) as session, session.begin():
        scene = make_scene(session, now)
        people = people_of(session, scene)[:10]
        present = session.get_one(m.Staff, people[0])
        present.presence, present.capacity = "online", 6
        team_id = (team := f.make_team(session, present, assignment="round_robin")).id
        lying(scene, team, 12)
    got, given = list[int | None](), list[int]()

    def act(session: Session, actor: Actor) -> None:
        if actor.staff_id == people[0]:
            given.append(assign_team(session, SYSTEM, team_id, now))
        else:
            taken = take_next(session, actor, session.get_one(m.Team, team_id), now)
            got.append(taken.id if taken else None)

    all_at_once(wide, people, act, now)
    assert len({id_ for id_ in got if id_}) + given[0] == 12
    with Session(engine) as session:
        held = [c.assignee_id for c in session.query(m.Conversation)]
        assert None not in held
        assert held.count(people[0]) == given[0]


def test_next_is_what_one_may_answer_in_a_language_of_ones_own_and_last_what_one_gave_back(scene: Scene) -> None:
    team = f.make_team(scene.session)
    first, second, third = lying(scene, team, 3)
    elsewhere = f.make_account(scene.session)
    first.language, first.priority = "de", 3
    second.language, third.language = "fr", ""
    scene.agent.languages = ["fr"]
    foreign = f.make_conversation(scene.session, elsewhere, state="new", team_id=team.id, priority=3)

    def take() -> m.Conversation | None:
        return take_next(scene.session, scene.actor(), team, scene.now)

    assert take() is second
    inbox.release(scene.session, scene.actor(), second, scene.now)
    assert (take(), take(), take()) == (third, second, None)
    assert second.claimed_until is not None
    assert (first.assignee_id, foreign.assignee_id) == (None, None)
    scene.agent.languages = []
    assert take() is first
    with pytest.raises(NotAllowed):
        take_next(scene.session, load_actor(scene.session, f.make_staff(scene.session), scene.now), team, scene.now)
