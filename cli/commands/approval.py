"""`guichet approval`: what waits for somebody's agreement, and deciding about it. Who decides
is named, and decides in their own right, by the same operations as the pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from cli.opening import act_as, runtime_or_exit
from cli.output import Failed, Output, WronglyAsked, as_table
from guichet import jobs
from guichet.models import Post, Review
from guichet.policy import Actor
from guichet.publishing import approving, queries
from guichet.publishing.deciding import Outcome, Read, decide, require_askable
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


class _AsRead(click.ParamType[Read]):
    """A post, and after a colon the version of it that was read."""

    name = "post"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Read:
        number, _, version = str(value).partition(":")
        if not re.fullmatch(r"[1-9]\d{0,17}", number) or (version and not re.fullmatch(r"[1-9]\d{0,8}", version)):
            self.fail(f"{value!r} must look like 12, or 12:3 for its version 3", param, ctx)
        return Read(int(number), int(version) if version else None)


posts_argument = click.argument("posts", metavar="POST[:VERSION]...", nargs=-1, required=True, type=_AsRead())


@approval.command()
@posts_argument
@as_option
@click.option("--version", type=click.IntRange(min=1), help="The version of a single POST that was read.")
@click.option("--comment", default="", help="Kept with the approval.")
@click.pass_obj
def approve(output: Output, posts: tuple[Read, ...], email: str, version: int | None, comment: str) -> None:
    """Agree to each POST as it stands, where it is one's turn; with its version, only as it was read."""
    if version is not None:
        if len(posts) != 1:
            raise WronglyAsked("--version is for one post: write 12:3 13:1 for several")
        posts = (Read(posts[0].post_id, version),)
    _decide(output, "approve", email, posts, comment)


@approval.command()
@posts_argument
@as_option
@click.option("--comment", required=True, help="What should be otherwise; its author reads it.")
@click.pass_obj
def reject(output: Output, posts: tuple[Read, ...], email: str, comment: str) -> None:
    """Send each POST back to its author, with a comment."""
    _decide(output, "reject", email, posts, comment)


def _decide(output: Output, choice: str, email: str, posts: Sequence[Read], comment: str) -> None:
    """Each by itself: what is refused says why, and the others are done."""
    runtime = runtime_or_exit()
    now = runtime.now()
    with runtime.reading() as session:
        actor = act_as(session, email, now)
    require_askable(actor, choice, posts, comment)
    outcomes = []
    for one in posts:
        with runtime.unit() as unit:
            outcomes.append(decide(unit.session, actor, choice, one, now, comment))
            unit.enqueue(jobs.DRAIN)
    if len(outcomes) == 1:
        _tell_one(output, choice, actor, outcomes[0])
    else:
        _tell_all(output, choice, actor, outcomes)


def _tell_one(output: Output, choice: str, actor: Actor, one: Outcome) -> None:
    if one.refused is not None:
        raise one.refused
    if choice == "reject":
        output.done(f"{actor.name} sent post {one.post_id} back.", id=one.post_id, state=one.state)
        return
    more = "; others are still asked" if one.still_waits else ""
    text = f"{actor.name} agreed to post {one.post_id}{more}."
    output.done(text, id=one.post_id, state=one.state, still_waits=one.still_waits)


def _tell_all(output: Output, choice: str, actor: Actor, outcomes: Sequence[Outcome]) -> None:
    rows = [
        {"post": one.post_id, "state": one.state, "refused": one.refused.message if one.refused else None}
        for one in outcomes
    ]
    done = sum(one.refused is None for one in outcomes)
    text = f"{actor.name} {'agreed to' if choice == 'approve' else 'sent back'} {done} of {len(outcomes)} posts."
    if done < len(outcomes):
        raise Failed(f"{text}\n{as_table(rows)}", done=done, items=rows)
    output.done(text, done=done, items=rows)


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
