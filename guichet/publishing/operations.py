"""What people do with posts. Scheduling turns a post into deliveries, one chain for each
account; from then on the deliveries are what goes out, and the post tells how they stand.

An approval is bound to the content: whatever is changed afterwards, by anybody, is not
what was approved, and the starting UPDATE of the engine sees that too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from channels.sentences import say
from guichet import audit
from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze
from guichet.delivery.states import EDITABLE, FINAL, State
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.models import Account, Brand, Delivery, Post
from guichet.policy import Action, Actor, OrgRole, can, require_for_post
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
from guichet.publishing.rules import Content, content_hash, due_time
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
        deliveries = _open_deliveries(session, post)
        _require_editable(post, deliveries)
        given = variants if variants is not None else specs_of(post)
        for delivery in _deliveries(session, post):
            delivery.variant_id = None  # what it sends is frozen in it; variants are written anew
        session.flush()
        before = _said(post)
        write(session, actor, post, words if words is not None else words_of(post), given, now)
        if _said(post) != before:
            post.edited_by = actor.staff_id
        if post.state != "draft":
            _bring_in_step(session, actor, post, deliveries, specs, now)
    post.updated_at = now
    flag_modified(post, "updated_at")  # words are rows of their own; the version tells of them too
    audit.record(session, actor, "post.change", post, now)
    tell_of(session, post, now)


def delete_draft(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """Throw a draft away. Raises Conflict for what was ever scheduled."""
    require_for_post(actor, Action.POST_WRITE, post)
    if post.state != "draft" or _deliveries(session, post):
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
    deliveries = _deliveries(session, post)
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
    `version` that was (Conflict `changed` where it is another now). Not one's own words,
    first or last, save for administrators."""
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
        if actor.staff_id == post.edited_by:
            raise NotAllowed("you changed it last: somebody else must approve your words", code="own_words")
    _say_as_approved(session, actor, post, now)
    post.approved_by, post.approved_at = actor.staff_id, now
    post.approved_hash = content_hash(contents_of(post))
    post.rejected_reason = ""
    post.state, post.updated_at = "scheduled", now
    session.flush()
    for delivery in _deliveries(session, post):
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
    for delivery in _deliveries(session, post):
        if delivery.state not in FINAL:
            delivering.cancel(session, actor, delivery, now)
    post.state, post.rejected_reason, post.updated_at = "draft", reason, now
    _forget_approval(post)
    audit.record(session, actor, "post.reject", post, now)
    tell_of(session, post, now)


# ---------------------------------------------------------------- within


def _send_off(
    session: Session, actor: Actor, post: Post, due_at: datetime, for_approval: bool, specs: Specs, now: datetime
) -> None:
    contents = contents_of(post)
    accounts = _accounts(session, post)
    require_fine(actor, contents, accounts, specs)
    awaits = for_approval or _needs_approval(session, actor, post, contents)
    post.due_at, post.state = due_at, "awaiting_approval" if awaits else "scheduled"
    post.rejected_reason, post.updated_at = "", now
    digest = content_hash(contents)
    session.flush()
    for content in contents:
        _create_chain(session, actor, post, content, accounts[content.account_id], digest, awaits, now)
    audit.record(session, actor, "post.schedule", post, now, accounts=[c.account_id for c in contents])
    tell_of(session, post, now)


def _create_chain(
    session: Session, actor: Actor, post: Post, content: Content, account: Account, digest: str, awaits: bool,
    now: datetime,
) -> None:  # fmt: skip
    target = next(t for t in post.targets if t.account_id == account.id)
    chain: list[Delivery] = []
    for n, (part, payload) in enumerate(zip(content.parts, _payloads(content), strict=True)):
        above = chain[0 if part.kind == "first_comment" else -1] if chain else None
        made = delivering.create(
            session, actor, account=account, kind=part.kind, payload=payload,
            due_at=post.due_at or now, now=now, post_id=post.id, variant_id=target.variant_id, item=n,
            predecessor=above, late_limit=post.late_limit, content_hash=digest, awaits_approval=awaits,
        )  # fmt: skip
        chain.append(made)


