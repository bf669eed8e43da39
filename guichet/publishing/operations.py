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
from guichet.delivery.states import EDITABLE, FINAL, State
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.models import Delivery, Post
from guichet.policy import Action, Actor, OrgRole, can, require_for_post
from guichet.publishing.chains import (
    accounts_of,
    bring_in_step,
    create_chain,
    deliveries_of,
    forget_approval,
    is_editable,
    name_editor,
    needs_approval,
    open_deliveries_of,
    say_as_approved,
)
from guichet.publishing.checking import Specs, preflight, require_fine
from guichet.publishing.drafting import (
    VariantSpec,
    Words,
    contents_of,
    create,
    specs_of,
    tell_of,
    words_of,
    write,
)
from guichet.publishing.rules import content_hash, due_time
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
    specs: Specs,
    now: datetime,
) -> None:
    """Change a post until it is being sent. What is None stays. `version` is the one that
    was read (Conflict `changed` where it is another now). A changed content loses its
    approval. Raises Conflict `too_late`, Invalid."""
    require_for_post(actor, Action.POST_WRITE, post)
    _require_version(session, post, version)
    if title is not None:
        post.title = title
    if post.state == "draft":
        post.wall_time = wall_time if wall_time is not None else post.wall_time
        post.time_zone = time_zone if time_zone is not None else post.time_zone
        post.fold_rule, post.gap_rule = fold_rule or post.fold_rule, gap_rule or post.gap_rule
    if words is not None or variants is not None:
        deliveries = open_deliveries_of(session, post)
        _require_editable(post, deliveries)
        given = variants if variants is not None else specs_of(post)
        for delivery in deliveries_of(session, post):
            delivery.variant_id = None  # what it sends is frozen in it; variants are written anew
        session.flush()
        before = _said(post)
        write(session, actor, post, words if words is not None else words_of(post), given, now)
        if _said(post) != before:
            name_editor(post, actor)
        if post.state != "draft":
            bring_in_step(session, actor, post, deliveries, specs, now)
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
    post.wall_time, post.time_zone, post.fold_rule, post.gap_rule = wall_time, time_zone, fold_rule, gap_rule
    _send_off(session, actor, post, max(due_at, now), for_approval, specs, now)


def publish_now(session: Session, actor: Actor, post: Post, *, specs: Specs, now: datetime) -> None:
    """Send it now; one that is scheduled is moved to now."""
    require_for_post(actor, Action.POST_WRITE, post)
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
    post.wall_time, post.time_zone, post.fold_rule, post.gap_rule = wall_time, time_zone, fold_rule, gap_rule
    if post.state == "draft":
        post.due_at = due_at
    else:
        _move(session, actor, post, max(due_at, now), now)


