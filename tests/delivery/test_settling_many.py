"""Many doubts settled in one act: each as it was seen, and none guessed."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.delivery.deciding import Seen, decide_one, require_settleable
from guichet.delivery.payload import freeze, payload_hash
from guichet.errors import Invalid, NotAllowed
from guichet.policy import Actor, load_actor
from tests import factories as make
from tests.factories import NOW


def publisher(session: Session, account: m.Account) -> Actor:
    person = make.make_staff(session)
    make.make_grant(session, person, account, "publisher")
    return load_actor(session, person, NOW)


def doubtful(session: Session, account: m.Account) -> m.Delivery:
    payload = freeze(text="hello", surface="public")
    delivery = m.Delivery(
        kind="post", state="needs_human", account_id=account.id, payload=payload, payload_hash=payload_hash(payload),
        due_at=NOW, not_before=NOW, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    session.add(
        m.Attempt(
            delivery_id=delivery.id, generation=1, fence=1, worker_id="w", payload_hash="", started_at=NOW,
            state="unknown",
        )
    )  # fmt: skip
    return delivery


def test_each_is_linked_to_what_it_is_and_no_two_to_the_same(session: Session) -> None:
    account = make.make_account(session)
    actor = publisher(session, account)
    one, same, nameless, foreign = (
        doubtful(session, where) for where in (account, account, account, make.make_account(session))
    )
    seen = [Seen(one.id, 1, "109"), Seen(same.id, 1, "109"), Seen(nameless.id, 1), Seen(foreign.id, 1, "110")]
    outcomes = [decide_one(session, actor, "link", each, NOW) for each in seen]
    codes = [o.refused.code if o.refused else "" for o in outcomes]
    assert codes == ["", "remote_id_taken", "invalid", "not_found"]
    assert [d.state for d in (one, same, nameless, foreign)] == ["published", *["needs_human"] * 3]
    assert session.query(m.Decision).count() == 1


def test_what_somebody_else_decided_about_meanwhile_is_left(session: Session) -> None:
    account = make.make_account(session)
    actor = publisher(session, account)
    again, dropped = doubtful(session, account), doubtful(session, account)
    again.generation = 2  # sent once more, and in doubt again: not what was seen
    outcomes = [decide_one(session, actor, "drop", Seen(d.id, 1), NOW, "the outage") for d in (again, dropped)]
    assert [o.refused.code if o.refused else "" for o in outcomes] == ["already_decided", ""]
    assert (again.state, dropped.state) == ("needs_human", "cancelled")
    assert session.query(m.Decision).one().reason == "the outage"


def test_what_cannot_be_asked_at_all_is_refused_whole(session: Session) -> None:
    account = make.make_account(session)
    actor = publisher(session, account)
    with pytest.raises(Invalid, match="once"):
        require_settleable(actor, "drop", [Seen(1, 1), Seen(1, 1)])
    with pytest.raises(Invalid, match="choose one"):
        require_settleable(actor, "guess", [Seen(1, 1)])
    viewer = make.make_staff(session)
    make.make_grant(session, viewer, account, "viewer")
    with pytest.raises(NotAllowed):
        require_settleable(load_actor(session, viewer, NOW), "drop", [Seen(1, 1)])
