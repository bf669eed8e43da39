"""`guichet queue`: posts that go out again and again. Who acts is named, and acts in their own
right, by the same operations as the pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from channels import registry
from cli.opening import act_as, find_account, find_brand, runtime_or_exit
from cli.output import Failed, Output, WronglyAsked, as_table
from guichet import jobs
from guichet.evergreen import items, queues, reading
from guichet.evergreen.overview import Entry, Overview, count_posts, overlook
from guichet.evergreen.rules import ORDERINGS
from guichet.models import EvergreenQueue
from guichet.policy import SYSTEM, Actor
from guichet.publishing import queries
from guichet.publishing.drafting import words_of
from guichet.publishing.openings import WeekSlot
from guichet.publishing.tags import fold

_WORDS = 40  # characters of a post that tell it apart in a list
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

as_option = click.option("--as", "email", required=True, metavar="EMAIL", help="Who does it, in their own right.")
queue_argument = click.argument("wanted", metavar="QUEUE")
item_argument = click.argument("item_id", metavar="ITEM", type=click.IntRange(1, 2**62))


def _limits(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--times", "most_times", type=click.IntRange(1, items.MOST_TIMES), help="At most this often."),
        click.option("--until", "last_day", type=click.DateTime(["%Y-%m-%d"]), help="The last day that it goes out."),
        click.option(
            "--season", nargs=2, metavar="FROM TO", help="Only then in each year: two days such as 11-15 01-06."
        ),
    ):
        command = option(command)
    return command


@click.group()
def queue() -> None:
    """Posts that go out again and again, in slots that nothing else takes."""


@queue.command("list")
@click.pass_obj
def list_(output: Output) -> None:
    """Which queues there are."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        rows = reading.list_queues(session, SYSTEM)
        counts = count_posts(session, SYSTEM, [r.id for r in rows], runtime.now())
        shown = [{**_row(session, r), "posts": counts[r.id][0], "planned": counts[r.id][1]} for r in rows]
    output.table(shown, "There is no queue.")


