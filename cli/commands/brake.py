"""`guichet brake`: stop what goes out, from anywhere one can reach the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from cli.opening import find_account, find_brand, runtime_or_exit
from cli.output import Failed, Output, WronglyAsked, as_table
from guichet import jobs
from guichet.delivery.states import State
from guichet.errors import Conflict
from guichet.models import Account, Brake, Brand, Delivery
from guichet.policy import SYSTEM
from guichet.publishing import brakes, rules
from guichet.publishing.held import Choice, GroupChoice


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--account", "account_name", metavar="ACCOUNT", help="Only this account."),
        click.option("--brand", "brand_name", metavar="BRAND", help="Only the accounts of this brand."),
    ):
        command = option(command)
    return command


@click.group()
def brake() -> None:
    """Stop sending at once: everything, a brand or an account."""


@brake.command()
@_scoped
@click.option("--posts/--no-posts", default=True, show_default=True, help="Stop posts.")
@click.option("--answers/--no-answers", default=False, show_default=True, help="Stop answers to customers too.")
@click.option("--reason", default="", help="Shown on every page.")
@click.pass_obj
def on(
    output: Output, brand_name: str | None, account_name: str | None, posts: bool, answers: bool, reason: str
) -> None:
    """Pull it. What comes due is held; what had begun is listed."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        scope, scope_id = _scope(unit.session, brand_name, account_name)
        row = brakes.pull(
            unit.session, SYSTEM, scope=scope, scope_id=scope_id, posts=posts, answers=answers, reason=reason,
            now=runtime.now(),
        )  # fmt: skip
        shown = _show(unit.session, row)
        _, in_flight = brakes.count_stopped(unit.session, SYSTEM)
    output.done(
        f"The brake is on for {shown['what']}: {shown['stops']}. Calls that had begun: {in_flight}.",
        **shown,
        in_flight=in_flight,
    )


@brake.command()
@_scoped
@click.option("--held", type=click.Choice(["send", "drop"]), help="What becomes of all that is not named.")
@click.option("--send", "to_send", type=int, multiple=True, metavar="DELIVERY", help="Send this one now.")
@click.option("--drop", "to_drop", type=int, multiple=True, metavar="DELIVERY", help="Never send this one.")
@click.option("--move", "to_move", multiple=True, metavar="DELIVERY=TIME", help="Send it at 2026-03-29T14:30.")
@click.option("--send-of", multiple=True, metavar="ACCOUNT", help="Send all that is held on this account now.")
@click.option("--drop-of", multiple=True, metavar="ACCOUNT", help="Never send what is held on this account.")
@click.option(
    "--move-of", multiple=True, metavar="ACCOUNT=TIME",
    help="Send what is held on this account from then on, at the distances that it had.",
)  # fmt: skip
@click.option("--zone", default="UTC", show_default=True, help="The zone of the times in --move and --move-of.")
@click.pass_obj
def off(
    output: Output,
    brand_name: str | None,
    account_name: str | None,
    held: str | None,
    to_send: tuple[int, ...],
    to_drop: tuple[int, ...],
    to_move: tuple[str, ...],
    send_of: tuple[str, ...],
    drop_of: tuple[str, ...],
    move_of: tuple[str, ...],
    zone: str,
) -> None:
    """Lift it, with a choice for everything that it held."""
    choices = {
        **dict.fromkeys(to_send, Choice("send")),
        **dict.fromkeys(to_drop, Choice("drop")),
        **_moved(to_move, zone),
    }
    if len(choices) < len(to_send) + len(to_drop) + len(to_move):
        raise WronglyAsked("a delivery is named more than once")
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        scope, scope_id = _scope(unit.session, brand_name, account_name)
        _require_held(unit.session, choices)
        wanted = [*((a, Choice("send")) for a in send_of), *((a, Choice("drop")) for a in drop_of)]
        wanted += [_move_of(given, zone) for given in move_of]
        groups = _groups(unit.session, wanted)
        try:
            row = brakes.lift(
                unit.session, SYSTEM, scope=scope, scope_id=scope_id, choices=choices, groups=groups,
                otherwise=held, now=runtime.now(),
            )  # fmt: skip
        except Conflict as e:
            raise explained(unit.session, e) from None
        shown = _show(unit.session, row)
        unit.enqueue(jobs.DRAIN)
    output.done(f"The brake on {shown['what']} is lifted.", **shown)


