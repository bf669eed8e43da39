"""What a page is told that somebody may do is what the operations let them do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from guichet import models as m
from guichet.delivery.states import State
from guichet.errors import Conflict, NotAllowed, NotFound
from guichet.policy import Actor, OrgRole
from guichet.publishing import operations
from guichet.publishing.allowed import Deed, deeds
from guichet.publishing.drafting import Words
from tests.publishing.desk import NOW, SPECS, Desk


def acts(desk: Desk, actor: Actor, post: m.Post) -> dict[Deed, Callable[[], None]]:
    session = desk.session
    time = {"wall_time": "2026-03-12T09:00", "time_zone": "Europe/Paris"}
    return {
        Deed.CHANGE: lambda: operations.change(session, actor, post, words=Words("Other"), specs=SPECS, now=NOW),
        Deed.MOVE: lambda: operations.reschedule(session, actor, post, **time, now=NOW),
        Deed.CANCEL: lambda: operations.cancel(session, actor, post, NOW),
        Deed.DELETE: lambda: operations.delete_draft(session, actor, post, NOW),
    }


def is_let(desk: Desk, act: Callable[[], None]) -> bool:
    """Whether it passes; nothing of it stays."""
    desk.session.flush()
    kept = desk.session.begin_nested()
    try:
        act()
        desk.session.flush()
    except (Conflict, NotAllowed, NotFound):
        return False
    finally:
        kept.rollback()
        desk.session.expire_all()
    return True


@pytest.mark.parametrize("state", ["draft", "awaiting_approval", "scheduled", "sending", "published", "edited"])
def test_what_is_offered_is_what_is_let_and_nothing_else(desk: Desk, state: str) -> None:
    post = desk.post(desk.author)
    if state != "draft":
        desk.schedule(post, desk.author)
    if state == "edited":
        operations.change(desk.session, desk.publisher, post, words=Words("Mine"), specs=SPECS, now=NOW)
    elif state in ("scheduled", "sending", "published"):
        operations.approve(desk.session, desk.publisher, post, NOW)
    if state in ("sending", "published"):
        for delivery in desk.deliveries(post):
            delivery.state = State(state)
    if state == "published":
        post.state = "done"
    people = {
        "author": desk.author,
        "publisher": desk.publisher,
        "stranger": desk.stranger,
        "half": replace(desk.publisher, accounts={desk.here.id: desk.publisher.accounts[desk.here.id]}),
        "administrator": replace(desk.stranger, role=OrgRole.ADMINISTRATOR),
    }
    for name, actor in people.items():
        offered = set(deeds(actor, post, desk.deliveries(post)))
        let = {deed for deed, act in acts(desk, actor, post).items() if is_let(desk, act)}
        let -= {Deed.CANCEL} if state in ("draft", "published") else set()  # it changes nothing that anybody sees
        assert offered == let, name


def test_what_may_be_out_already_is_not_moved(desk: Desk) -> None:
    post = desk.post()
    desk.schedule(post)
    delivery = desk.deliveries(post)[0]
    delivery.state = State.NEEDS_HUMAN
    desk.session.add(
        m.Attempt(
            delivery_id=delivery.id, generation=1, state="unknown", worker_id="w", fence=1, started_at=NOW,
            payload_hash="", evidence={},
        )
    )  # fmt: skip
    desk.session.flush()
    desk.session.expire(delivery)
    assert Deed.MOVE not in deeds(desk.publisher, post, desk.deliveries(post))
    assert not is_let(desk, acts(desk, desk.publisher, post)[Deed.MOVE])