@queue.command()
@queue_argument
@click.pass_obj
def show(output: Output, wanted: str) -> None:
    """What QUEUE (its number or name) holds, what is planned, and why a post does not come next."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        row = _find(session, SYSTEM, wanted)
        found = overlook(session, SYSTEM, row, registry.specs_by_name(), runtime.now())
        about, handles = _row(session, row), {a.id: a.handle for a in reading.accounts_of(session, row)}
        posts = [_entry(entry) for entry in found.entries]
        planned = [
            {"post": p.post.id, "item": p.post.evergreen_id, "at": p.post.wall_time, "zone": p.post.time_zone,
             "accounts": _names(handles, p.account_ids), "state": p.post.state}
            for p in found.planned
        ]  # fmt: skip
        empty = _empty(found, handles)
    parts = [as_table([about]), "Posts:", as_table(posts), "Planned:", as_table(planned)]
    parts += ["Slots that stay empty:", as_table(empty)] if empty else []
    if row.missed and row.missed_at is not None:
        parts.append(f"On {row.missed_at:%Y-%m-%d} {row.missed} slots had passed unfilled: they were left out.")
    output.done("\n".join(part for part in parts if part), queue=about, posts=posts, planned=planned, empty=empty)


@queue.command()
@click.argument("name")
@as_option
@click.option("--brand", "brand_name", required=True, metavar="BRAND", help="Its brand.")
@click.option("--account", "accounts", multiple=True, required=True, metavar="ACCOUNT", help="Repeat for several.")
@click.option("--label", default="", help="Fill only the accounts' slots of this name.")
@click.option("--slot", "slots", multiple=True, metavar="DAY@TIME", help="A slot of its own, such as mon@09:00.")
@click.option("--order", "ordering", type=click.Choice(ORDERINGS), default="listed", show_default=True)
@click.option("--rest", type=click.IntRange(0, queues.MOST_REST), default=30, show_default=True,
              help="Days before a post returns to an account.")  # fmt: skip
@click.option("--ahead", type=click.IntRange(1, queues.MOST_AHEAD), default=7, show_default=True,
              help="Days that it plans ahead.")  # fmt: skip
@click.pass_obj
def make(
    output: Output, name: str, email: str, brand_name: str, accounts: tuple[str, ...], label: str,
    slots: tuple[str, ...], ordering: str, rest: int, ahead: int,
) -> None:  # fmt: skip
    """Make a queue called NAME."""
    week = tuple(_slot(given) for given in slots)
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        session, now = unit.session, runtime.now()
        actor = act_as(session, email, now)
        ids = tuple(find_account(session, actor, a).id for a in accounts)
        setting = queues.Setting(name, ids, label, week, ordering, rest, ahead)
        row = queues.create_queue(session, actor, find_brand(session, actor, brand_name), setting, now)
        shown = _row(session, row)
        unit.enqueue(jobs.TEND)
    output.done(f"The queue “{shown['name']}” is made; its number is {shown['id']}.", **shown)


@queue.command()
@queue_argument
@click.argument("post_id", metavar="POST", type=click.IntRange(1, 2**62))
@as_option
@_limits
@click.pass_obj
def add(
    output: Output, wanted: str, post_id: int, email: str, season: tuple[str, str] | None,
    last_day: datetime | None, most_times: int | None,
) -> None:  # fmt: skip
    """Put POST into QUEUE: a draft itself, of anything else a copy."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        session, now = unit.session, runtime.now()
        actor = act_as(session, email, now)
        limits = items.Limits(False, *(season or ("", "")), _day(last_day), most_times)
        row, post = _find(session, actor, wanted), queries.get_post(session, actor, post_id)
        item = items.add_item(session, actor, row, post, limits, registry.specs_by_name(), now)
        unit.enqueue(jobs.TEND)
        item_id, name = item.id, row.name
    output.done(f"It is in the queue “{name}” as number {item_id}.", item=item_id, queue=name)


@queue.command()
@item_argument
@click.argument("text")
@as_option
@click.pass_obj
def word(output: Output, item_id: int, text: str, email: str) -> None:
    """Give ITEM another wording; they take turns."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        session, now = unit.session, runtime.now()
        actor = act_as(session, email, now)
        item = reading.get_item(session, actor, item_id)
        row = reading.get_queue(session, actor, item.queue_id)
        made = items.add_wording(session, actor, row, item, text, registry.specs_by_name(), now)
        unit.enqueue(jobs.TEND)
        post_id = made.id
    output.done(f"It has another wording, post {post_id}.", item=item_id, post=post_id)


@queue.command()
@click.argument("wanted", metavar="QUEUE", required=False)
@click.option("--item", "item_id", metavar="ITEM", type=click.IntRange(1, 2**62), help="Only this post of a queue.")
@as_option
@click.pass_obj
def pause(output: Output, wanted: str | None, item_id: int | None, email: str) -> None:
    """Let QUEUE, or one ITEM, rest; what it had planned is called off."""
    _rest(output, wanted, item_id, email, is_paused=True)


@queue.command()
@click.argument("wanted", metavar="QUEUE", required=False)
@click.option("--item", "item_id", metavar="ITEM", type=click.IntRange(1, 2**62), help="Only this post of a queue.")
@as_option
@click.pass_obj
def resume(output: Output, wanted: str | None, item_id: int | None, email: str) -> None:
    """Let QUEUE, or one ITEM, go on."""
    _rest(output, wanted, item_id, email, is_paused=False)


@queue.command()
@item_argument
@as_option
@click.pass_obj
def drop(output: Output, item_id: int, email: str) -> None:
    """Take ITEM out of its queue, and call off what is planned of it."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        session, now = unit.session, runtime.now()
        actor = act_as(session, email, now)
        item = reading.get_item(session, actor, item_id)
        items.remove_item(session, actor, reading.get_queue(session, actor, item.queue_id), item, now)
    output.done("It is out of the queue.", item=item_id)


