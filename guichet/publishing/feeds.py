"""Feeds: addresses at which other calendars read what a brand has planned. Who holds one reads as
its maker would, and no longer than that: everything is asked anew at each reading.

A feed holds no secret again once it was told; it ends when it is revoked, and with its maker's
access.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.accounts.queries import get_brand
from guichet.errors import GuichetError, Invalid, NotAllowed, NotFound
from guichet.models import Account, Brand, CalendarFeed, Staff
from guichet.policy import Action, Actor, can, load_actor, require, visible
from guichet.publishing.calendar import Entry, read_calendar
from guichet.staff.rules import hash_secret, new_secret

BEFORE, AHEAD = timedelta(days=60), timedelta(days=400)  # what of the brand's time is in a feed
_MOST_OF_ONE = 20  # feeds of one person
_LONGEST_NAME = 100


def make_feed(session: Session, actor: Actor, brand: Brand, *, name: str, now: datetime) -> tuple[CalendarFeed, str]:
    """A feed of a brand and its secret, which is nowhere else. For who may write on one of the
    brand's accounts: it takes what is planned out of the house. Raises Invalid."""
    mine = select(Account.id).where(Account.brand_id == brand.id, visible(actor, Account.id, Action.POST_WRITE))
    if session.scalar(mine.limit(1)) is None:
        require(actor, Action.BRAND_MANAGE)
    if actor.staff_id is None:
        raise NotAllowed("a person makes a feed")
    name = " ".join(name.split())
    if not 0 < len(name) <= _LONGEST_NAME:
        raise Invalid("say what it is for", {"name": say("must have 1 to {most} characters", most=_LONGEST_NAME)})
    if len(_standing(session, actor.staff_id)) >= _MOST_OF_ONE:
        raise Invalid("these are too many feeds: revoke one", {"name": say("are more than {most}", most=_MOST_OF_ONE)})
    secret = new_secret()
    feed = CalendarFeed(
        brand_id=brand.id, name=name, secret_hash=hash_secret(secret), made_by=actor.staff_id, made_at=now
    )
    session.add(feed)
    session.flush()
    audit.record(session, actor, "feed.make", feed, now, brand=brand.id)
    return feed, secret


def list_feeds(session: Session, actor: Actor) -> Sequence[CalendarFeed]:
    """Those that stand: one's own, everybody's for who manages brands; newest first."""
    if can(actor, Action.BRAND_MANAGE):
        return _standing(session, None)
    require(actor, Action.STAFF_VIEW)
    return _standing(session, actor.staff_id or 0)


def revoke_feed(session: Session, actor: Actor, feed_id: int, now: datetime) -> None:
    """End it, at once. Raises NotFound."""
    feed = next((one for one in list_feeds(session, actor) if one.id == feed_id), None)
    if feed is None:
        raise NotFound("there is no such feed, or it is not yours")
    feed.revoked_at = now
    session.flush()
    audit.record(session, actor, "feed.revoke", feed, now)


def read_feed(session: Session, feed_id: int, secret: str, now: datetime) -> tuple[Brand, list[Entry]]:
    """The brand, and what its maker sees of its plans now. Raises NotFound for what is
    none, was revoked, or whose maker sees the brand no more, without saying which."""
    found = select(CalendarFeed).where(CalendarFeed.id == feed_id, CalendarFeed.secret_hash == hash_secret(secret))
    feed = session.scalars(found.where(CalendarFeed.revoked_at.is_(None))).first()
    if feed is None:
        raise _nowhere()
    maker = session.get_one(Staff, feed.made_by)
    try:
        actor = load_actor(session, maker, now)
        brand = get_brand(session, actor, feed.brand_id)
    except GuichetError:
        raise _nowhere() from None
    entries, _ = read_calendar(
        session, actor, {"brand_id": brand.id, "since": now - BEFORE, "until": now + AHEAD}
    )  # fmt: skip
    return brand, [entry for entry in entries if entry.state not in ("draft", "cancelled")]


def _standing(session: Session, made_by: int | None) -> Sequence[CalendarFeed]:
    wanted = select(CalendarFeed).where(CalendarFeed.revoked_at.is_(None)).order_by(CalendarFeed.id.desc())
    return session.scalars(wanted if made_by is None else wanted.where(CalendarFeed.made_by == made_by)).all()


def _nowhere() -> NotFound:
    return NotFound("this feed does not lead anywhere, or not any more")