@brake.command()
@click.pass_obj
def status(output: Output) -> None:
    """Which brakes are on, and how much they hold."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        rows = [_show(session, row) for row in brakes.list_brakes(session, SYSTEM)]
        held, in_flight = brakes.count_stopped(session, SYSTEM)
    waiting = f"Held: {held}. Calls that had begun: {in_flight}."
    text = f"{as_table(rows)}\n{waiting}" if rows else f"No brake is on. {waiting}"
    output.done(text, on=bool(rows), brakes=rows, held=held, in_flight=in_flight)


def _scope(session: Session, brand_name: str | None, account_name: str | None) -> tuple[str, int | None]:
    if brand_name is not None and account_name is not None:
        raise WronglyAsked("say either --brand or --account")
    if brand_name is not None:
        return "brand", find_brand(session, SYSTEM, brand_name).id
    if account_name is not None:
        return "account", find_account(session, SYSTEM, account_name).id
    return "all", None


def _moved(given: tuple[str, ...], zone: str) -> dict[int, Choice]:
    return dict(_move(one, zone) for one in given)


def _move(given: str, zone: str) -> tuple[int, Choice]:
    number, _, wall_time = given.partition("=")
    if not number.isdecimal() or len(number) > 18:
        raise WronglyAsked(f"--move {given!r}: must look like 12=2026-03-29T14:30")
    due_at: datetime = rules.due_time(wall_time, zone)
    return int(number), Choice("reschedule", due_at)


def _move_of(given: str, zone: str) -> tuple[str, Choice]:
    account, _, wall_time = given.rpartition("=")
    if not account:
        raise WronglyAsked(f"--move-of {given!r}: must look like aurore=2026-03-29T14:30")
    return account, Choice("reschedule", rules.due_time(wall_time, zone))


def _groups(session: Session, wanted: list[tuple[str, Choice]]) -> list[GroupChoice]:
    """All that is held on each account, posts and answers; at a new time, posts alone."""
    found = []
    for name, choice in wanted:
        account = find_account(session, SYSTEM, name)
        held = select(Delivery.due_at).where(Delivery.account_id == account.id, Delivery.state == State.HELD)
        times = session.scalars(held).all()
        if not times:
            raise Failed(f"nothing is held on {account.handle}")
        for is_answer in (False,) if choice.what == "reschedule" else (False, True):
            found.append(GroupChoice(account.id, is_answer, min(times), max(times), choice))
    return found


def _require_held(session: Session, choices: Mapping[int, Choice]) -> None:
    """What is named must be there to be chosen for: a slip of the pen drops nothing in silence."""
    held = set(session.scalars(select(Delivery.id).where(Delivery.id.in_(list(choices)), Delivery.state == State.HELD)))
    if set(choices) - held:
        raise Failed(f"not held by a brake: {', '.join(map(str, sorted(set(choices) - held)))}")


def explained(session: Session, refused: Conflict) -> Failed | Conflict:
    """The refusal to lift without a choice, with what is held."""
    if refused.code != "choose":
        return refused
    ids = refused.data["current"]["deliveries"]
    rows = session.execute(
        select(Delivery, Account.handle)
        .join(Account, Account.id == Delivery.account_id)
        .where(Delivery.id.in_(ids))
        .order_by(Delivery.id)
    )
    held = [
        {"delivery": d.id, "account": handle, "was due": d.due_at, "text": str(d.payload["text"])[:60]}
        for d, handle in rows
    ]
    return Failed(
        f"{refused.message}: --held send|drop for all, --send-of, --drop-of, --move-of for an account, "
        f"or --send, --drop, --move for each\n{as_table(held)}",
        code=refused.code, held=held,
    )  # fmt: skip


def _show(session: Session, row: Brake) -> dict[str, Any]:
    names = {"posts": row.stops_posts, "answers": row.stops_answers}
    return {
        "what": _name(session, row),
        "scope": "everything" if row.scope == "all" else row.scope,
        "scope_id": row.scope_id,
        "stops": " and ".join(name for name, stops in names.items() if stops),
        "since": row.pulled_at,
        "reason": row.reason,
    }


def _name(session: Session, row: Brake) -> str:
    if row.scope == "brand":
        return f"the brand {session.get_one(Brand, row.scope_id).name}"
    if row.scope == "account":
        account = session.get_one(Account, row.scope_id)
        return f"{account.handle} on {account.network}"
    return "everything"


COMMANDS = (brake,)
