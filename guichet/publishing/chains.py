"""The deliveries of a post: one chain for each account, made when it is scheduled, and kept in
step with what the post says until it is being sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze
from guichet.delivery.states import EDITABLE, FINAL, State
from guichet.models import Account, Brand, Delivery, Post, PostEditor
from guichet.policy import Action, Actor, can
from guichet.publishing.checking import Specs, require_fine
from guichet.publishing.drafting import contents_of
from guichet.publishing.rules import Content, content_hash


def create_chain(
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


def bring_in_step(
    session: Session, actor: Actor, post: Post, deliveries: Sequence[Delivery], specs: Specs, now: datetime
) -> None:
    """Make the deliveries of a scheduled post say what it says now."""
    contents = contents_of(post)
    accounts = accounts_of(session, post)
    require_fine(actor, contents, accounts, specs)
    digest = content_hash(contents)
    awaits = post.approved_hash != digest and needs_approval(session, actor, post, contents)
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
        create_chain(session, actor, post, content, accounts[account_id], digest, awaits, now)
    if awaits:
        forget_approval(post)
        post.state = "awaiting_approval"


def needs_approval(session: Session, actor: Actor, post: Post, contents: Sequence[Content]) -> bool:
    """Where the brand asks for one, or the actor may write but not publish."""
    if post.approved_hash and post.approved_hash == content_hash(contents):
        return False
    brand = session.get_one(Brand, post.brand_id)
    return brand.needs_approval or not all(can(actor, Action.POST_PUBLISH, c.account_id) for c in contents)


def say_as_approved(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """What was frozen at the submission says what the approver sees: a file may have been
    described anew since."""
    contents = contents_of(post)
    digest = content_hash(contents)
    payloads = {(c.account_id, n): p for c in contents for n, p in enumerate(_payloads(c))}
    for delivery in open_deliveries_of(session, post):
        if delivery.content_hash != digest:
            payload = payloads[delivery.account_id, delivery.item]
            delivering.replace_content(session, actor, delivery, payload, digest, now)


def forget_approval(post: Post) -> None:
    post.approved_by = post.approved_at = None
    post.approved_hash = ""


def name_editor(post: Post, actor: Actor) -> None:
    """Keep that `actor` changed what it says, whom its next approval therefore cannot come from."""
    if actor.staff_id is not None and all(e.staff_id != actor.staff_id for e in post.editors):
        post.editors.append(PostEditor(staff_id=actor.staff_id))


def is_editable(post: Post, deliveries: Sequence[Delivery]) -> bool:
    """Whether what it says may still be changed: nothing of it is being sent, or was."""
    if post.state == "draft":
        return True
    return (
        post.state in ("awaiting_approval", "scheduled")
        and bool(deliveries)
        and all(d.state in {*EDITABLE, State.CLAIMED} for d in deliveries)
    )


def accounts_of(session: Session, post: Post) -> dict[int, Account]:
    ids = [t.account_id for t in post.targets]
    return {a.id: a for a in session.scalars(select(Account).where(Account.id.in_(ids)))} if ids else {}


def deliveries_of(session: Session, post: Post) -> list[Delivery]:
    mine = select(Delivery).where(Delivery.post_id == post.id).order_by(Delivery.account_id, Delivery.item, Delivery.id)
    return list(session.scalars(mine))


def open_deliveries_of(session: Session, post: Post) -> list[Delivery]:
    return [d for d in deliveries_of(session, post) if d.state != State.CANCELLED]
