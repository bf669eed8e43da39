"""Who is behind many secrets at once is who is behind each of them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import NotAllowed
from guichet.policy import SYSTEM, Actor, load_actor, visible_accounts
from guichet.staff import behind, entry, queries, rules
from guichet.staff.operations import create_token_for
from tests.factories import make_account, make_brand, make_grant, make_staff, make_team

ROLES = ("viewer", "agent", "author", "publisher", "manager")


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "_AT_ONCE", 3)
    monkeypatch.setattr(entry, "_AT_ONCE", 3)


def test_many_are_told_what_each_alone_is_told(session: Session, now: datetime) -> None:
    dice = random.Random(7)
    brands = [make_brand(session) for _ in range(3)]
    accounts = [make_account(session, dice.choice(brands)) for _ in range(8)]
    people = [make_staff(session, dice.choice(("member", "member", "team_lead", "administrator"))) for _ in range(12)]
    for person in people[:2]:
        person.disabled_at, person.answers_reviewed = (now, False) if person is people[0] else (None, True)
    teams = [make_team(session, *dice.sample(people, 5)) for _ in range(3)]
    for _ in range(30):
        held_by = dice.choice(({"staff_id": dice.choice(people).id}, {"team_id": dice.choice(teams).id}))
        scope = dice.choice(({"account_id": dice.choice(accounts).id}, {"brand_id": dice.choice(brands).id}))
        ends_at = dice.choice((None, None, now, now + timedelta(hours=1)))
        session.add(m.Grant(**held_by, **scope, role=dice.choice(ROLES), ends_at=ends_at, created_at=now))
    sessions, tokens = {}, {}
    for person in people:
        if person.disabled_at is None:
            opened, secret = entry.open_session(session, person, now=now)
            opened.ended_at = dice.choice((None, None, now))
            opened.seen_at = dice.choice((now, now, now - rules.IDLE))
            sessions[rules.hash_secret(secret)] = secret
        given = {"name": "test", "scopes": dice.choice((["read"], ["answer"], ["publish", "manage"]))}
        token, secret = create_token_for(
            session, SYSTEM, person, **given, expires_at=dice.choice((None, now, now + timedelta(days=1))), now=now
        )
        token.revoked_at = dice.choice((None, None, now))
        tokens[rules.hash_secret(secret)] = secret
    session.flush()
    found = behind.actors_behind(session, now, sessions=sessions, tokens=tokens)
    alone: dict[str, Actor] = {}
    for hashed, secret in sessions.items():
        if one := queries.find_session(session, secret, now):
            alone[hashed] = load_actor(session, one.staff, now)
    for hashed, secret in tokens.items():
        if valid := queries.find_token(session, secret, now):
            alone[hashed] = load_actor(session, valid.staff, now, kind="token", scopes=valid.scopes)
    assert found == alone
    assert 5 < len(alone) < len(sessions) + len(tokens)
    assert len({visible_accounts(actor) for actor in found.values()}) > 3


def test_nobody_is_behind_nothing_and_a_token_is_no_session(session: Session, now: datetime) -> None:
    person, account = make_staff(session), make_account(session)
    make_grant(session, person, account, "agent")
    _, secret = create_token_for(session, SYSTEM, person, name="test", scopes=["read"], expires_at=None, now=now)
    session.flush()
    assert behind.actors_behind(session, now, sessions=(), tokens=()) == {}
    assert behind.actors_behind(session, now, sessions={rules.hash_secret(secret)}, tokens={"unknown"}) == {}


def test_many_are_noted_as_present(session: Session, now: datetime) -> None:
    people = [make_staff(session, presence="offline") for _ in range(7)]
    people[0].seen_at = now - timedelta(minutes=1)  # chosen, with the window open
    session.flush()
    entry.note_many_present(session, SYSTEM, [p.id for p in people[:-1]], now)
    session.expire_all()
    assert [p.presence for p in people] == ["offline", *["online"] * 5, "offline"]
    assert [p.seen_at for p in people] == [*[now] * 6, None]
    with pytest.raises(NotAllowed):
        entry.note_many_present(session, load_actor(session, people[0], now), [people[0].id], now)
