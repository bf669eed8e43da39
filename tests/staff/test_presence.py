"""Who has a window open is here; who has none is given no work."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from guichet.errors import NotAllowed
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