def cancel(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """Do not send it. What is out stays; what may be out is taken down when it is found."""
    require_for_post(actor, Action.POST_WRITE, post)
    deliveries = deliveries_of(session, post)
    for delivery in deliveries:
        if delivery.state not in FINAL:
            delivering.cancel(session, actor, delivery, now)
    if not any(d.state == State.PUBLISHED for d in deliveries):
        post.state = "cancelled"
    elif all(d.state in FINAL for d in deliveries):
        post.state = "done"
    post.updated_at = now
    audit.record(session, actor, "post.cancel", post, now)
    tell_of(session, post, now)


# ---------------------------------------------------------------- approval


def approve(session: Session, actor: Actor, post: Post, now: datetime, version: int | None = None) -> None:
    """Let it go out as it stands, which is what the approver read where they say which
    `version` that was (Conflict `changed` where it is another now). Not for who wrote it or
    changed it since it was last approved, save for administrators."""
    require_for_post(actor, Action.POST_APPROVE, post)
    _require_version(session, post, version)
    if post.state != "awaiting_approval":
        raise Conflict(
            say("it is {state}: nobody waits for an approval", state=in_words(post.state)),
            code="wrong_state",
            current=post.state,
        )
    if actor.role not in (OrgRole.ADMINISTRATOR, OrgRole.OWNER):
        if actor.staff_id == post.author_id:
            raise NotAllowed("somebody else must approve what you wrote", code="own_post")
        if any(e.staff_id == actor.staff_id for e in post.editors):
            raise NotAllowed("you changed it: somebody else must approve your words", code="own_words")
    say_as_approved(session, actor, post, now)
    post.approved_by, post.approved_at = actor.staff_id, now
    post.approved_hash = content_hash(contents_of(post))
    post.editors.clear()
    post.rejected_reason = ""
    post.state, post.updated_at = "scheduled", now
    session.flush()
    for delivery in deliveries_of(session, post):
        delivering.approve(session, actor, delivery, now)
    audit.record(session, actor, "post.approve", post, now)
    tell_of(session, post, now)


def reject(session: Session, actor: Actor, post: Post, reason: str, now: datetime) -> None:
    """Send it back to its author, as a draft."""
    require_for_post(actor, Action.POST_APPROVE, post)
    if post.state != "awaiting_approval":
        raise Conflict(
            say("it is {state}: nobody waits for an approval", state=in_words(post.state)),
            code="wrong_state",
            current=post.state,
        )
    for delivery in deliveries_of(session, post):
        if delivery.state not in FINAL:
            delivering.cancel(session, actor, delivery, now)
    post.state, post.rejected_reason, post.updated_at = "draft", reason, now
    forget_approval(post)
    audit.record(session, actor, "post.reject", post, now)
    tell_of(session, post, now)


# ---------------------------------------------------------------- within


def _send_off(
    session: Session, actor: Actor, post: Post, due_at: datetime, for_approval: bool, specs: Specs, now: datetime
) -> None:
    contents = contents_of(post)
    accounts = accounts_of(session, post)
    require_fine(actor, contents, accounts, specs)
    awaits = for_approval or needs_approval(session, actor, post, contents)
    post.due_at, post.state = due_at, "awaiting_approval" if awaits else "scheduled"
    post.rejected_reason, post.updated_at = "", now
    digest = content_hash(contents)
    session.flush()
    for content in contents:
        create_chain(session, actor, post, content, accounts[content.account_id], digest, awaits, now)
    audit.record(session, actor, "post.schedule", post, now, accounts=[c.account_id for c in contents])
    tell_of(session, post, now)


def _said(post: Post) -> tuple[Words, str]:
    """All that a post says, to tell whether a change touched it."""
    return words_of(post), content_hash(contents_of(post))


def _move(session: Session, actor: Actor, post: Post, due_at: datetime, now: datetime) -> None:
    movable = [d for d in deliveries_of(session, post) if d.state in {*EDITABLE, State.CLAIMED, State.NEEDS_HUMAN}]
    if not movable:
        raise Conflict("nothing of it is left to move", code="too_late", current=post.state)
    if post.state != "awaiting_approval" and not all(can(actor, Action.POST_PUBLISH, d) for d in movable):
        raise NotAllowed("it was agreed for its time: only who may publish moves it", code="may_not_move")
    for delivery in movable:
        delivering.reschedule(session, actor, delivery, due_at, now, post.late_limit)
    post.due_at, post.updated_at = due_at, now
    audit.record(session, actor, "post.reschedule", post, now)
    tell_of(session, post, now)


def _require_version(session: Session, post: Post, version: int | None) -> None:
    if version is not None and version != post.version:
        raise Conflict("somebody changed it since you read it", code="changed", current=post.version)


def _require_editable(post: Post, deliveries: Sequence[Delivery]) -> None:
    if not is_editable(post, deliveries):
        late = [d.id for d in deliveries if d.state not in {*EDITABLE, State.CLAIMED}]
        raise Conflict("it is being sent, or was", code="too_late", current={"state": post.state, "deliveries": late})
