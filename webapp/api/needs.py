"""What needs a person, and the brake."""

from __future__ import annotations

from guichet import jobs
from guichet.errors import Invalid
from guichet.models import Brake as BrakeRow
from guichet.publishing import brakes
from guichet.stats import needs_you
from webapp.api.briefs import Names
from webapp.api.deliveries import show_detail
from webapp.api.schemas.publishing import Brake, BrakeOrder, BrakeState, Doubt, NeedsYou
from webapp.asking import Asked, Room

room = Room("needs-you")


@room.get("/needs-you", NeedsYou)
def get_needs_you(asked: Asked) -> NeedsYou:
    """Everything that waits for a person's decision, on the accounts one may decide for."""
    found = needs_you.read(asked.session, asked.actor, asked.now)
    names = Names(asked.session).load(accounts=[d.account_id for d in found.items])
    return NeedsYou(
        total=sum(found.counts.values()), counts=found.counts, items=[_doubt(d, names) for d in found.items]
    )


def _doubt(doubt: needs_you.Doubt, names: Names) -> Doubt:
    return Doubt(
        id=doubt.key,
        kind=doubt.kind,
        title=doubt.title,
        text=doubt.text,
        since=doubt.since,
        delivery=show_detail(doubt.delivery, names) if doubt.delivery else None,
        account=names.account_or_none(doubt.account_id),
        post_id=doubt.post_id,
        dead_letter_id=doubt.dead_letter_id,
        evidence=list(doubt.evidence),
        choices=list(doubt.choices),
    )


@room.get("/brake", BrakeState)
def get_brake(asked: Asked) -> BrakeState:
    """Whether sending is stopped, for what, since when, and how much waits."""
    return _state(asked)


@room.post("/brake", BrakeState, scope="publish")
def set_brake(asked: Asked, body: BrakeOrder) -> BrakeState:
    """Pull the brake, or lift it with a choice for everything that it held."""
    scope = "all" if body.scope == "everything" else body.scope
    if (scope == "all") != (body.scope_id is None):
        raise Invalid("say which one", {"scope_id": "names the brand or account, and nothing else"})
    if body.on:
        brakes.pull(
            asked.session, asked.actor, scope=scope, scope_id=body.scope_id, posts=body.posts, answers=body.answers,
            reason=body.reason, now=asked.now,
        )  # fmt: skip
    else:
        choices = {c.delivery_id: brakes.Choice(c.choice, c.due_at) for c in body.choices}
        brakes.lift(
            asked.session, asked.actor, scope=scope, scope_id=body.scope_id, choices=choices,
            otherwise=body.held, now=asked.now,
        )  # fmt: skip
        asked.unit.enqueue(jobs.DRAIN)
    asked.session.flush()
    return _state(asked)


def _state(asked: Asked) -> BrakeState:
    on = brakes.list_brakes(asked.session, asked.actor)
    held, in_flight = brakes.count_stopped(asked.session, asked.actor)
    names = Names(asked.session).load(people=[b.pulled_by for b in on])
    widest = _brake(on[0] if on else None, names)
    return BrakeState(**widest.model_dump(), held=held, in_flight=in_flight, brakes=[_brake(b, names) for b in on])


def _brake(row: BrakeRow | None, names: Names) -> Brake:
    if row is None:
        return Brake(
            id=None, on=False, posts=False, answers=False, scope="everything", scope_id=None, since=None, by=None,
            reason="",
        )  # fmt: skip
    return Brake(
        id=row.id,
        on=True,
        posts=row.stops_posts,
        answers=row.stops_answers,
        scope="everything" if row.scope == "all" else row.scope,
        scope_id=row.scope_id,
        since=row.pulled_at,
        by=names.person(row.pulled_by),
        reason=row.reason,
    )
