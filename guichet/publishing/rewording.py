"""Giving a post other words, until it is being sent; and what repeats them follows.

A wording of an evergreen queue is repeated by occurrences. Those that have not begun say
what it says now, and lose their approval with it; those that were changed or moved by
themselves stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from guichet import audit
from guichet.delivery.states import EDITABLE, State
from guichet.errors import Conflict
from guichet.models import Delivery, Post
from guichet.policy import Actor
from guichet.publishing.allowed import UNPLANNED, is_editable
from guichet.publishing.chains import (
    accounts_of,
    bring_in_step,
    deliveries_of,
    note_change,
    open_deliveries_of,
    settle_content,
)
from guichet.publishing.checking import Specs, require_fine
from guichet.publishing.clashes import require_no_refusal
from guichet.publishing.drafting import VariantSpec, Words, contents_of, specs_of, tell_of, words_of, write
from guichet.publishing.rules import content_hash
from guichet.publishing.versions import begin_versions


def reword(
    session: Session,
    actor: Actor,
    post: Post,
    words: Words | None,
    variants: Sequence[VariantSpec] | None,
    specs: Specs,
    now: datetime,
    *,
    tags_links: bool | None = None,
) -> None:
    """Let it say this, on these accounts; what is None stays. Raises Conflict `too_late`,
    Invalid where a network would refuse what is planned."""
    deliveries = open_deliveries_of(session, post)
    _require_editable(post, deliveries)
    given = variants if variants is not None else specs_of(post)
    for delivery in deliveries_of(session, post):
        delivery.variant_id = None  # what it sends is frozen in it; variants are written anew
    session.flush()
    begin_versions(session, post)
    before = _said(post)
    post.tags_links = post.tags_links if tags_links is None else tags_links
    write(session, actor, post, words if words is not None else words_of(post), given, now)
    if post.state != "draft":
        settle_content(session, post, accounts_of(session, post), specs, now)
    if _said(post) != before:
        note_change(session, post, actor, now)
    if post.state not in UNPLANNED:
        require_no_refusal(session, actor, contents_of(post), post.due_at or now, post.id)
        bring_in_step(session, actor, post, deliveries, specs, now)
    if post.state == "evergreen":
        require_fine(actor, contents_of(post), accounts_of(session, post), specs)
        _follow(session, actor, post, specs, now)


def _follow(session: Session, actor: Actor, wording: Post, specs: Specs, now: datetime) -> None:
    words, wanted = words_of(wording), {s.account_id: s for s in specs_of(wording)}
    for one in following(session, wording):
        on = [wanted[t.account_id] for t in one.targets if t.account_id in wanted]
        if not on or not is_editable(one, open_deliveries_of(session, one)):
            continue
        reword(session, actor, one, words, on, specs, now, tags_links=wording.tags_links)
        one.updated_at = now
        flag_modified(one, "updated_at")
        audit.record(session, actor, "post.change", one, now)
        tell_of(session, one, now)


def following(session: Session, wording: Post) -> Sequence[Post]:
    """What repeats a wording and has not been changed or moved by itself, as far as it is planned."""
    planned = Post.state.in_(("awaiting_approval", "scheduled"))
    wanted = select(Post).where(Post.wording_id == wording.id, planned, Post.is_exception.is_(False))
    return session.scalars(wanted.order_by(Post.due_at, Post.id)).all()


def _said(post: Post) -> tuple[Words, str]:
    """All that a post says, to tell whether a change touched it."""
    return words_of(post), content_hash(contents_of(post))


def _require_editable(post: Post, deliveries: Sequence[Delivery]) -> None:
    if not is_editable(post, deliveries):
        late = [d.id for d in deliveries if d.state not in {*EDITABLE, State.CLAIMED}]
        raise Conflict("it is being sent, or was", code="too_late", current={"state": post.state, "deliveries": late})
