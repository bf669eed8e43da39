"""`guichet instance`: after a restore or a copy, a person says that this one may act."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import select

from cli.commands.brake import explained
from cli.opening import runtime_or_exit
from cli.output import Failed, Output
from guichet import instance as instances
from guichet import jobs
from guichet.errors import Conflict
from guichet.models import Instance
from guichet.policy import SYSTEM
from guichet.publishing import brakes


@click.group()
def instance() -> None:
    """Which installation this is. A restored or copied one waits until somebody confirms it."""


@instance.command()
@click.pass_obj
def status(output: Output) -> None:
    """Whether it may act; ends with 1 where it waits for a person."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        row = session.scalars(select(Instance).limit(1)).first()
        on = [b.reason for b in brakes.list_brakes(session, SYSTEM) if b.scope == "all"]
    shown: dict[str, Any] = {
        "id": row.instance_id if row else None,
        "public_url": row.public_url if row else None,
        "seen_at": row.seen_at if row else None,
        "waits_since": row.unconfirmed_since if row else None,
    }
    if row is not None and row.unconfirmed_since is not None:
        raise Failed(f"it waits for a person: {on[0] if on else 'confirm it'}; guichet instance confirm", **shown)
    output.done(
        f"It may act. Last seen {row.seen_at:%Y-%m-%d %H:%M} UTC." if row else "Nothing ever ran here.", **shown
    )


@instance.command()
@click.option("--held", type=click.Choice(["send", "drop"]), help="What becomes of everything that is overdue.")
@click.pass_obj
def confirm(output: Output, held: str | None) -> None:
    """Let it act: lifts the brake on everything, once what was on its way is settled.

    For a choice for each thing that is overdue use `guichet brake off`, which confirms too.
    """
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        if not instances.awaits_confirmation(unit.session):
            raise Failed("nothing waits to be confirmed", code="confirmed")
        try:
            brakes.lift(unit.session, SYSTEM, otherwise=held, now=runtime.now())
        except Conflict as e:
            raise explained(unit.session, e) from None
        unit.enqueue(jobs.DRAIN)
    output.done("Confirmed: it acts from now on.", confirmed=True)


COMMANDS = (instance,)
