"""Who has a window open is here; who has none is given no work."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.errors import NotAllowed
from guichet.models import IdempotencyKey
from guichet.policy import SYSTEM, load_actor
from guichet.staff import entry, rules
from tests.factories import make_staff


def test_signing_in_makes_one_present_and_silence_absent_again(session: Session, now: datetime) -> None:
    person = make_staff(session)
    entry.open_session(session, person, now=now)
    assert person.presence == "online"
    assert entry.note_absent(session, SYSTEM, now + rules.ABSENT) == 0
    assert entry.note_absent(session, SYSTEM, now + rules.ABSENT + timedelta(seconds=1)) == 1
    assert person.presence == "offline"


def test_a_sign_of_life_brings_one_back_but_overrules_nobody(session: Session, now: datetime) -> None:
    person = make_staff(session)
    entry.open_session(session, person, now=now)
    actor = load_actor(session, person, now)
    person.presence = "away"
    entry.note_present(session, actor, now + timedelta(hours=1))
    assert person.presence == "away"
    entry.note_absent(session, SYSTEM, now + timedelta(hours=2))
    entry.note_present(session, actor, now + timedelta(hours=2))
    assert person.presence == "online"
    person.presence = "offline"  # chosen, with the window open
    entry.note_present(session, actor, now + timedelta(hours=2, minutes=1))
    assert person.presence == "offline"


def test_only_our_own_processes_say_who_is_gone(session: Session, now: datetime) -> None:
    person = make_staff(session, "owner")
    with pytest.raises(NotAllowed):
        entry.note_absent(session, load_actor(session, person, now), now)


def test_idempotency_keys_are_forgotten_after_a_day(session: Session, now: datetime) -> None:
    person = make_staff(session)
    for age in (timedelta(hours=1), timedelta(hours=25)):
        key = IdempotencyKey(
            staff_id=person.id, route="POST /posts", key=str(age), payload_hash="", created_at=now - age
        )  # fmt: skip
        session.add(key)
    session.flush()
    entry.forget_old_keys(session, SYSTEM, now)
    assert list(session.scalars(select(IdempotencyKey.key))) == [str(timedelta(hours=1))]
