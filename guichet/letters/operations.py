"""What one wants by mail, planning the mails, and sending each of them once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session, joinedload

from channels.sentences import say
from guichet import audit
from guichet.alerting.rules import is_quiet
from guichet.db.changing import change_rows
from guichet.errors import Invalid
from guichet.letters import contents, rules
from guichet.letters.contents import Item
from guichet.models import Letter, LetterWish, Staff
from guichet.policy import Action, Actor, load_actor, require
from guichet.staff.rules import ABSENT, absence

BATCH = 50
KEPT = timedelta(days=90)


def find_wish(session: Session, actor: Actor) -> LetterWish | None:
    """One's own; None: nothing by mail."""
    return session.get(LetterWish, actor.staff_id or 0)


def last_letter(session: Session, actor: Actor) -> Letter | None:
    """The newest of one's own that has an end, so that one sees whether they arrive."""
    mine = select(Letter).where(Letter.staff_id == actor.staff_id, Letter.done_at.is_not(None))
    return session.scalars(mine.where(Letter.state != "dropped").order_by(Letter.id.desc()).limit(1)).first()


def change_wish(
    session: Session, actor: Actor, choices: Mapping[str, Any], daily_at: str, now: datetime
) -> LetterWish:  # fmt: skip
    """What one wants from now on; what happened before is told by no mail. Raises Invalid."""
    require(actor, Action.STAFF_VIEW)
    wrong = rules.problems(choices, daily_at)
    if wrong:
        raise Invalid("nothing can be sent so", wrong)
    row = session.get(LetterWish, actor.staff_id or 0, with_for_update=True)
    if row is None:
        row = LetterWish(staff_id=actor.staff_id, nonce=token_urlsafe(18), choices={}, updated_at=now)
        session.add(row)
    if row.choices != dict(choices):
        row.soon_through = row.hourly_through = row.daily_through = now
    elif row.daily_at != daily_at:
        row.daily_through = max(
            row.daily_through, rules.last_day(daily_at, session.get_one(Staff, row.staff_id).time_zone, now)
        )
    row.choices, row.daily_at, row.updated_at = dict(choices), daily_at, now
    session.flush()
    audit.record(session, actor, "letters.change", None, now, staff=row.staff_id)
    return row


def switch_off(session: Session, actor: Actor, now: datetime) -> None:
    """Nothing by mail any more, what waits included."""
    require(actor, Action.STAFF_VIEW)
    row = session.get(LetterWish, actor.staff_id or 0, with_for_update=True)
    if row is None:
        return
    row.choices, row.updated_at = {}, now
    waiting = update(Letter).where(Letter.staff_id == actor.staff_id, Letter.state == "waiting")
    session.execute(waiting.values(state="dropped", next_at=None, done_at=now))
    session.flush()
    audit.record(session, actor, "letters.off", None, now, staff=row.staff_id)


# ---------------------------------------------------------------- planning


def list_wishes(session: Session, actor: Actor) -> list[int]:
    """Who wants anything by mail, and works here."""
    require(actor, Action.SYSTEM)
    rows = session.execute(
        select(LetterWish.staff_id, LetterWish.choices)
        .join(Staff, Staff.id == LetterWish.staff_id)
        .where(Staff.disabled_at.is_(None))
        .order_by(LetterWish.staff_id)
    )
    return [id_ for id_, choices in rows if any(how != rules.OFF for how in choices.values())]


def plan(session: Session, actor: Actor, staff_id: int, now: datetime) -> int:
    """Plan the mails that are due to this person; returns how many. Whoever plans at the same time
    waits for the lock and finds that it is done."""
    require(actor, Action.SYSTEM)
    wanted = select(LetterWish).where(LetterWish.staff_id == staff_id).with_for_update()
    wish = session.scalars(wanted.execution_options(populate_existing=True)).first()
    if wish is None or wish.staff.disabled_at is not None or _is_kept_back(wish.staff, now):
        return 0
    return sum(_plan(session, wish, rhythm, now) for rhythm in rules.RHYTHMS)


def _is_kept_back(staff: Staff, now: datetime) -> bool:
    """In quiet hours and absences nothing goes out; it is told afterwards."""
    is_away = absence(staff.absent_until, now) is not None
    return is_away or is_quiet(staff.quiet_from, staff.quiet_until, staff.time_zone, now)


