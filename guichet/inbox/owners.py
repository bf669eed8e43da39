"""Whose time a wait takes: one slice for each stretch in which a team or a person had it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.models import Conversation, Wait, WaitSlice


class Owner(NamedTuple):
    """Both None: it lies in no queue."""

    team_id: int | None
    staff_id: int | None


def owner_of(conversation: Conversation) -> Owner:
    return Owner(conversation.team_id, conversation.assignee_id)


def find_open_wait(session: Session, conversation: Conversation) -> Wait | None:
    """The wait that goes on, if anybody waits. There is never more than one."""
    return session.scalars(
        select(Wait).where(Wait.conversation_id == conversation.id, Wait.ended_at.is_(None))
    ).one_or_none()


def begin(session: Session, wait: Wait, owner: Owner, now: datetime) -> None:
    """The owner's stretch begins."""
    session.add(WaitSlice(wait_id=wait.id, team_id=owner.team_id, staff_id=owner.staff_id, started_at=now))
    session.flush()


def end(session: Session, wait: Wait, at: datetime) -> None:
    """The stretch that goes on ends at `at`, never before it began."""
    open_slices = select(WaitSlice).where(WaitSlice.wait_id == wait.id, WaitSlice.ended_at.is_(None))
    for slice_ in session.scalars(open_slices):
        slice_.ended_at = max(slice_.started_at, at)
    session.flush()


def split(session: Session, conversation: Conversation, now: datetime) -> None:
    """The conversation has a new owner: the time of its open wait is theirs from now on."""
    wait = find_open_wait(session, conversation)
    if wait is not None:
        end(session, wait, now)
        begin(session, wait, owner_of(conversation), now)
