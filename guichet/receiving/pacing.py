"""Counting who writes how often, and where it goes once that is too often.

Nothing is lost by it: every message is kept. But what somebody writes too often comes into one
conversation, and nobody is told of each (guichet.receiving.pace_rules says when).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from channels.contract import Inbound
from guichet import audit
from guichet.inbox.changes import Change, changing
from guichet.inbox.states import State
from guichet.models import Account, Conversation, Identity, SenderPace
from guichet.policy import Action, Actor, require
from guichet.receiving import pace_rules, threads


@dataclass(frozen=True)
class Rush:
    """Somebody writes very often: since when, how many messages, and when it is over if they
    write no more. `conversation_id`: where what begins new threads is gathered."""

    since: datetime
    count: int
    ends_at: datetime
    conversation_id: int | None


def count(session: Session, account: Account, identity: Identity, inbound: Inbound, at: datetime) -> SenderPace | None:
    """Count one message that came at `at`; the row while they write too often, else None."""
    surface = inbound.surface.value
    row = session.get(SenderPace, (account.id, identity.id, surface), with_for_update=True)
    before = _value(row) if row is not None else None
    pace = pace_rules.after(before, at, surface=surface, automatic=inbound.automatic)
    if row is None:
        row = SenderPace(account_id=account.id, identity_id=identity.id, surface=surface)
        session.add(row)
    if before is not None and pace.rushing_since != before.rushing_since:
        row.gathered_in_id = None
    _keep(row, pace)
    return row if row.rushing_since is not None else None


def find_gathering(session: Session, rush: SenderPace, inbound: Inbound) -> Conversation | None:
    """The conversation that takes what begins another thread. None: it goes its own way; so does
    always what is answered to somebody else than its author, such as a web form that writes for
    many."""
    if inbound.answers_elsewhere or rush.gathered_in_id is None:
        return None
    found = session.get(Conversation, rush.gathered_in_id)
    found = threads.home_of(session, found) if found is not None else None
    if found is None or found.state == State.CLOSED:
        return None
    place = (found.account_id, found.identity_id, found.surface)
    return found if place == (rush.account_id, rush.identity_id, rush.surface) else None


def took(change: Change, rush: SenderPace, inbound: Inbound) -> None:
    """A message of the rush came into the conversation, the first of them or another. Within
    `changing`."""
    if rush.gathered_in_id is None and rush.count == 1:
        change.event("rush_began")
    if find_gathering(change.session, rush, inbound) is None and not inbound.answers_elsewhere:
        rush.gathered_in_id = change.conversation.id


def find_rush(session: Session, conversation: Conversation, now: datetime) -> Rush | None:
    """Whether its customer writes very often now, into this account and on this surface. Rights
    are the caller's matter."""
    row = session.get(SenderPace, _key(conversation))
    if row is None or row.rushing_since is None or not pace_rules.is_rushing(_value(row), now):
        return None
    return Rush(row.rushing_since, row.count, row.at + pace_rules.QUIET, row.gathered_in_id)


def end_rush(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """What its customer writes is treated as before again, and counted anew. Nothing happens
    where they do not write too often."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    with changing(session, actor, conversation, now) as change:
        row = session.get(SenderPace, _key(conversation), with_for_update=True)
        if row is not None and row.rushing_since is not None:
            _keep(row, pace_rules.ended(_value(row)))
            row.gathered_in_id = None
            change.event("rush_ended")
            audit.record(session, actor, "conversation.end_rush", conversation, now)
    return conversation


def forget_old_paces(session: Session, actor: Actor, now: datetime) -> None:
    """Who has been quiet for long enough is counted anew anyway."""
    require(actor, Action.SYSTEM)
    session.execute(delete(SenderPace).where(SenderPace.at < now - 2 * pace_rules.QUIET))


def _key(conversation: Conversation) -> tuple[int, int, str]:
    return conversation.account_id, conversation.identity_id, conversation.surface


def _value(row: SenderPace) -> pace_rules.Pace:
    return pace_rules.Pace(row.level, row.at, row.rushing_since, row.count)


def _keep(row: SenderPace, pace: pace_rules.Pace) -> None:
    row.level, row.at, row.rushing_since, row.count = pace.level, pace.at, pace.rushing_since, pace.count