def _plan(session: Session, wish: LetterWish, rhythm: str, now: datetime) -> bool:
    subjects, staff = rules.subjects_of(wish.choices, rhythm), wish.staff
    if not subjects:
        return False
    settled = now - rules.SETTLES
    if rhythm == "soon":
        since, through = wish.soon_through, settled
        if staff.seen_at is not None:
            if staff.seen_at > now - ABSENT:
                return False  # they have a page open, which tells them
            since = max(since, staff.seen_at)
    else:
        since = wish.hourly_through if rhythm == "hourly" else wish.daily_through
        hour, day = rules.last_hour(settled), rules.last_day(wish.daily_at, staff.time_zone, settled)
        through = hour if rhythm == "hourly" else day
        if through <= since:
            return False
    since = max(since, now - rules.LONGEST)
    if rhythm == "soon" and (
        _wrote_lately(session, staff.id, now) or not _is_settled(session, staff, subjects, since, now)
    ):
        return False
    found = contents.gather(session, load_actor(session, staff, now), subjects, since, through, now)
    if rhythm == "soon" and not found:
        return False  # it is looked again from where one looked before
    setattr(wish, f"{rhythm}_through", through)
    if found:
        letter = Letter(
            staff_id=staff.id, rhythm=rhythm, subjects=subjects, since=since, through=through, state="waiting",
            tries=0, next_at=now, at=now,
        )  # fmt: skip
        session.add(letter)
    session.flush()
    return bool(found)


def _wrote_lately(session: Session, staff_id: int, now: datetime) -> bool:
    lately = select(Letter.id).where(
        Letter.staff_id == staff_id, Letter.rhythm == "soon", Letter.at > now - rules.SPACING
    )  # fmt: skip
    return session.scalar(lately.limit(1)) is not None


def _is_settled(session: Session, staff: Staff, subjects: list[str], since: datetime, now: datetime) -> bool:
    """Whether the oldest of it is old enough: what follows shortly goes into the same mail."""
    until = now - rules.GATHERS
    if until <= since:
        return False
    return bool(contents.gather(session, load_actor(session, staff, now), subjects, since, until, now))


# ---------------------------------------------------------------- sending


@dataclass(frozen=True)
class Claim:
    """The permission to send a letter, for this try and no other."""

    letter_id: int
    tries: int


@dataclass(frozen=True)
class Written:
    """What a letter tells, to whom."""

    staff: Staff
    nonce: str
    found: Mapping[str, list[Item]]


def is_anything_due(session: Session, actor: Actor, now: datetime) -> bool:
    """Whether a letter is to be sent, or one was left by who sent it."""
    require(actor, Action.SYSTEM)
    return bool(session.scalar(select(exists(select(Letter.id).where(Letter.next_at <= now)))))


def claim_letters(session: Session, actor: Actor, now: datetime) -> list[Claim]:
    """Take letters that are due, each by one condition that only one can meet; commit before sending.
    One whose sender died is not sent again: what it told stands in Guichet, and twice is worse."""
    require(actor, Action.SYSTEM)
    left = update(Letter).where(Letter.next_at <= now, Letter.state == "sending")
    said = say("its worker ended while it was being sent; it is not sent again")
    session.execute(
        left.values(state="unclear", said=said, next_at=None, done_at=now).execution_options(synchronize_session=False)
    )
    due = select(Letter.id).where(Letter.next_at <= now).order_by(Letter.next_at, Letter.id).limit(BATCH)
    claims = []
    for id_ in session.scalars(due).all():
        taken = session.execute(
            update(Letter)
            .where(Letter.id == id_, Letter.next_at <= now, Letter.state == "waiting")
            .values(state="sending", tries=Letter.tries + 1, next_at=now + rules.CLAIM)
            .returning(Letter.tries)
            .execution_options(synchronize_session=False)
        ).scalar()
        if taken is not None:
            claims.append(Claim(id_, taken))
    session.expire_all()
    return claims


def read_letter(session: Session, actor: Actor, letter_id: int, now: datetime) -> Written | None:
    """What it says now, by the rights of now; None: nothing is left to tell, or it is not wanted."""
    require(actor, Action.SYSTEM)
    letter = session.scalars(
        select(Letter).where(Letter.id == letter_id).options(joinedload(Letter.staff))
    ).one()  # fmt: skip
    staff, wish = letter.staff, session.get(LetterWish, letter.staff_id)
    if wish is None or staff.disabled_at is not None:
        return None
    subjects = [one for one in letter.subjects if wish.choices.get(one) == letter.rhythm]
    found = contents.gather(session, load_actor(session, staff, now), subjects, letter.since, letter.through, now)
    return Written(staff, wish.nonce, found) if found else None


def settle(
    session: Session, actor: Actor, claim: Claim, now: datetime, *, state: str, said: str = "", again: bool = False
) -> None:
    """What came of a try: sent, dropped, failed, unclear. `again`: it was provably not taken, and is
    tried again as often as may be."""
    require(actor, Action.SYSTEM)
    next_at = rules.next_try(claim.tries, now) if again else None
    values: dict[str, Any] = {"state": state, "said": said, "next_at": None, "done_at": now}
    if next_at is not None:
        values = {"state": "waiting", "said": said, "next_at": next_at}
    mine = update(Letter).where(Letter.id == claim.letter_id, Letter.tries == claim.tries, Letter.state == "sending")
    change_rows(session, mine.values(**values))


def forget_old(session: Session, actor: Actor, now: datetime) -> None:
    """Drop what was sent longer than KEPT ago."""
    require(actor, Action.SYSTEM)
    session.execute(delete(Letter).where(Letter.at < now - KEPT, Letter.next_at.is_(None)))