@queue.command()
@queue_argument
@as_option
@click.pass_obj
def remove(output: Output, wanted: str, email: str) -> None:
    """End QUEUE, and call off what it planned."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        actor = act_as(unit.session, email, runtime.now())
        row = _find(unit.session, actor, wanted)
        queues.remove_queue(unit.session, actor, row, runtime.now())
        name = row.name
    output.done(f"The queue “{name}” is ended.", queue=name)


def _rest(output: Output, wanted: str | None, item_id: int | None, email: str, *, is_paused: bool) -> None:
    if (wanted is None) == (item_id is None):
        raise WronglyAsked("say either QUEUE or --item")
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        session, now = unit.session, runtime.now()
        actor = act_as(session, email, now)
        if item_id is not None:
            item = reading.get_item(session, actor, item_id)
            row, limits = reading.get_queue(session, actor, item.queue_id), items.limits_of(item)
            items.change_item(session, actor, row, item, replace(limits, is_paused=is_paused), now)
        else:
            row = _find(session, actor, wanted or "")
            queues.change_queue(session, actor, row, replace(queues.setting_of(row), is_paused=is_paused), now)
        unit.enqueue(jobs.TEND)
        name = row.name
    what = f"Post {item_id} of “{name}”" if item_id is not None else f"The queue “{name}”"
    output.done(f"{what} {'rests' if is_paused else 'goes on'}.", queue=name, item=item_id, paused=is_paused)


def _find(session: Session, actor: Actor, wanted: str) -> EvergreenQueue:
    """By its number or name. Raises Failed for none and for several."""
    rows = reading.list_queues(session, actor)
    fitting = [r for r in rows if wanted == str(r.id) or r.folded == fold(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        numbers = ", ".join(str(r.id) for r in fitting)
        raise Failed(f"{wanted!r} is the name of several queues: give the number ({numbers})")
    raise Failed(f"there is no queue {wanted!r}; there are: {', '.join(r.name for r in rows) or 'none'}")


def _row(session: Session, row: EvergreenQueue) -> dict[str, Any]:
    slots = ", ".join(f"{_DAYS[s['weekday']]}@{s['at']}" for s in row.week) or row.label or "all slots"
    return {
        "id": row.id, "name": row.name, "accounts": ", ".join(a.handle for a in reading.accounts_of(session, row)),
        "slots": slots, "order": row.ordering, "rest": row.rest_days, "ahead": row.horizon_days,
        "paused": row.is_paused,
    }  # fmt: skip


def _entry(entry: Entry) -> dict[str, Any]:
    why = ", ".join(f"{s.name} until {s.until:%Y-%m-%d}" if s.until else s.name for s in entry.standings)
    return {
        "item": entry.item.id, "says": words_of(entry.wordings[0]).text[:_WORDS] if entry.wordings else "",
        "wordings": len(entry.wordings), "times": entry.times, "next": entry.next_at, "waits": why,
        "needs wordings": entry.needs_wordings or None,
    }  # fmt: skip


def _empty(found: Overview, handles: dict[int, str]) -> list[dict[str, Any]]:
    return [
        {"at": t.place.wall_time, "zone": t.place.time_zone, "accounts": _names(handles, t.place.account_ids),
         "why": ", ".join(f"{r.item_id}: {r.name}" if r.item_id else r.name for r in t.passed)}
        for t in found.turns
        if t.item_id is None
    ]  # fmt: skip


def _names(handles: dict[int, str], ids: tuple[int, ...]) -> str:
    return ", ".join(handles[i] for i in ids)


def _slot(given: str) -> WeekSlot:
    day, _, at = given.partition("@")
    if day.lower() not in _DAYS or not at:
        raise WronglyAsked(f"--slot {given!r}: must look like mon@09:00")
    return WeekSlot(_DAYS.index(day.lower()), at)


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()


COMMANDS = (queue,)
