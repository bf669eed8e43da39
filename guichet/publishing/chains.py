"""The deliveries of a post: one chain for each account, made when it is scheduled, and kept in
step with what the post says until it is being sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze
from guichet.delivery.states import FINAL, State
from guichet.errors import Conflict
from guichet.models import Account, Delivery, Post, PostEditor
from guichet.policy import Actor
from guichet.publishing.checking import Specs, require_fine
from guichet.publishing.converting import ask_for_post
from guichet.publishing.drafting import contents_of
from guichet.publishing.linking import keep_link_tags
from guichet.publishing.mentioning import keep_names
from guichet.publishing.renditions import keep_renditions
from guichet.publishing.reviewing import ask, stand
from guichet.publishing.rules import Content, content_hash
from guichet.publishing.versions import keep_version


def create_chain(
    session: Session, actor: Actor, post: Post, content: Content, account: Account, awaits: bool, now: datetime
) -> None:
    """One delivery for each part of what the account gets, each behind the one before."""
    target = next(t for t in post.targets if t.account_id == account.id)
    chain: list[Delivery] = []
    for n, (part, payload) in enumerate(zip(content.parts, _payloads(content), strict=True)):
        above = chain[0 if part.kind == "first_comment" else -1] if chain else None
        made = delivering.create(
            session, actor, account=account, kind=part.kind, payload=payload,
            due_at=post.due_at or now, now=now, post_id=post.id, variant_id=target.variant_id, item=n,
            predecessor=above, late_limit=post.late_limit, content_hash=content_hash([content]),
            awaits_approval=awaits,
        )  # fmt: skip
        chain.append(made)


def _payloads(content: Content) -> list[dict[str, object]]:
    return [
        freeze(
            text=part.text, surface="public", media=part.media, language=content.language,
            subject=content.subject, options=content.options, card=part.card,
        )
        for part in content.parts
    ]  # fmt: skip


def bring_in_step(
    session: Session, actor: Actor, post: Post, deliveries: Sequence[Delivery], specs: Specs, now: datetime
) -> None:
    """Make the deliveries of a scheduled post say what it says now."""
    accounts = accounts_of(session, post)
    settle_content(session, post, accounts, specs, now)
    contents = contents_of(post)
    require_fine(actor, contents, accounts, specs)
    waits = ask(session, actor, post, contents, accounts, now)
    wanted = {c.account_id: c for c in contents}
    targets = {t.account_id: t for t in post.targets}
    chains: dict[int, list[Delivery]] = {}
    for delivery in sorted(deliveries, key=lambda d: d.item):
        chains.setdefault(delivery.account_id, []).append(delivery)
    for account_id, chain in chains.items():
        content = wanted.get(account_id)
        if content is not None and [p.kind for p in content.parts] == [d.kind for d in chain]:
            for delivery, payload in zip(chain, _payloads(content), strict=True):
                delivering.replace_content(session, actor, delivery, payload, content_hash([content]), now)
                delivery.variant_id = targets[account_id].variant_id
                if account_id in waits:
                    delivering.withhold(session, actor, delivery, now)
            del wanted[account_id]
        else:
            delivering.cancel(session, actor, chain[0], now)
            for delivery in chain[1:]:
                if delivery.state not in FINAL:
                    delivering.cancel(session, actor, delivery, now)
    for account_id, content in wanted.items():
        create_chain(session, actor, post, content, accounts[account_id], account_id in waits, now)
    stand(post, waits)


def settle_content(
    session: Session, post: Post, accounts: Mapping[int, Account], specs: Specs, now: datetime, *, anew: bool = False
) -> None:
    """Choose what each account gets in place of what was written and uploaded: from here on the
    post holds it. `anew`: also where it held something already."""
    ask_for_post(session, post, accounts, specs, now)
    keep_renditions(session, post, accounts, specs)
    for target in post.targets:
        target.gives_cards = specs[accounts[target.account_id].network].card == "given"
    keep_link_tags(session, post, accounts, now, anew=anew)
    keep_names(session, post, accounts, specs, anew=anew)


def note_change(session: Session, post: Post, actor: Actor, now: datetime) -> None:
    """Keep what it says now and that `actor` changed it: they are not asked to agree to it."""
    keep_version(session, post, actor.staff_id, now)
    if actor.staff_id is not None:
        note_writer(post, actor.staff_id)


def note_writer(post: Post, staff_id: int) -> None:
    """Some of its words are this person's, whoever its author is."""
    if all(e.staff_id != staff_id for e in post.editors):
        post.editors.append(PostEditor(staff_id=staff_id))


def inherit(copy: Post, post: Post) -> None:
    """What holds for a post holds for a part of it that became a post of its own: its embargo,
    what it does in a crisis, whether its links are tagged, who wrote it, its labels and its campaign."""
    copy.embargo_wall_time, copy.embargo_time_zone = post.embargo_wall_time, post.embargo_time_zone
    copy.embargo_at, copy.goes_on, copy.tags_links = post.embargo_at, post.goes_on, post.tags_links
    wrote = {post.author_id, *(e.staff_id for e in post.editors)} - {copy.author_id}
    copy.editors = [PostEditor(staff_id=i) for i in sorted(wrote)]
    copy.tags = list(post.tags)


def require_version(session: Session, post: Post, version: int | None) -> None:
    """Raises Conflict where `version` was read (None: nothing was) and it is another now."""
    if version is not None and version != post.version:
        raise Conflict("somebody changed it since you read it", code="changed", current=post.version)


def accounts_of(session: Session, post: Post) -> dict[int, Account]:
    ids = [t.account_id for t in post.targets]
    return {a.id: a for a in session.scalars(select(Account).where(Account.id.in_(ids)))} if ids else {}


def deliveries_of(session: Session, post: Post) -> list[Delivery]:
    mine = select(Delivery).where(Delivery.post_id == post.id).order_by(Delivery.account_id, Delivery.item, Delivery.id)
    return list(session.scalars(mine))


def open_deliveries_of(session: Session, post: Post) -> list[Delivery]:
    return [d for d in deliveries_of(session, post) if d.state != State.CANCELLED]
