"""A restored or copied instance does nothing until a person says so: not send, not take down,
not read, not renew, not take in. What was under way is settled first, what is overdue is
among the choices."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from guichet import instance
from guichet.accounts import operations as accounts
from guichet.delivery import engine as delivery_engine
from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze
from guichet.errors import Conflict
from guichet.instance import Noted
from guichet.models import Account, AuditEntry, Brake, Credential, Delivery, Instance
from guichet.policy import SYSTEM
from guichet.publishing import brakes
from tests import factories as make
from tests.factories import NOW

URL = "https://guichet.example.org"
LATER = NOW + timedelta(hours=1)


def start(session: Session, noted: Noted | None, url: str = URL, hours: int = 1) -> Noted:
    return instance.recognise(session, SYSTEM, noted, url, NOW + timedelta(hours=hours))


def queue(session: Session, **more: object) -> Delivery:
    account = make.make_account(session, state="connected")
    given = {"kind": "post", "payload": freeze(text="Offer", surface="public"), "due_at": NOW, **more}
    return delivering.create(session, SYSTEM, account=account, now=NOW, **given)


def copied(session: Session) -> None:
    """This database, found by another installation."""
    start(session, None, hours=0)
    start(session, Noted("another", NOW))


def test_the_first_start_is_the_one_and_the_same_comes_back_without_a_word(session: Session) -> None:
    noted = start(session, None)
    for hours in (2, 48):  # also after a long pause
        noted = start(session, noted, hours=hours)
        assert not instance.awaits_confirmation(session)
    assert session.scalars(select(Brake)).all() == []


@pytest.mark.parametrize(
    ("noted", "url", "why"),
    [
        (None, URL, "another installation last ran"),
        (Noted("another", NOW), URL, "another installation last ran"),
        ("later", URL, "put back to an earlier moment"),
        ("same", "https://staging.example.org", "last ran at https://guichet.example.org"),
    ],
)
def test_what_is_not_as_it_was_left_stops_everything(
    session: Session, noted: Noted | str | None, url: str, why: str
) -> None:
    first = start(session, None, hours=0)
    if isinstance(noted, str):
        noted = Noted(first.instance_id, first.seen_at + timedelta(seconds=1 if noted == "later" else 0))
    start(session, noted, url)
    assert instance.awaits_confirmation(session)
    brake = session.scalars(select(Brake)).one()
    assert (brake.scope, brake.stops_posts, brake.stops_answers, brake.lifted_at) == ("all", True, True, None)
    assert why in brake.reason
    start(session, start(session, noted, url, hours=2), url, hours=3)
    assert instance.awaits_confirmation(session), "starting again is nobody's word"


def test_another_port_of_this_machine_is_no_other_place(session: Session) -> None:
    noted = start(session, None, "http://localhost:8100")
    start(session, noted, "http://127.0.0.1:9000", hours=2)
    assert not instance.awaits_confirmation(session)


def test_nothing_starts_not_even_taking_down(session: Session) -> None:
    post, reply = queue(session), queue(session, kind="reply", is_answer=True)
    down = queue(session, kind="delete", target_remote_id="1")
    copied(session)
    session.flush()
    claimed = delivery_engine.claim(session.connection(), "worker", 10, LATER)
    session.expire_all()
    assert claimed == []
    assert [d.state for d in (post, reply, down)] == ["held", "held", "held"]


def test_a_brake_of_a_person_lets_taking_down_through(session: Session) -> None:
    down = queue(session, kind="delete", target_remote_id="1")
    start(session, None)
    brakes.pull(session, SYSTEM, now=NOW)
    session.flush()
    assert [c.id for c in delivery_engine.claim(session.connection(), "worker", 10, LATER)] == [down.id]


def test_no_secret_is_renewed(session: Session) -> None:
    account = make.make_account(session)
    session.add(Credential(account_id=account.id, key_id="k1", sealed=b""))
    copied(session)
    assert not accounts.claim_refresh(session, SYSTEM, account, LATER)
    session.execute(update(Instance).values(unconfirmed_since=None))
    assert accounts.claim_refresh(session, SYSTEM, account, LATER)


def test_confirming_asks_for_a_choice_for_all_that_is_overdue(session: Session) -> None:
    due, waiting = queue(session), queue(session, due_at=NOW + timedelta(minutes=5))
    copied(session)
    with pytest.raises(Conflict) as refused, session.begin_nested():
        brakes.lift(session, SYSTEM, now=LATER)
    assert refused.value.code == "choose"
    assert refused.value.data["current"] == {"deliveries": [due.id, waiting.id]}
    assert instance.awaits_confirmation(session)
    brakes.lift(session, SYSTEM, otherwise="drop", now=LATER)
    assert not instance.awaits_confirmation(session)
    assert [d.state for d in (due, waiting)] == ["cancelled", "cancelled"]
    assert "instance.confirm" in session.scalars(select(AuditEntry.action)).all()


@pytest.mark.parametrize("state", ["claimed", "sending"])
def test_what_was_on_its_way_is_settled_first(session: Session, state: str) -> None:
    flying = queue(session)
    flying.state, flying.worker_id = state, "of-the-original"
    copied(session)
    with pytest.raises(Conflict) as refused, session.begin_nested():
        brakes.lift(session, SYSTEM, otherwise="send", now=LATER)
    assert (refused.value.code, refused.value.data["current"]) == ("in_flight", {"deliveries": [flying.id]})


def test_the_brake_cannot_be_loosened_instead_of_lifted(session: Session) -> None:
    copied(session)
    with pytest.raises(Conflict):
        brakes.pull(session, SYSTEM, posts=True, answers=False, now=LATER)
    brakes.pull(session, SYSTEM, scope="account", scope_id=make.make_account(session).id, now=LATER)
    brakes.lift(session, SYSTEM, scope="account", scope_id=session.scalars(select(Account.id)).one(), now=LATER)
    assert instance.awaits_confirmation(session), "only the brake on everything is the word"


def test_the_note_outside_is_never_ahead_of_the_database(engine: Engine, tmp_path: Path) -> None:
    with Session(engine) as session, session.begin():
        noted = start(session, None, hours=0)
    instance.write_note(tmp_path / "media", noted)
    with Session(engine) as session, session.begin():
        later = instance.note_seen(session, SYSTEM, noted, LATER)
        earlier = instance.note_seen(session, SYSTEM, later, NOW)  # another machine's clock is behind
    assert (later.seen_at, earlier.seen_at) == (LATER, LATER)
    instance.write_note(tmp_path / "media", later)
    assert instance.read_note(tmp_path / "media") == later
    with Session(engine) as session, session.begin():
        start(session, instance.read_note(tmp_path / "media"))
        assert not instance.awaits_confirmation(session)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": 1}', '{"id": "a", "seen_at": "soon"}', "\udcff"])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / ".instance").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert instance.read_note(tmp_path) is None
