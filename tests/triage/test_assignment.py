"""Assignment: who is here, may, can and is next; and each conversation goes to one."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.inbox import operations as inbox
from guichet.policy import SYSTEM
from guichet.triage import turns
from guichet.triage.assignment import LOT, MOST, assign_team, assign_teams, queue_of
from guichet.triage.sharing import Member, Task, choose, left_of, next_at
from guichet.unit import open_unit
from tests import factories as f
from tests.inbox.scene import Scene, make_scene


def member(id_: int, **more: object) -> Member:
    return Member(**{"staff_id": id_, "load": 0, "capacity": 10, **more})


TASK = Task(account_id=1, language="fr", weight=1)


@pytest.mark.parametrize(
    "unable",
    [
        {"is_here": False}, {"load": 10}, {"capacity": 0}, {"accounts": frozenset({2})},
        {"languages": frozenset({"de"})}, {"left": 0},
    ],
)  # fmt: skip
def test_who_cannot_take_it_is_passed_over(unable: dict[str, object]) -> None:
    for mode in ("round_robin", "least_loaded"):
        assert choose(TASK, [member(1, **unable)], mode) is None
        assert choose(TASK, [member(1, **unable), member(2, load=5)], mode).staff_id == 2


def test_least_loaded_looks_at_what_is_left_of_the_capacity() -> None:
    assert choose(TASK, [member(1, load=4, capacity=5), member(2, load=5, capacity=20)], "least_loaded").staff_id == 2


def test_a_label_that_is_a_skill_asks_those_who_have_it() -> None:
    task = Task(1, "", 1, frozenset({"visa"}))
    assert choose(task, [member(1), member(2, load=9, skills=frozenset({"visa"}))], "round_robin").staff_id == 2
    assert choose(task, [member(1)], "round_robin").staff_id == 1


def test_who_let_it_go_gets_it_back_only_where_nobody_else_suits() -> None:
    let_go = replace(TASK, let_go_by=1)
    for mode in ("round_robin", "least_loaded"):
        assert choose(let_go, [member(1), member(2, load=9)], mode).staff_id == 2
        assert choose(let_go, [member(1), member(2, load=10)], mode) is None  # it waits for the other
        assert choose(let_go, [member(1), member(2, is_here=False)], mode).staff_id == 1
        skilled = replace(let_go, labels=frozenset({"visa"}))
        assert choose(skilled, [member(1, skills=frozenset({"visa"})), member(2)], mode).staff_id == 1


def test_an_hour_is_the_last_one(now: datetime) -> None:
    given = [now - timedelta(minutes=n) for n in (60, 59, 30, 0)]  # the first counts no more
    assert (left_of(3, given, now), left_of(4, given, now), left_of(1, given, now), left_of(0, given, now)) == (
        0, 1, 0, None,
    )  # fmt: skip
    assert next_at(3, given, now) == now + timedelta(minutes=1)
    assert next_at(1, given, now) == now + timedelta(hours=1)  # lowered: the last of them counts
    assert next_at(4, given, now) is next_at(0, given, now) is None


def make_team(session: Session, scene: Scene, mode: str, n: int = 2, **more: object) -> m.Team:
    staff = [f.make_staff(session, presence="online", **more) for _ in range(n)]
    for person in staff:
        f.make_grant(session, person, scene.account, "agent")
    return f.make_team(session, *staff, assignment=mode)


def fill(scene: Scene, team: m.Team, n: int) -> list[m.Conversation]:
    made = []
    for i in range(n):
        c = scene.conversation_of(scene.customer_says(root=f"r{i}", remote_at=scene.now - timedelta(minutes=i)))
        c.assignee_id, c.team_id = None, team.id
        made.append(c)
    scene.session.flush()
    return made


def test_turns_are_fair_and_the_oldest_comes_first(scene: Scene) -> None:
    team = make_team(scene.session, scene, "round_robin", capacity=2)
    queue = fill(scene, team, 5)
    assert assign_team(scene.session, SYSTEM, team.id, scene.now) == 4
    assert queue[0].assignee_id is None  # the one that waits least; nobody has room for it
    assert sorted(Counter(c.assignee_id for c in queue[1:]).values()) == [2, 2]


def test_a_team_that_shares_by_hand_and_one_where_nobody_is_here_are_left_alone(scene: Scene) -> None:
    by_hand = make_team(scene.session, scene, "manual")
    away = make_team(scene.session, scene, "least_loaded")
    for link in away.members:
        scene.session.get_one(m.Staff, link.staff_id).presence = "away"
    fill(scene, by_hand, 1)
    assert assign_teams(scene.session, SYSTEM, scene.now) == 0


@pytest.mark.parametrize("mode", ["round_robin", "least_loaded"])
def test_what_was_released_goes_to_somebody_else(scene: Scene, mode: str) -> None:
    team = make_team(scene.session, scene, mode)
    (conversation,) = fill(scene, team, 1)
    had_it = []
    for _ in range(3):
        assert assign_team(scene.session, SYSTEM, team.id, scene.now) == 1
        had_it.append(conversation.assignee_id)
        holder = scene.session.get_one(m.Staff, conversation.assignee_id)
        for link in team.members:  # by turns alone, they would get it again
            link.last_assigned_at = None if link.staff_id == holder.id else scene.now
        inbox.release(scene.session, scene.actor(holder), conversation, scene.now)
    assert had_it[0] != had_it[1] != had_it[2]


def test_who_had_all_of_their_hour_is_given_more_when_it_has_moved_on(scene: Scene) -> None:
    team = make_team(scene.session, scene, "round_robin", 1, capacity=100)
    (person,) = (link.staff_id for link in team.members)
    fill(scene, team, 6)

    def share() -> int:
        return assign_team(scene.session, SYSTEM, team.id, scene.now)

    def standing() -> turns.Standing:
        return turns.standings(scene.session, scene.actor(), [team], scene.now)[team.id]

    team.hourly_cap = 1
    began = scene.now
    assert (share(), share()) == (1, 0)
    scene.later(minutes=20)
    team.hourly_cap = 3
    assert (share(), share()) == (2, 0)
    found = standing()
    assert (found.given, found.next_at, found.waiting) == ({person: 3}, {person: began + timedelta(hours=1)}, 3)
    scene.later(minutes=39)
    assert share() == 0
    scene.later(minutes=1)
    assert (share(), share()) == (1, 0)
    assert standing().next_at == {person: began + timedelta(minutes=80)}
    team.assignment = "manual"
    assert standing().next_at == {}
    team.assignment, team.hourly_cap = "round_robin", 0
    assert share() == 2
    assert (standing().next_at, standing().waiting) == ({}, 0)
    scene.later(hours=2)
    assert standing().given == {}


def test_what_is_taken_or_handed_over_by_hand_counts_for_nothing(scene: Scene) -> None:
    team = make_team(scene.session, scene, "least_loaded", 1, capacity=100)
    person = scene.session.get_one(m.Staff, team.members[0].staff_id)
    team.hourly_cap = 1
    for conversation in (queue := fill(scene, team, 4))[:2]:
        inbox.claim(scene.session, scene.actor(person), conversation, scene.now)
    assert assign_team(scene.session, SYSTEM, team.id, scene.now) == 1
    inbox.claim(scene.session, scene.actor(person), next(c for c in queue if c.assignee_id is None), scene.now)
    assert turns.standings(scene.session, scene.actor(), [team], scene.now)[team.id].given == {person.id: 1}


def test_the_queue_of_another_team_has_an_hour_of_its_own(scene: Scene) -> None:
    first = make_team(scene.session, scene, "round_robin", 1, capacity=100)
    second = f.make_team(scene.session, scene.session.get_one(m.Staff, first.members[0].staff_id))
    for team in (first, second):
        team.assignment, team.hourly_cap = "round_robin", 1
        for i in range(2):
            c = scene.conversation_of(scene.customer_says(root=f"{team.id} {i}"))
            c.team_id = team.id
    scene.session.flush()
    assert assign_teams(scene.session, SYSTEM, scene.now) == 2


def test_whoever_has_room_again_gets_the_nearest_deadline_first_where_the_team_says_so(scene: Scene) -> None:
    team = make_team(scene.session, scene, "round_robin", 1, capacity=1)
    queue = fill(scene, team, 4)  # the last one waits longest

    def given() -> list[int]:
        """In which order they are handed out, one by one, to somebody who is done with the last."""
        order = []
        while assign_team(scene.session, SYSTEM, team.id, scene.now):
            for conversation in (c for c in queue if c.assignee_id is not None):
                order.append(queue.index(conversation))
                conversation.team_id, conversation.assignee_id = None, None
            scene.session.flush()
        for conversation in queue:
            conversation.team_id = team.id
        scene.session.flush()
        return order

    assert given() == [3, 2, 1, 0]
    team.queue_order = "deadline"
    queue[0].due_at = scene.now + timedelta(minutes=5)
    queue[1].due_at = scene.now - timedelta(minutes=5)
    assert given() == [1, 0, 3, 2]  # late, soon, and then who waits longest


def test_what_nobody_here_can_have_keeps_nobody_else_waiting(scene: Scene) -> None:
    team = make_team(scene.session, scene, "round_robin", 1, languages=["fr"])
    queue = fill(scene, team, 210)
    for conversation in queue[1:]:
        conversation.language = "de"
    queue[0].language = "fr"
    scene.session.flush()
    assert LOT < len(queue) < MOST
    assert assign_team(scene.session, SYSTEM, team.id, scene.now) == 1
    assert queue[0].assignee_id is not None


def test_two_who_share_a_queue_at_once_give_each_conversation_once(engine: Engine, now: datetime) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        scene = make_scene(session, now)
        team_id = (team := make_team(session, scene, "round_robin", 3)).id
        team.hourly_cap = 3
        fill(scene, team, 12)
    given = []

    def share() -> None:
        with open_unit(engine) as unit:
            given.append(assign_team(unit.session, SYSTEM, team_id, now))

    threads = [threading.Thread(target=share) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(given) == 9  # and three lie there until the hour has moved on
    with Session(engine) as session:
        assert session.query(m.ConversationEvent).filter_by(kind="assigned").count() == 9
        held = session.query(m.Conversation).filter(m.Conversation.assignee_id.is_not(None))
        assert set(Counter(c.assignee_id for c in held).values()) == {3}


@pytest.mark.parametrize("youngest", ["ix_conversation_lies", "ix_conversation_team"])
def test_a_queue_is_found_by_an_index_that_holds_nothing_else(scene: Scene, youngest: str) -> None:
    """Of two that it thinks as good SQLite takes the younger one."""
    team = make_team(scene.session, scene, "round_robin")
    if scene.session.get_bind().dialect.name == "sqlite":
        connection = scene.session.connection()
        (index,) = (i for i in m.Base.metadata.tables["conversation"].indexes if i.name == youngest)
        index.drop(connection)
        index.create(connection)
        looks = queue_of(team).compile(connection, compile_kwargs={"literal_binds": True})
        steps = [step[-1] for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {looks}")]
        assert any("ix_conversation_lies" in step for step in steps), steps
