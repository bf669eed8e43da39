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
from guichet.triage.assignment import Member, Task, assign_team, assign_teams, choose
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
        {"languages": frozenset({"de"})},
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


def test_two_who_share_a_queue_at_once_give_each_conversation_once(engine: Engine, now: datetime) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        scene = make_scene(session, now)
        team_id = (team := make_team(session, scene, "round_robin", 3)).id
        fill(scene, team, 9)
    given = []

    def share() -> None:
        with open_unit(engine) as unit:
            given.append(assign_team(unit.session, SYSTEM, team_id, now))

    threads = [threading.Thread(target=share) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(given) == 9
    with Session(engine) as session:
        assert session.query(m.ConversationEvent).filter_by(kind="assigned").count() == 9
        assert set(Counter(c.assignee_id for c in session.query(m.Conversation)).values()) == {3}
