"""What was made of files: cut as a post shows them, or for networks that would refuse them; and
which account gets it.

It is made where there is time for it (a file that was just uploaded, somebody who writes with
it), and chosen when a post is sent off: from then on the post holds it, whatever becomes of
the network's limits, and what is approved, frozen and sent are its bytes. What nobody made is
refused: a picture never goes out whole where something was to be cut out of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from channels.contract import MediaLimit, Surface
from guichet.delivery.bounds import Bounds, Fitted, bounds_for, joined
from guichet.delivery.materials import Made, choose, foreseen_of, instead_of, made_of, ref_of
from guichet.delivery.payload import MediaRef
from guichet.errors import NotFound
from guichet.models import Account, Media, Post, Rendition, TargetRendition
from guichet.policy import Action, Actor, can, require, visible
from guichet.publishing.checking import Specs
from guichet.publishing.drafting import cut_of
from guichet.publishing.framing import Frame, recipe_of
from guichet.publishing.rules import Content

THUMBNAIL = "thumbnail"
POSTER = "poster"  # one picture of a film


def limit_of(account: Account, specs: Specs) -> MediaLimit | None:
    """What the account's network takes with a public post."""
    return limits_on(account, specs).get(Surface.PUBLIC)


def limits_on(account: Account, specs: Specs) -> Mapping[Surface, MediaLimit]:
    """What the account's network takes, in public, directly and by mail."""
    return specs[account.network].limits_for(account.settings).media


def get_rendition(session: Session, actor: Actor, media: Media, rendition_id: int) -> Rendition:
    """One that was made of a file that the actor sees. Raises NotFound."""
    require(actor, Action.STAFF_VIEW)
    row = session.get(Rendition, rendition_id)
    if row is None or row.media_id != media.id:
        raise NotFound("there is no such file, or it is not yours to see")
    return row


def list_renditions(session: Session, actor: Actor, media: Media) -> Sequence[Rendition]:
    """What was made, or is being made, for networks of a file that the actor sees; what failed too."""
    require(actor, Action.STAFF_VIEW)
    wanted = select(Rendition).where(Rendition.media_id == media.id, Rendition.recipe.not_in((THUMBNAIL, POSTER)))
    return session.scalars(wanted.options(joinedload(Rendition.job)).order_by(Rendition.id)).all()


def find_thumbnail(session: Session, actor: Actor, media: Media) -> Rendition | None:
    """A file that the actor sees, small; None where nothing smaller was made."""
    require(actor, Action.STAFF_VIEW)
    return made_of(session, [media.id]).get((media.id, THUMBNAIL))


def find_poster(session: Session, actor: Actor, media: Media) -> Rendition | None:
    """One picture of a film that the actor sees; None where none is known."""
    require(actor, Action.STAFF_VIEW)
    return made_of(session, [media.id]).get((media.id, POSTER))


def fitted(content: Content, framing: Mapping[int, Frame], limit: MediaLimit | None, made: Made) -> Content:
    """The content with what was made in place of what is shown otherwise (`framing`, by file),
    or what the network would refuse. Pure."""
    parts = []
    for part in content.parts:
        refs, uncut = [], set()
        for at, ref in enumerate(part.media):
            frame = framing.get(ref.media_id)
            cut = recipe_of(frame, ref.width, ref.height)
            found = choose(ref, cut, limit, made)
            if cut and found is None:
                uncut.add(at)
            seen = replace(ref, focus=frame.focus) if frame else ref
            refs.append(instead_of(seen, found) if found else seen)
        parts.append(replace(part, media=tuple(refs), uncut=frozenset(uncut)))
    return replace(content, parts=tuple(parts))


def keep_renditions(session: Session, post: Post, accounts: Mapping[int, Account], specs: Specs) -> None:
    """Settle which account of the post gets a rendition of which file. A file that is still
    refused has none."""
    media_ids = {used.media_id for variant in post.variants for used in variant.files}
    made = foreseen_of(session, media_ids)
    for target in post.targets:
        limit = limit_of(accounts[target.account_id], specs)
        held = {r.media_id: r for r in target.renditions}
        wanted: dict[int, Rendition] = {}
        for used in target.variant.files:
            found = choose(ref_of(used.media), cut_of(used), limit, made)
            if found is not None:
                wanted[used.media_id] = found
        for media_id in held.keys() - wanted.keys():
            target.renditions.remove(held[media_id])
        for media_id, rendition in wanted.items():
            if media_id not in held:
                target.renditions.append(TargetRendition(media_id=media_id, rendition=rendition))
            elif held[media_id].rendition_id != rendition.id:
                held[media_id].rendition = rendition
    session.flush()


# ---------------------------------------------------------------- making them


def missing(shown: MediaRef, cut: str, limits: Iterable[MediaLimit | None], made: Made) -> list[Bounds]:
    """What is still to be made of the file, or of what was cut out of it, to lie within these limits."""
    wanted = (bounds_for(shown, limit) for limit in limits)
    each = {joined(cut, bounds.recipe): bounds for bounds in wanted if bounds is not None}
    return [bounds for recipe, bounds in each.items() if (shown.media_id, recipe) not in made]


def writing_accounts(session: Session, actor: Actor, ids: Sequence[int] | None = None) -> Sequence[Account]:
    """The accounts on which the actor may write posts or answer; of `ids`, each of which they must."""
    for account_id in ids or ():
        if not can(actor, Action.CONVERSATION_ANSWER, account_id):
            require(actor, Action.POST_WRITE, account_id)
    writes = or_(*(visible(actor, Account.id, a) for a in (Action.POST_WRITE, Action.CONVERSATION_ANSWER)))
    wanted = select(Account).where(writes, Account.state != "disconnected")
    return session.scalars(wanted.where(Account.id.in_(ids)) if ids is not None else wanted).all()


def add_rendition(
    session: Session, actor: Actor, media: Media, recipe: str, made: Fitted, *, storage_key: str, now: datetime
) -> Rendition:
    """Keep what was made and stored of a file that the actor sees; what somebody else made
    meanwhile stands."""
    require(actor, Action.STAFF_VIEW)
    there = made_of(session, [media.id]).get((media.id, recipe))
    if there is not None:
        return there
    row = Rendition(
        media_id=media.id, recipe=recipe, sha256=hashlib.sha256(made.data).hexdigest(), mime=made.mime,
        size=len(made.data), width=made.width, height=made.height, storage_key=storage_key, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row
