"""What a person decides about a delivery whose outcome nobody could find out."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.delivery import operations
from guichet.delivery.payload import freeze, payload_hash
from guichet.policy import load_actor
from tests import factories as make
from tests.factories import NOW


@pytest.mark.parametrize("withdrawn", [True, False])
def test_what_was_withdrawn_and_is_found_by_a_person_is_taken_down(session: Session, withdrawn: bool) -> None:
    account, person = make.make_account(session), make.make_staff(session)
    make.make_grant(session, person, account, "publisher")
    payload = freeze(text="hello", surface="public")
    doubtful = m.Delivery(
        kind="post", state="needs_human", account_id=account.id, actor_id=person.id, payload=payload,
        payload_hash=payload_hash(payload), due_at=NOW, not_before=NOW, created_at=NOW, updated_at=NOW,
        withdraw=withdrawn,
    )  # fmt: skip
    session.add(doubtful)
    session.flush()
    session.add(
        m.Attempt(
            delivery_id=doubtful.id, generation=1, fence=1, worker_id="w", payload_hash="", started_at=NOW,
            state="unknown",
        )
    )  # fmt: skip
    operations.decide(session, load_actor(session, person, NOW), doubtful, "link", NOW, remote_id="109")
    assert (doubtful.state, doubtful.remote_id) == ("published", "109")
    deletions = session.scalars(select(m.Delivery).where(m.Delivery.kind == "delete")).all()
    assert [(d.state, d.target_remote_id) for d in deletions] == ([("due", "109")] if withdrawn else [])


@pytest.mark.parametrize(
    ("act", "ends"), [("link", "done"), ("drop", "done"), ("cancel", "done"), ("resend", "scheduled")]
)
def test_a_post_ends_with_the_last_of_its_deliveries_that_a_person_settles(
    session: Session, act: str, ends: str
) -> None:
    account, person = make.make_account(session), make.make_staff(session)
    make.make_grant(session, person, account, "publisher")
    post = m.Post(brand_id=account.brand_id, author_id=person.id, state="scheduled", created_at=NOW, updated_at=NOW)
    session.add(post)
    session.flush()
    payload = freeze(text="hello", surface="public")
    out, last = (
        m.Delivery(
            kind="post", state=state, account_id=account.id, actor_id=person.id, payload=payload, post_id=post.id,
            payload_hash=payload_hash(payload), due_at=NOW, not_before=NOW, created_at=NOW, updated_at=NOW,
        )
        for state in ("published", "due" if act == "cancel" else "needs_human")
    )  # fmt: skip
    session.add_all([out, last])
    session.flush()
    actor = load_actor(session, person, NOW)
    if act == "cancel":
        operations.cancel(session, actor, last, NOW)
    else:
        operations.decide(session, actor, last, act, NOW, remote_id="110" if act == "link" else "")
    assert post.state == ends


@pytest.mark.parametrize("may_be_out", [True, False])
def test_cancelling_does_not_end_what_a_person_is_to_look_for(session: Session, may_be_out: bool) -> None:
    account, person = make.make_account(session), make.make_staff(session)
    make.make_grant(session, person, account, "publisher")
    payload = freeze(text="hello", surface="public")
    delivery = m.Delivery(
        kind="post", state="needs_human", account_id=account.id, actor_id=person.id, payload=payload,
        payload_hash=payload_hash(payload), due_at=NOW, not_before=NOW, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    attempt = m.Attempt(
        delivery_id=delivery.id, generation=1, fence=1, worker_id="w", payload_hash="", started_at=NOW,
        state="unknown" if may_be_out else "unsent",
    )  # fmt: skip
    session.add(attempt)
    operations.cancel(session, load_actor(session, person, NOW), delivery, NOW)
    expected = ("needs_human", True) if may_be_out else ("cancelled", False)
    assert (delivery.state, delivery.withdraw) == expected