def _payloads(content: Content) -> list[dict[str, object]]:
    return [
        freeze(
            text=part.text, surface="public", media=part.media, language=content.language,
            subject=content.subject, options=content.options,
        )
        for part in content.parts
    ]  # fmt: skip


def _bring_in_step(
    session: Session, actor: Actor, post: Post, deliveries: Sequence[Delivery], specs: Specs, now: datetime
) -> None:
    """Make the deliveries of a scheduled post say what it says now."""
    contents = contents_of(post)
    accounts = _accounts(session, post)
    require_fine(actor, contents, accounts, specs)
    digest = content_hash(contents)
    awaits = post.approved_hash != digest and _needs_approval(session, actor, post, contents)
    wanted = {c.account_id: c for c in contents}
    targets = {t.account_id: t for t in post.targets}
    chains: dict[int, list[Delivery]] = {}
    for delivery in sorted(deliveries, key=lambda d: d.item):
        chains.setdefault(delivery.account_id, []).append(delivery)
    for account_id, chain in chains.items():
        content = wanted.get(account_id)
        if content is not None and [p.kind for p in content.parts] == [d.kind for d in chain]:
            for delivery, payload in zip(chain, _payloads(content), strict=True):
                delivering.replace_content(session, actor, delivery, payload, digest, now)
                delivery.variant_id = targets[account_id].variant_id
                if awaits:
                    delivering.withhold(session, actor, delivery, now)
            del wanted[account_id]
        else:
            delivering.cancel(session, actor, chain[0], now)
            for delivery in chain[1:]:
                if delivery.state not in FINAL:
                    delivering.cancel(session, actor, delivery, now)
    for account_id, content in wanted.items():
        _create_chain(session, actor, post, content, accounts[account_id], digest, awaits, now)
    if awaits:
        _forget_approval(post)
        post.state = "awaiting_approval"


def _said(post: Post) -> tuple[Words, str]:
    """All that a post says, to tell whether a change touched it."""
    return words_of(post), content_hash(contents_of(post))


def _needs_approval(session: Session, actor: Actor, post: Post, contents: Sequence[Content]) -> bool:
    """Where the brand asks for one, or the actor may write but not publish."""
    if post.approved_hash and post.approved_hash == content_hash(contents):
        return False
    brand = session.get_one(Brand, post.brand_id)
    return brand.needs_approval or not all(can(actor, Action.POST_PUBLISH, c.account_id) for c in contents)


def _say_as_approved(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """What was frozen at the submission says what the approver sees: a file may have been
    described anew since."""
    contents = contents_of(post)
    digest = content_hash(contents)
    payloads = {(c.account_id, n): p for c in contents for n, p in enumerate(_payloads(c))}
    for delivery in _open_deliveries(session, post):
        if delivery.content_hash != digest:
            payload = payloads[delivery.account_id, delivery.item]
            delivering.replace_content(session, actor, delivery, payload, digest, now)


def _forget_approval(post: Post) -> None:
    post.approved_by = post.approved_at = None
    post.approved_hash = ""


def _move(session: Session, actor: Actor, post: Post, due_at: datetime, now: datetime) -> None:
    movable = [d for d in _deliveries(session, post) if d.state in {*EDITABLE, State.CLAIMED, State.NEEDS_HUMAN}]
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
    if post.state == "draft":
        return
    late = [d.id for d in deliveries if d.state not in {*EDITABLE, State.CLAIMED}]
    if late or not deliveries or post.state in ("done", "cancelled"):
        raise Conflict("it is being sent, or was", code="too_late", current={"state": post.state, "deliveries": late})


def _accounts(session: Session, post: Post) -> dict[int, Account]:
    ids = [t.account_id for t in post.targets]
    return {a.id: a for a in session.scalars(select(Account).where(Account.id.in_(ids)))} if ids else {}


def _deliveries(session: Session, post: Post) -> list[Delivery]:
    mine = select(Delivery).where(Delivery.post_id == post.id).order_by(Delivery.account_id, Delivery.item, Delivery.id)
    return list(session.scalars(mine))


def _open_deliveries(session: Session, post: Post) -> list[Delivery]:
    return [d for d in _deliveries(session, post) if d.state != State.CANCELLED]
