"""`guichet series`: posts that repeat by a rule, each date a post of its own. Who acts is named,
and acts in their own right, by the same operations as the pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from sqlalchemy.orm import Session

from channels import registry
from cli.opening import act_as, runtime_or_exit
from cli.output import Failed, Output, as_table
from guichet import jobs
from guichet.models import Post
from guichet.policy import SYSTEM
from guichet.publishing import operations, queries
from guichet.publishing import series as repeating
from guichet.publishing.drafting import words_of
from guichet.publishing.rules import standing

_WORDS = 40  # characters of a post that tell it apart in a list

as_option = click.option("--as", "email", required=True, metavar="EMAIL", help="Who does it, in their own right.")
post_argument = click.argument("post_id", metavar="POST", type=click.IntRange(1, 2**62))
series_argument = click.argument("series_id", metavar="SERIES", type=click.IntRange(1, 2**62))


@click.group()
def series() -> None:
    """Posts that repeat by a rule."""


@series.command("list")
@click.option("--all", "with_past", is_flag=True, help="Those of which nothing is to come too.")
@click.pass_obj
def list_(output: Output, with_past: bool) -> None:
    """Which series there are, and what is to come of each."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        found = repeating.list_series(session, SYSTEM)
        rows = [
            {
                "series": one.series.id, "rule": one.series.rule, "from": one.series.wall_time,
                "zone": one.series.time_zone, "posts": one.posts, "to come": one.to_come, "next": one.next_at,
            }
            for one in found
            if with_past or one.to_come
        ]  # fmt: skip
    output.table(rows, "Nothing repeats.")


@series.command()
@series_argument
@click.pass_obj
def show(output: Output, series_id: int) -> None:
    """Every date of SERIES, and how it stands."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        of = repeating.get_series(session, SYSTEM, series_id)
        rows = _rows(session, repeating.posts_of(session, SYSTEM, of))
        about = {"series": of.id, "rule": of.rule, "zone": of.time_zone}
    output.done(f"{as_table([about])}\n{as_table(rows)}", **about, posts=rows)


@series.command()
@post_argument
@as_option
@click.option("--rule", required=True, metavar="RRULE", help='Such as "FREQ=WEEKLY;BYDAY=MO;COUNT=10" (RFC 5545).')
@click.option("--at", "wall_time", required=True, metavar="TIME", help="The first date, such as 2026-03-29T14:30.")
@click.option("--zone", required=True, metavar="ZONE", help="IANA zone of --at.")
@click.option("--for-approval", is_flag=True, help="Ask for an approval also where nobody demands it.")
@click.pass_obj
def make(
    output: Output, post_id: int, email: str, rule: str, wall_time: str, zone: str, for_approval: bool
) -> None:  # fmt: skip
    """Schedule POST, a draft, at every date of a rule; each is a post of its own."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        session, now = unit.session, runtime.now()
        actor = act_as(session, email, now)
        posts = repeating.repeat(
            session, actor, queries.get_post(session, actor, post_id), rule=rule, wall_time=wall_time, time_zone=zone,
            for_approval=for_approval, specs=registry.specs_by_name(), now=now,
        )  # fmt: skip
        unit.enqueue(jobs.DRAIN)
        made, rows = posts[0].series_id, _rows(session, posts)
    output.done(f"Series {made} has {len(rows)} dates.\n{as_table(rows)}", series=made, posts=rows)


@series.command()
@post_argument
@as_option
@click.pass_obj
def skip(output: Output, post_id: int, email: str) -> None:
    """Leave one date out: POST is not sent, the others stay."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        actor = act_as(unit.session, email, runtime.now())
        post = queries.get_post(unit.session, actor, post_id)
        if post.series_id is None:
            raise Failed(f"post {post_id} does not repeat", code="no_series")
        operations.cancel(unit.session, actor, post, runtime.now())
        state, of = post.state, post.series_id
    output.done(f"Post {post_id} of series {of} is left out.", post=post_id, series=of, state=state)


@series.command()
@series_argument
@as_option
@click.pass_obj
def end(output: Output, series_id: int, email: str) -> None:
    """Send nothing more of SERIES, dates that were changed by themselves among it."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        session, now = unit.session, runtime.now()
        actor = act_as(session, email, now)
        posts = repeating.posts_of(session, actor, repeating.get_series(session, actor, series_id))
        ended = [p for p in posts if p.state in repeating.CHANGEABLE and p.due_at is not None and p.due_at > now]
        if not ended:
            raise Failed(f"nothing of series {series_id} is to come", code="too_late")
        repeating.cancel_following(session, actor, ended[0], now)
        count = len(ended)
    output.done(f"Series {series_id} is ended: {count} dates are not sent.", series=series_id, cancelled=count)


def _rows(session: Session, posts: Sequence[Post]) -> list[dict[str, Any]]:
    deliveries = queries.deliveries_of(session, SYSTEM, [p.id for p in posts])
    return [
        {
            "post": p.id, "at": p.wall_time, "due": p.due_at,
            "state": standing(p.state, [d.state for d in deliveries[p.id]]), "changed": p.is_exception,
            "says": words_of(p).text[:_WORDS],
        }
        for p in posts
    ]  # fmt: skip


COMMANDS = (series,)
