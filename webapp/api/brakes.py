"""The brake: pulling it, what it holds, lifting it."""

from __future__ import annotations

from guichet import jobs
from guichet.errors import Invalid
from guichet.models import Brake as BrakeRow
from guichet.publishing import brakes
from guichet.publishing.held import Choice, Group, GroupChoice
from webapp.api.briefs import Names
from webapp.api.deliveries import show_delivery
from webapp.api.schemas.brakes import Brake, BrakeOrder, BrakeQuery, BrakeState, HeldGroup, Stopped
from webapp.asking import Asked, Room
from webapp.languages import told

room = Room("brake")


@room.get("/brake", BrakeState)
def get_brake(asked: Asked) -> BrakeState:
    """Whether sending is stopped, for what, since when, and how much waits."""
    return _state(asked)


@room.post("/brake", BrakeState, scope="publish")
def set_brake(asked: Asked, body: BrakeOrder) -> BrakeState:
    """Pull the brake, or lift it with a choice for everything that it held."""
    scope = _scope(body)
    if body.on:
        brakes.pull(
            asked.session, asked.actor, scope=scope, scope_id=body.scope_id, posts=body.posts, answers=body.answers,
            spares=body.spares, reason=body.reason, now=asked.now,
        )  # fmt: skip
    else:
        choices = {c.delivery_id: Choice(c.choice, c.due_at) for c in body.choices}
        groups = [
            GroupChoice(g.account_id, g.answers, g.since, g.until, Choice(g.choice, g.due_at)) for g in body.groups
        ]
        brakes.lift(
            asked.session, asked.actor, scope=scope, scope_id=body.scope_id, choices=choices, groups=groups,
            otherwise=body.held, now=asked.now,
        )  # fmt: skip
        asked.unit.enqueue(jobs.DRAIN)
    asked.session.flush()
    return _state(asked)


@room.get("/brake/stopped", Stopped)
def list_stopped(asked: Asked, query: BrakeQuery) -> Stopped:
    """What a brake that is on holds, and what was under way when it was pulled."""
    held, flying = brakes.list_stopped(asked.session, asked.actor, scope=_scope(query), scope_id=query.scope_id)
    groups = brakes.list_groups(asked.session, asked.actor, asked.now, scope=_scope(query), scope_id=query.scope_id)
    names = Names(asked.session).load(
        accounts=[*(d.account_id for d in (*held, *flying)), *(g.account_id for g in groups)]
    )
    return Stopped(
        held=[show_delivery(d, names) for d in held],
        groups=[_group(g, names) for g in groups],
        in_flight=[show_delivery(d, names) for d in flying],
    )


def _group(group: Group, names: Names) -> HeldGroup:
    return HeldGroup(
        account=names.account(group.account_id), answers=group.is_answer, lateness=group.lateness,
        first_due_at=group.first_due_at, last_due_at=group.last_due_at, count=group.count,
    )  # fmt: skip


def _scope(which: BrakeOrder | BrakeQuery) -> str:
    if (which.scope == "everything") != (which.scope_id is None):
        raise Invalid("say which one", {"scope_id": "names the brand or account, and nothing else"})
    return "all" if which.scope == "everything" else which.scope


def _state(asked: Asked) -> BrakeState:
    on = brakes.list_brakes(asked.session, asked.actor)
    held, in_flight = brakes.count_stopped(asked.session, asked.actor)
    names = Names(asked.session).load(people=[b.pulled_by for b in on])
    widest = _brake(on[0] if on else None, names)
    return BrakeState(**widest.model_dump(), held=held, in_flight=in_flight, brakes=[_brake(b, names) for b in on])


def _brake(row: BrakeRow | None, names: Names) -> Brake:
    if row is None:
        return Brake(
            id=None, on=False, posts=False, answers=False, spares=False, scope="everything", scope_id=None, since=None,
            by=None, reason="",
        )  # fmt: skip
    return Brake(
        id=row.id,
        on=True,
        posts=row.stops_posts,
        answers=row.stops_answers,
        spares=row.spares,
        scope="everything" if row.scope == "all" else row.scope,
        scope_id=row.scope_id,
        since=row.pulled_at,
        by=names.person(row.pulled_by),
        reason=told(row.reason),
    )
