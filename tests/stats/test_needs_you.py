"""What needs a person: told apart by what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.delivery.payload import freeze, payload_hash
from guichet.delivery.states import AttemptState, State
from guichet.policy import load_actor
from guichet.stats import needs_you
from tests import factories as make
from tests.factories import NOW


@dataclass
class Desk:
    session: Session
    account: m.Account
    planner: m.Staff
    grant: m.Grant
    reader: m.Staff
    made: list[m.Delivery] = field(default_factory=list)

    def deliver(self, state: State, **more: object) -> m.Delivery:
        payload = freeze(text="hello", surface="public")
        given = {"kind": "post", "actor_id": self.planner.id, **more}
        row = m.Delivery(
            state=state, account_id=self.account.id, payload=payload, payload_hash=payload_hash(payload), due_at=NOW,
            not_before=NOW, created_at=NOW, updated_at=NOW, **given,
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        return row

    def listed(self, reader: m.Staff | None = None) -> dict[str, list[int]]:
        """Ids of deliveries by kind of matter."""
        found = needs_you.read(self.session, load_actor(self.session, reader or self.reader, NOW), NOW)
        kinds: dict[str, list[int]] = {}
        for doubt in found.items:
            if doubt.delivery is not None:
                kinds.setdefault(doubt.kind, []).append(doubt.delivery.id)
        return kinds


@pytest.fixture
def desk(session: Session) -> Desk:
    account = make.make_account(session)
    planner, reader = make.make_staff(session), make.make_staff(session)
    grant = make.make_grant(session, planner, account, "publisher")
    make.make_grant(session, reader, account, "publisher")
    return Desk(session, account, planner, grant, reader)


def test_what_may_be_out_is_another_matter_than_what_surely_is_not(desk: Desk) -> None:
    doubtful, late = desk.deliver(State.NEEDS_HUMAN), desk.deliver(State.NEEDS_HUMAN, reason_code="late")
    desk.session.add(
        m.Attempt(
            delivery_id=doubtful.id, generation=1, fence=1, worker_id="w", payload_hash="", started_at=NOW,
            state=AttemptState.UNKNOWN,
        )
    )  # fmt: skip
    desk.session.flush()
    found = needs_you.read(desk.session, load_actor(desk.session, desk.reader, NOW), NOW)
    by_kind = {d.kind: d for d in found.items}
    assert by_kind["unknown_delivery"].delivery is doubtful
    assert by_kind["unknown_delivery"].choices == ("link", "resend", "drop")
    assert by_kind["stopped_delivery"].delivery is late
    assert "link" not in by_kind["stopped_delivery"].choices


@pytest.mark.parametrize("state", [State.SCHEDULED, State.DUE, State.BLOCKED])
def test_what_somebody_planned_who_left_or_lost_the_right_is_listed_with_their_name(desk: Desk, state: State) -> None:
    planned = desk.deliver(state)
    assert desk.listed() == {}
    desk.grant.role = "author"
    desk.session.flush()
    assert desk.listed() == {"orphaned_schedule": [planned.id]}
    desk.grant.role = "publisher"
    desk.planner.disabled_at = NOW
    desk.session.flush()
    found = needs_you.read(desk.session, load_actor(desk.session, desk.reader, NOW), NOW).items
    assert [(d.kind, d.staff_id, d.choices) for d in found] == [
        ("orphaned_schedule", desk.planner.id, ("take_over", "drop"))
    ]


def test_what_awaits_an_approval_is_orphaned_only_when_its_author_has_left(desk: Desk) -> None:
    waiting = desk.deliver(State.AWAITING_APPROVAL)
    desk.grant.role = "author"
    desk.session.flush()
    assert desk.listed() == {}
    desk.planner.disabled_at = NOW
    desk.session.flush()
    assert desk.listed() == {"orphaned_schedule": [waiting.id]}


def test_who_may_not_decide_there_is_asked_nothing(desk: Desk) -> None:
    desk.deliver(State.NEEDS_HUMAN)
    desk.deliver(State.FAILED)
    onlooker = make.make_staff(desk.session)
    make.make_grant(desk.session, onlooker, desk.account, "author")
    assert desk.listed(onlooker) == {}
    assert set(desk.listed()) == {"stopped_delivery", "failed_delivery"}
