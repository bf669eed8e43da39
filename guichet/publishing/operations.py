"""What people do with posts. Scheduling turns a post into deliveries, one chain for each
account; from then on the deliveries are what goes out, and the post tells how they stand.

An approval is bound to the content: whatever is changed afterwards, by anybody, is not
what was approved, and the starting UPDATE of the engine sees that too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from channels.sentences import say
from guichet import audit
from guichet.delivery import operations as delivering
from guichet.delivery.states import FINAL, State
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.models import Post
from guichet.policy import Action, Actor, require_for_post
from guichet.publishing.allowed import may_move, movable
from guichet.publishing.approving import approve, reject, send_unapproved
from guichet.publishing.chains import (
    accounts_of,
    create_chain,
    deliveries_of,
    open_deliveries_of,
    require_version,
    settle_content,
)
from guichet.publishing.checking import Specs, preflight, require_fine
from guichet.publishing.clashes import require_no_refusal
from guichet.publishing.drafting import (
    VariantSpec,
    Words,
    contents_of,
    create,
    tell_of,
)
from guichet.publishing.embargo import require_after_embargo
from guichet.publishing.reviewing import ask, close, open_reviews, stand
from guichet.publishing.rewording import following, reword
from guichet.publishing.rules import due_time
from guichet.publishing.versions import begin_versions
from guichet.wording import in_words

__all__ = [
    "VariantSpec",
    "Words",
    "approve",
    "cancel",
    "change",
    "create",
    "delete_draft",
    "preflight",
    "publish_now",
    "reject",
    "reschedule",
    "schedule",
    "send_unapproved",
]

_PAST = timedelta(minutes=1)  # a time that passed while somebody typed is "now"


# ---------------------------------------------------------------- drafts


def change(
    session: Session,
    actor: Actor,
    post: Post,
    *,
    version: int | None = None,
    words: Words | None = None,
    variants: Sequence[VariantSpec] | None = None,
    title: str | None = None,
    wall_time: str | None = None,
    time_zone: str | None = None,
    fold_rule: str | None = None,
    gap_rule: str | None = None,
    goes_on: bool | None = None,
    tags_links: bool | None = None,
    late_limit: int | None = None,
    specs: Specs,
    now: datetime,
) -> None:
    """Change a post until it is being sent. What is None stays. `version` is the one that
    was read (Conflict `changed` where it is another now). A changed content loses its
    approval. Raises Conflict `too_late`, Invalid."""
    require_for_post(actor, Action.POST_WRITE, post)
    require_version(session, post, version)
    post.is_exception = post.is_occurrence
    if title is not None:
        post.title = title
    if goes_on is not None and goes_on != post.goes_on:
        for one in (post, *following(session, post)):
            one.goes_on = goes_on
        audit.record(session, actor, "post.goes_on", post, now, goes_on=goes_on)
    if post.state == "draft":
        post.wall_time = wall_time if wall_time is not None else post.wall_time
        post.time_zone = time_zone if time_zone is not None else post.time_zone
        post.fold_rule, post.gap_rule = fold_rule or post.fold_rule, gap_rule or post.gap_rule
    if late_limit is not None and late_limit != post.late_limit:
        post.late_limit = late_limit
        for delivery in open_deliveries_of(session, post):
            delivering.limit_lateness(session, actor, delivery, late_limit, now)
    turned = tags_links is not None and tags_links != post.tags_links
    if words is not None or variants is not None or turned:
        reword(session, actor, post, words, variants, specs, now, tags_links=tags_links)
    post.updated_at = now
    flag_modified(post, "updated_at")  # words are rows of their own; the version tells of them too
    audit.record(session, actor, "post.change", post, now)
    tell_of(session, post, now)


def delete_draft(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """Throw a draft away. Raises Conflict for what was ever scheduled."""
    require_for_post(actor, Action.POST_WRITE, post)
    if post.state != "draft" or deliveries_of(session, post):
        raise Conflict("only drafts are deleted; this was scheduled", code="not_a_draft", current=post.state)
    audit.record(session, actor, "post.delete", post, now)
    tell_of(session, post, now)
    session.delete(post)


# ---------------------------------------------------------------- scheduling


def schedule(
    session: Session,
    actor: Actor,
    post: Post,
    *,
    wall_time: str,
    time_zone: str,
    fold_rule: str = "first",
    gap_rule: str = "later",
    for_approval: bool = False,
    specs: Specs,
    now: datetime,
) -> None:
    """Send it at a wall time in a zone. Where an approval is needed, or asked for by
    `for_approval`, it waits for that. Raises Invalid (`problems` by account where a network
    would refuse it), Conflict."""
    require_for_post(actor, Action.POST_WRITE, post)
    if post.state != "draft":
        raise Conflict(
            say("it is {state} already: move it instead", state=in_words(post.state)),
            code="already_scheduled",
            current=post.state,
        )
    due_at = due_time(wall_time, time_zone, fold_rule, gap_rule)
    if due_at < now - _PAST:
        raise Invalid("that time is past", {"wall_time": "is in the past"})
    require_after_embargo(post, due_at)
    post.wall_time, post.time_zone, post.fold_rule, post.gap_rule = wall_time, time_zone, fold_rule, gap_rule
    _send_off(session, actor, post, max(due_at, now), for_approval, specs, now)


def publish_now(session: Session, actor: Actor, post: Post, *, specs: Specs, now: datetime) -> None:
    """Send it now; one that is scheduled is moved to now."""
    require_for_post(actor, Action.POST_WRITE, post)
    require_after_embargo(post, now)
    if post.state == "draft":
        post.wall_time = None
        _send_off(session, actor, post, now, False, specs, now)
    else:
        _move(session, actor, post, now, now)


def reschedule(
    session: Session,
    actor: Actor,
    post: Post,
    *,
    wall_time: str,
    time_zone: str,
    fold_rule: str = "first",
    gap_rule: str = "later",
    now: datetime,
) -> None:
    """Move what has not gone out. Raises Conflict where nothing is left to move."""
    require_for_post(actor, Action.POST_WRITE, post)
    due_at = due_time(wall_time, time_zone, fold_rule, gap_rule)
    if due_at < now - _PAST:
        raise Invalid("that time is past", {"wall_time": "is in the past"})
    require_after_embargo(post, due_at)
    post.wall_time, post.time_zone, post.fold_rule, post.gap_rule = wall_time, time_zone, fold_rule, gap_rule
    post.is_exception = post.is_occurrence
    if post.state == "draft":
        post.due_at = due_at
    else:
        _move(session, actor, post, max(due_at, now), now)


def cancel(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """Do not send it. What is out stays; what may be out is taken down when it is found."""
    require_for_post(actor, Action.POST_WRITE, post)
    if post.state == "evergreen":
        raise Conflict("it is kept in a queue: take it out there", code="in_a_queue", current=post.state)
    deliveries = deliveries_of(session, post)
    for delivery in deliveries:
        if delivery.state not in FINAL:
            delivering.cancel(session, actor, delivery, now)
    for review in open_reviews(session, [post.id], ("waiting",)):
        close(review, "void", now)
    if not any(d.state == State.PUBLISHED for d in deliveries):
        post.state = "cancelled"
    elif all(d.state in FINAL for d in deliveries):
        post.state = "done"
    post.updated_at = now
    audit.record(session, actor, "post.cancel", post, now)
    tell_of(session, post, now)


# ---------------------------------------------------------------- within


def _send_off(
    session: Session, actor: Actor, post: Post, due_at: datetime, for_approval: bool, specs: Specs, now: datetime
) -> None:
    accounts = accounts_of(session, post)
    settle_content(session, post, accounts, specs, now, anew=True)
    contents = contents_of(post)
    require_fine(actor, contents, accounts, specs)
    require_no_refusal(session, actor, contents, due_at, post.id)
    post.due_at = due_at
    begin_versions(session, post)
    waits = ask(session, actor, post, contents, accounts, now, always=for_approval)
    stand(post, waits)
    post.rejected_reason, post.updated_at = "", now
    session.flush()
    for content in contents:
        create_chain(
            session, actor, post, content, accounts[content.account_id], content.account_id in waits, now
        )  # fmt: skip
    audit.record(session, actor, "post.schedule", post, now, accounts=[c.account_id for c in contents])
    tell_of(session, post, now)


def _move(session: Session, actor: Actor, post: Post, due_at: datetime, now: datetime) -> None:
    moving = movable(deliveries_of(session, post))
    if not moving:
        raise Conflict("nothing of it is left to move", code="too_late", current=post.state)
    if not may_move(actor, moving):
        raise NotAllowed("it was agreed for its time: only who may publish moves it", code="may_not_move")
    require_no_refusal(session, actor, contents_of(post), due_at, post.id)
    for delivery in moving:
        delivering.reschedule(session, actor, delivery, due_at, now, post.late_limit)
    post.due_at, post.updated_at = due_at, now
    waits = ask(session, actor, post, contents_of(post), accounts_of(session, post), now)
    if waits:  # also where what was agreed to was agreed to for its time
        stand(post, waits)
        for delivery in moving:
            if delivery.account_id in waits:
                delivering.withhold(session, actor, delivery, now)
    audit.record(session, actor, "post.reschedule", post, now)
    tell_of(session, post, now)
