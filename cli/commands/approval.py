"""`guichet approval`: what waits for somebody's agreement, and deciding about it. Who decides
is named, and decides in their own right, by the same operations as the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from cli.opening import act_as, runtime_or_exit
from cli.output import Output
from guichet import jobs
from guichet.models import Post, Review
from guichet.policy import Actor
from guichet.publishing import approving, queries
from guichet.publishing.reviewing import Turns, reviews_with_posts
from guichet.publishing.steps import GUEST, Standing

_WORDS = 40  # characters of a post that tell it apart in a list

as_option = click.option("--as", "email", required=True, metavar="EMAIL", help="Who decides, in their own right.")
post_argument = click.argument("post_id", metavar="POST", type=click.IntRange(1, 2**62))


@click.group()
def approval() -> None:
    """Posts that wait for somebody to agree."""


@approval.command("list")
@click.option("--as", "email", metavar="EMAIL", help="Only those that it is this person's turn to decide about.")
@click.pass_obj
def list_(output: Output, email: str | None) -> None:
    """What waits, on which account, and for whom."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        now = runtime.now()
        actor = act_as(session, email, now) if email is not None else None
        turns = Turns(session, now)
        rows = [
            _waiting(session, turns, post, review)
            for post, reviews in reviews_with_posts(session, "waiting")
            for review in reviews
            if actor is None or turns.may_decide(actor, review, post)
        ]
    output.table(rows, "Nothing waits for an approval.")


def _waiting(session: Session, turns: Turns, post: Post, review: Review) -> dict[str, Any]:
    account = queries.accounts_of(session, post)[review.account_id]
    said = post.title or next((v.text for v in post.variants if v.is_base), "")
    return {
        "post": post.id,
        "version": post.version,
        "account": f"{account.network}:{account.handle}",
        "step": f"{review.step + 1}/{len(review.steps)}",
        "waits_for": _asked(session, turns.standing(review, post)),
        "due": post.due_at,
        "says": said if len(said) <= _WORDS else f"{said[: _WORDS - 1]}…",
    }


def _asked(session: Session, standing: Standing) -> str:
    people = sorted((standing.waits_for | standing.deputies) - {GUEST})
    names = [queries.name_of(session, i) for i in people]
    outside = ["somebody from outside"] if GUEST in standing.waits_for else []
    return ", ".join([*names, *outside]) or "anybody who may approve there"


@approval.command()
@post_argument
@as_option
@click.option("--version", type=click.IntRange(min=1), help="The version that was read; refused where it is another.")
@click.option("--comment", default="", help="Kept with the approval.")
@click.pass_obj
def approve(output: Output, post_id: int, email: str, version: int | None, comment: str) -> None:
    """Agree to POST as it stands, where it is one's turn."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        actor, post = _found(unit.session, email, post_id, now := runtime.now())
        approving.approve(unit.session, actor, post, now, version, reason=comment.strip())
        unit.enqueue(jobs.DRAIN)
        still = post.state == "awaiting_approval"
    more = "; others are still asked" if still else ""
    output.done(f"{actor.name} agreed to post {post_id}{more}.", id=post_id, state=post.state, still_waits=still)


@approval.command()
@post_argument
@as_option
@click.option("--comment", required=True, help="What should be otherwise; its author reads it.")
@click.pass_obj
def reject(output: Output, post_id: int, email: str, comment: str) -> None:
    """Send POST back to its author, with a comment."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        actor, post = _found(unit.session, email, post_id, now := runtime.now())
        approving.reject(unit.session, actor, post, comment.strip(), now)
    output.done(f"{actor.name} sent post {post_id} back.", id=post_id, state=post.state)


@approval.command("break-glass")
@post_argument
@as_option
@click.option("--reason", required=True, help="Why nobody could be asked; everybody who was asked reads it.")
@click.pass_obj
def break_glass(output: Output, post_id: int, email: str, reason: str) -> None:
    """Let POST go out though nobody agreed: for administrators. Everybody who was asked is told."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        actor, post = _found(unit.session, email, post_id, now := runtime.now())
        approving.send_unapproved(unit.session, actor, post, reason, now)
        unit.enqueue(jobs.DRAIN)
    output.done(f"Post {post_id} goes out without approval. It is in the log.", id=post_id, state=post.state)


def _found(session: Session, email: str, post_id: int, now: datetime) -> tuple[Actor, Post]:
    actor = act_as(session, email, now)
    return actor, queries.get_post(session, actor, post_id)


COMMANDS = (approval,)
