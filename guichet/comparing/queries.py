"""What our rows say of an account's timeline, and what was found to differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from channels.contract import Standing, Surface, Timeline
from guichet.comparing import rules
from guichet.comparing.rules import Found, Said, Sent, Stretch
from guichet.delivery.states import IDEMPOTENT, AttemptState, State
from guichet.errors import NotFound
from guichet.models import Account, Attempt, Comparison, Delivery, Discrepancy, Message
from guichet.policy import Action, Actor, visible

_ASIDE = timedelta(days=7)  # a stranger's words may be those of something that was due so long before
_AT_ONCE = 500  # ids in one query


def absences(session: Session, account: Account, asked: Stretch, timeline: Timeline) -> list[Found]:
    """What we published in public in the stretch and is not there, unless we took it down."""
    rows = session.execute(
        select(Delivery.id, Delivery.remote_id, Delivery.payload, Delivery.accepted_at, Delivery.remote_url).where(
            Delivery.account_id == account.id, Delivery.state == State.PUBLISHED,
            Delivery.kind.not_in(IDEMPOTENT), Delivery.remote_id.is_not(None),
            Delivery.accepted_at >= asked.since, Delivery.accepted_at <= asked.until,
        )
    ).all()  # fmt: skip
    sent = [
        Sent(row.id, str(row.remote_id), row.payload["text"], row.accepted_at, row.remote_url)
        for row in rows
        if row.payload["surface"] == Surface.PUBLIC
    ]
    removals = select(Delivery.target_remote_id).where(
        Delivery.account_id == account.id, Delivery.kind == "delete", Delivery.updated_at >= asked.since
    )
    return rules.absences(asked, timeline, sent, {str(id_) for id_ in session.scalars(removals)})


def strangers(session: Session, account: Account, asked: Stretch, timeline: Timeline) -> list[Found]:
    """What stands there in the stretch and no delivery of ours is known as."""
    ids = {id_ for s in timeline.standing for id_ in (s.remote_id, *s.aliases)}
    standing = rules.unknown(asked, timeline, known_ids(session, account, ids))
    if not standing:
        return []
    spoken = select(Message.remote_id).where(Message.account_id == account.id)
    heard = _among(session, spoken, [s.remote_id for s in standing])
    return rules.strangers(standing, heard, _by_words(session, account, asked, standing))


def known_ids(session: Session, account: Account, remote_ids: Collection[str]) -> set[str]:
    """Which of these ids are deliveries of ours, whatever became of them since."""
    return _among(session, select(Delivery.remote_id).where(Delivery.account_id == account.id), remote_ids)


def posts_under(session: Session, account: Account, remote_ids: Collection[str]) -> list[tuple[int, str, datetime]]:
    """Which of these ids are posts of ours: the delivery, the id, and when it was published."""
    asked, found = sorted(remote_ids), []
    for n in range(0, len(asked), _AT_ONCE):
        rows = select(Delivery.id, Delivery.remote_id, Delivery.accepted_at).where(
            Delivery.account_id == account.id, Delivery.kind == "post",
            Delivery.remote_id.in_(asked[n : n + _AT_ONCE]),
        )  # fmt: skip
        found += [(id_, str(remote), at) for id_, remote, at in session.execute(rows) if at is not None]
    return found


def _among(session: Session, query: Select[Any], remote_ids: Collection[str]) -> set[str]:
    asked, column = sorted(remote_ids), query.selected_columns[0]
    found: set[str] = set()
    for n in range(0, len(asked), _AT_ONCE):
        found |= {str(id_) for id_ in session.scalars(query.where(column.in_(asked[n : n + _AT_ONCE])))}
    return found


def _by_words(
    session: Session, account: Account, asked: Stretch, standing: Sequence[Standing]
) -> dict[str, list[Said]]:  # fmt: skip
    """Deliveries of about that time with the words of what stands there."""
    wanted = {rules.words(s.text) for s in standing}
    is_open = exists().where(
        Attempt.delivery_id == Delivery.id, Attempt.state.in_((AttemptState.IN_FLIGHT, AttemptState.UNKNOWN))
    )
    rows = session.execute(
        select(Delivery.id, Delivery.state, Delivery.payload, is_open.label("may_be_out")).where(
            Delivery.account_id == account.id, Delivery.kind.not_in(IDEMPOTENT),
            Delivery.due_at >= asked.since - _ASIDE, Delivery.due_at <= asked.until,
        )
    )  # fmt: skip
    found: dict[str, list[Said]] = defaultdict(list)
    for row in rows:
        said = rules.words(row.payload["text"])
        if said in wanted:
            found[said].append(Said(row.id, row.state == State.PUBLISHED, row.may_be_out))
    return found


# ---------------------------------------------------------------- for people


def find_comparison(session: Session, account: Account) -> Comparison | None:
    """How far an account that one may see was compared; None: not yet."""
    return session.get(Comparison, account.id)


def count_open(session: Session, account: Account) -> int:
    """How much differs there that nobody has seen."""
    mine = select(func.count()).where(Discrepancy.account_id == account.id, Discrepancy.settled_at.is_(None))
    return session.scalar(mine) or 0


def list_open(session: Session, actor: Actor, account_id: int | None = None) -> Sequence[Discrepancy]:
    """What differs and nobody has seen, oldest first, on the accounts for which the actor decides."""
    query = select(Discrepancy).where(
        Discrepancy.settled_at.is_(None), visible(actor, Discrepancy.account_id, Action.DELIVERY_DECIDE)
    )
    if account_id is not None:
        query = query.where(Discrepancy.account_id == account_id)
    return session.scalars(query.order_by(Discrepancy.id)).all()


def get_discrepancy(session: Session, actor: Actor, id_: int) -> Discrepancy:
    """Raises NotFound, also where the actor does not decide for its account."""
    mine = select(Discrepancy).where(
        Discrepancy.id == id_, visible(actor, Discrepancy.account_id, Action.DELIVERY_DECIDE)
    )
    row = session.scalars(mine).one_or_none()
    if row is None:
        raise NotFound("there is no such discrepancy")
    return row
