"""Adding a post to the queue: it takes the next free slot.

Each account gets its own next free slot, or all of them one that they have in common.
Accounts whose slots come at the same wall time share a post; for the others a copy is
made, because a post has one time, which can then be moved and approved by itself.

Two people who press at once never get the same slot: a unique index decides, and the
second takes the slot after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, select, update
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.db.changing import change_rows
from guichet.db.dialect import insert_new
from guichet.errors import Conflict, Invalid
from guichet.models import Account, Brand, Post, PostTarget, SlotUse, table_of
from guichet.policy import Action, Actor, require, require_for_post
from guichet.publishing.chains import inherit
from guichet.publishing.checking import Specs
from guichet.publishing.drafting import create, specs_of, words_of, write
from guichet.publishing.openings import Opening, in_common
from guichet.publishing.operations import schedule
from guichet.publishing.slots import STANDING, free_openings, weeks_of

_STEP = timedelta(days=28)
_STEPS = 7  # how far ahead a free slot is looked for: half a year


class SlotTaken(Exception):
    """Somebody else took the slot in the same moment."""


def next_free(
    session: Session, actor: Actor, accounts: Sequence[Account], *, together: bool, after: datetime
) -> list[Opening]:
    """Where a post for these accounts would go, in the order of the accounts; nothing is
    taken. Raises Invalid for an account without slots, Conflict where all are taken."""
    for account in accounts:
        require(actor, Action.POST_WRITE, account)
    _require_slots(session, actor, accounts)
    found = [next(_moments(session, actor, group, after), None) for group in _groups(accounts, together)]
    return [opening for moment in found for opening in moment or _none_free(accounts, together)]


def add_to_queue(
    session: Session,
    actor: Actor,
    post: Post,
    *,
    together: bool = False,
    after: datetime | None = None,
    for_approval: bool = False,
    specs: Specs,
    now: datetime,
) -> list[Post]:
    """Schedule a draft at the next free slots later than `after` (now where None). Returns
    the posts that it became, itself first. Raises Invalid, Conflict."""
    require_for_post(actor, Action.POST_WRITE, post)
    if post.state != "draft":
        raise Conflict("only a draft is added to the queue: move this instead", code="already_scheduled")
    ids = [t.account_id for t in post.targets]
    accounts = session.scalars(select(Account).where(Account.id.in_(ids)).order_by(Account.id)).all()
    if not accounts:
        raise Invalid("choose at least one account", {"variants": "name no account"})
    _require_slots(session, actor, accounts)
    from_ = max(after or now, now, post.embargo_at or now)
    taken = [
        opening
        for group in _groups(accounts, together)
        for opening in _take(session, actor, group, post, from_) or _none_free(accounts, together)
    ]
    parts = _part(session, actor, post, taken, now)
    for one, opening in parts:
        schedule(
            session, actor, one, wall_time=opening.wall_time, time_zone=opening.time_zone,
            for_approval=for_approval, specs=specs, now=now,
        )  # fmt: skip
    return [one for one, _ in parts]


def _groups(accounts: Sequence[Account], together: bool) -> list[Sequence[Account]]:
    """Accounts that go out at the same moment. In order of their ids: two who take slots of
    the same accounts then wait for each other in the same order."""
    in_order = sorted(accounts, key=lambda a: a.id)
    return [in_order] if together else [[a] for a in in_order]


def _moments(session: Session, actor: Actor, accounts: Sequence[Account], after: datetime) -> Iterator[list[Opening]]:
    """The moments later than `after` that are free on all of these accounts."""
    since = after + timedelta(microseconds=1)
    for _ in range(_STEPS):
        yield from in_common(free_openings(session, actor, accounts, since, since + _STEP))
        since += _STEP


def _take(
    session: Session, actor: Actor, accounts: Sequence[Account], post: Post, after: datetime
) -> list[Opening] | None:
    """The first of these moments of which nobody else takes any part; None: there is none."""
    for moment in _moments(session, actor, accounts, after):
        with suppress(SlotTaken), session.begin_nested():
            for opening in moment:
                take_slot(session, opening, post)
            return moment
    return None


def take_slot(session: Session, opening: Opening, post: Post) -> None:
    """Write down that the post takes this moment; raises SlotTaken where another has it. A row of a
    post that stands there no more is taken over, by one only: the UPDATE names whom it takes
    it from."""
    row = {"account_id": opening.account_id, "starts_at": opening.at, "post_id": post.id}
    if insert_new(session, table_of(SlotUse), [row], "account_id", "starts_at"):
        return
    here = and_(SlotUse.account_id == opening.account_id, SlotUse.starts_at == opening.at)
    holder = session.scalar(select(SlotUse.post_id).where(here))
    stands = exists().where(
        Post.id == holder, Post.due_at == opening.at, Post.state.in_(STANDING),
        PostTarget.post_id == Post.id, PostTarget.account_id == opening.account_id,
    )  # fmt: skip
    if session.scalar(select(stands)):
        raise SlotTaken
    theirs = update(SlotUse).where(here, SlotUse.post_id == holder)
    if not change_rows(session, theirs.values(post_id=post.id)):
        raise SlotTaken


def _part(
    session: Session, actor: Actor, post: Post, taken: Sequence[Opening], now: datetime
) -> list[tuple[Post, Opening]]:
    """A post for each wall time: this one for the first of them, copies for the others."""
    by_time: dict[tuple[str, str, datetime], list[Opening]] = {}
    for opening in sorted(taken, key=lambda o: (o.at, o.account_id)):
        by_time.setdefault((opening.wall_time, opening.time_zone, opening.at), []).append(opening)
    words, specs = words_of(post), {s.account_id: s for s in specs_of(post)}
    first, *others = by_time.values()
    if len({o.at for o in taken}) == 1:  # one moment, told in several zones: it stays one post
        return [(post, first[0])]
    parts = [(post, first[0])]
    for openings in others:
        copy = create(
            session, actor, brand=session.get_one(Brand, post.brand_id), words=words, title=post.title,
            variants=[specs[o.account_id] for o in openings], late_limit=post.late_limit, now=now,
        )  # fmt: skip
        inherit(copy, post)
        copy.goes_on = post.goes_on
        mine = [SlotUse.account_id.in_([o.account_id for o in openings]), SlotUse.starts_at == openings[0].at]
        session.execute(update(SlotUse).where(*mine).values(post_id=copy.id))
        parts.append((copy, openings[0]))
    if others:
        write(session, actor, post, words, [specs[o.account_id] for o in first], now)
    return parts


def _require_slots(session: Session, actor: Actor, accounts: Sequence[Account]) -> None:
    weeks = weeks_of(session, actor, [a.id for a in accounts])
    bare = [a for a in accounts if not weeks.get(a.id)]
    if bare:
        raise Invalid(
            "an account has no slots yet",
            {f"accounts.{a.id}": say("{handle} has no slots", handle=a.handle) for a in bare},
            code="no_slots",
        )


def _none_free(accounts: Sequence[Account], together: bool) -> list[Opening]:
    if together and len(accounts) > 1:
        raise Conflict("these accounts have no free slot in common: let each take its own", code="no_common_slot")
    raise Conflict("every slot of the next half year is taken", code="no_free_slot")
