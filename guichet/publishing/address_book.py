"""The address book: whom posts mention, and what they are called on each network.

A name is of one brand or of all; where both have it, the brand's own counts. Changing it touches no
post that was sent off: what a name became there stands in the post. Who makes labels and campaigns of
a brand keeps its address book; what is for all brands is for who looks after labels everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from channels.sentences import say
from guichet import audit
from guichet.accounts.queries import in_brands_seen
from guichet.errors import Conflict, Invalid, NotFound
from guichet.instance import awaits_confirmation
from guichet.models import Account, Contact, ContactHandle
from guichet.policy import Action, Actor, require, visible
from guichet.publishing.mention_rules import Book, Entry, Handle, fold
from guichet.publishing.mention_tokens import LONGEST_NAME
from guichet.publishing.tags import require_managing

Specs = Mapping[str, ChannelSpec]
GONE = "gone"
FOUND = "found"
_OF_TOKENS = frozenset("[]{}@|\\")  # which stand around names, and in variables
_JOINERS = dict.fromkeys((0x200C, 0x200D))  # which Persian words and some emoji need


def list_contacts(
    session: Session, actor: Actor, *, brand_id: int | None = None, after: int = 0, limit: int = 200
) -> Sequence[Contact]:
    """Of the brands that the actor sees and of all, by id; with `brand_id` those that count for it."""
    require(actor, Action.STAFF_VIEW)
    seen = or_(Contact.brand_id.is_(None), in_brands_seen(session, actor, Contact.brand_id))
    wanted = select(Contact).where(Contact.id > after, seen).order_by(Contact.id).limit(limit)
    if brand_id is not None:
        wanted = wanted.where(or_(Contact.brand_id == brand_id, Contact.brand_id.is_(None)))
    return session.scalars(wanted).all()


def get_contact(session: Session, actor: Actor, contact_id: int) -> Contact:
    """Raises NotFound, also for one of a brand that the actor does not see."""
    require(actor, Action.STAFF_VIEW)
    seen = or_(Contact.brand_id.is_(None), in_brands_seen(session, actor, Contact.brand_id))
    row = session.scalars(select(Contact).where(Contact.id == contact_id, seen)).first()
    if row is None:
        raise NotFound("there is nobody of that number in the address book, or they are not yours to see")
    return row


def create_contact(
    session: Session,
    actor: Actor,
    *,
    brand_id: int | None,
    name: str,
    handles: Mapping[str, str],
    specs: Specs,
    now: datetime,
) -> Contact:
    """Somebody new; `handles` by network, as they were typed or pasted. Raises Invalid (fields name,
    handles.NETWORK), Conflict `exists`."""
    require_keeping(session, actor, brand_id)
    name, kept = checked(name, handles, specs)
    _require_free(session, brand_id, name, None)
    row = Contact(brand_id=brand_id, name=name, folded=fold(name), created_at=now)
    row.handles = [ContactHandle(network=network, handle=handle) for network, handle in kept.items()]
    session.add(row)
    session.flush()
    audit.record(session, actor, "contact.create", row, now, networks=sorted(kept))
    return row


def change_contact(
    session: Session, actor: Actor, row: Contact, *, name: str, handles: Mapping[str, str], specs: Specs, now: datetime
) -> None:
    """Another name, or other handles; what was found of a handle that stays, stays. Raises as
    `create_contact`."""
    require_keeping(session, actor, row.brand_id)
    name, kept = checked(name, handles, specs)
    _require_free(session, row.brand_id, name, row.id)
    row.name, row.folded = name, fold(name)
    here = {one.network: one for one in row.handles}
    for network, one in here.items():
        if network not in kept:
            row.handles.remove(one)
        elif one.handle != kept[network]:
            one.handle, one.remote_id, one.state, one.checked_at = kept[network], "", "", None
    row.handles += [ContactHandle(network=n, handle=handle) for n, handle in kept.items() if n not in here]
    session.flush()
    audit.record(session, actor, "contact.change", row, now, networks=sorted(kept))


def delete_contact(session: Session, actor: Actor, row: Contact, now: datetime) -> None:
    """Forget them; posts that were sent off say what they said."""
    require_keeping(session, actor, row.brand_id)
    audit.record(session, actor, "contact.delete", row, now)
    session.delete(row)
    session.flush()


@dataclass(frozen=True)
class Found:
    """What a network said of a handle: whom it found, None for nobody."""

    network: str
    handle: str
    remote_id: str | None


def require_asking(session: Session, actor: Actor, row: Contact) -> None:
    """For who keeps the entry. Raises Conflict `unconfirmed` on a copy that nobody has confirmed: it
    calls nobody."""
    require_keeping(session, actor, row.brand_id)
    if awaits_confirmation(session):
        raise Conflict("this instance was restored or copied: lift the brake to let it act", code="unconfirmed")


def askable(session: Session, actor: Actor, row: Contact) -> dict[str, tuple[str, Account | None]]:
    """Each handle by network, with the account that can ask: of the entry's own brand first, a real one
    before one of a rehearsal; None where the actor sees none."""
    networks = [one.network for one in row.handles]
    mine = select(Account).where(
        Account.network.in_(networks), Account.state != "disconnected", visible(actor, Account.id)
    )
    rows = sorted(session.scalars(mine), key=lambda a: (a.brand_id != row.brand_id, a.is_rehearsal, a.id), reverse=True)
    by = {account.network: account for account in rows}
    return {one.network: (one.handle, by.get(one.network)) for one in row.handles}


def note_found(session: Session, actor: Actor, row: Contact, found: Sequence[Found], now: datetime) -> None:
    """Keep what networks said, as far as the handle is still the one that they were asked about."""
    require_keeping(session, actor, row.brand_id)
    said = {(one.network, one.handle): one for one in found}
    for kept in row.handles:
        one = said.get((kept.network, kept.handle))
        if one is not None:
            kept.state = FOUND if one.remote_id else GONE
            kept.remote_id, kept.checked_at = (one.remote_id or "")[:300], now
    session.flush()
    gone = sorted(one.network for one in found if not one.remote_id)
    audit.record(session, actor, "contact.check", row, now, asked=sorted(o.network for o in found), gone=gone)


def require_keeping(session: Session, actor: Actor, brand_id: int | None) -> None:
    """Raises NotAllowed for who does not keep that part of the address book."""
    if brand_id is None:
        require(actor, Action.LABEL_MANAGE)
    else:
        require_managing(session, actor, brand_id)


def find_books(session: Session, brand_ids: Collection[int], names: Iterable[str] | None = None) -> dict[int, Book]:
    """Who is in the address books of these brands, those of all included; only these `names` where
    they are given. Whose right is asked is the post's, not the book's."""
    wanted = select(Contact).where(or_(Contact.brand_id.in_(brand_ids), Contact.brand_id.is_(None)))
    if names is not None:
        folded = {fold(name) for name in names}
        if not folded:
            return {id_: {} for id_ in brand_ids}
        wanted = wanted.where(Contact.folded.in_(folded))
    books: dict[int | None, dict[str, Entry]] = {None: {}}
    for row in session.scalars(wanted):
        books.setdefault(row.brand_id, {})[row.folded] = entry_of(row)
    return {id_: {**books[None], **books.get(id_, {})} for id_ in brand_ids}


def entry_of(row: Contact) -> Entry:
    """What counts of a row. Pure."""
    return Entry(row.name, {one.network: Handle(one.handle, one.remote_id, one.state == GONE) for one in row.handles})


def checked(name: str, handles: Mapping[str, str], specs: Specs) -> tuple[str, dict[str, str]]:
    """Name and handles as they are kept; an empty handle is none. Pure. Raises Invalid."""
    wrong: dict[str, str] = {}
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        wrong["name"] = say("must have 1 to {most} characters", most=LONGEST_NAME)
    elif _OF_TOKENS & set(name) or not name.translate(_JOINERS).isprintable():
        wrong["name"] = say("must hold no bracket, brace, bar or @: they stand around names in a text")
    kept: dict[str, str] = {}
    for network, given in handles.items():
        how = specs[network].mentions if network in specs else None
        if not given.strip():
            continue
        if network not in specs:
            wrong[f"handles.{network}"] = say("there is no network “{name}”", name=network[:60])
        elif how is None:
            wrong[f"handles.{network}"] = say("{title} has no mentions: the name goes out", title=specs[network].title)
        elif not (handle := how.handle(given)):
            wrong[f"handles.{network}"] = say(
                "is no handle of {title}: it looks like {example}", title=specs[network].title, example=how.example
            )
        else:
            kept[network] = handle
    if wrong:
        raise Invalid("this cannot be kept in the address book so", wrong)
    return name, dict(sorted(kept.items()))


def _require_free(session: Session, brand_id: int | None, name: str, own_id: int | None) -> None:
    same = select(Contact.id).where(Contact.folded == fold(name), Contact.id != (own_id or 0))
    of = Contact.brand_id.is_(None) if brand_id is None else Contact.brand_id == brand_id
    if session.scalars(same.where(of)).first() is not None:
        raise Conflict(say("there is a “{name}” already", name=name), code="exists")
