"""Whose time a wait takes: one slice for each stretch in which a team or a person had it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.models import Conversation, Wait, WaitSlice

_REMEMBERED = "guichet.inbox.owners"


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


@contextmanager
def remembered(session: Session) -> Iterator[None]:
    """Within the block the stretches that begin in it are at hand, and are not asked for again."""
    session.info[_REMEMBERED] = dict[int, WaitSlice]()
    try:
        yield
    finally:
        del session.info[_REMEMBERED]


def begin(session: Session, wait: Wait, owner: Owner, now: datetime) -> None:
    """The owner's stretch begins."""
    slice_ = WaitSlice(wait_id=wait.id, team_id=owner.team_id, staff_id=owner.staff_id, started_at=now)
    session.add(slice_)
    session.flush()
    if _REMEMBERED in session.info:
        session.info[_REMEMBERED][wait.conversation_id] = slice_


def end(session: Session, wait: Wait, at: datetime) -> None:
    """The stretch that goes on ends at `at`, never before it began."""
    open_slices = select(WaitSlice).where(WaitSlice.wait_id == wait.id, WaitSlice.ended_at.is_(None))
    for slice_ in session.scalars(open_slices):
        slice_.ended_at = max(slice_.started_at, at)
    session.flush()
    session.info.get(_REMEMBERED, {}).pop(wait.conversation_id, None)


def split(session: Session, conversation: Conversation, now: datetime) -> None:
    """The conversation has a new owner: the time of its open wait is theirs from now on. Who had it
    for no time at all has no stretch."""
    slice_ = _find_open_slice(session, conversation)
    if slice_ is None:
        return
    owner = owner_of(conversation)
    if slice_.started_at == now:
        slice_.team_id, slice_.staff_id = owner
        return
    wait = session.get_one(Wait, slice_.wait_id)
    end(session, wait, now)
    begin(session, wait, owner, now)


def _find_open_slice(session: Session, conversation: Conversation) -> WaitSlice | None:
    found: WaitSlice | None = session.info.get(_REMEMBERED, {}).get(conversation.id)
    return (
        found
        or session.scalars(
            select(WaitSlice)
            .join(Wait, Wait.id == WaitSlice.wait_id)
            .where(Wait.conversation_id == conversation.id, Wait.ended_at.is_(None), WaitSlice.ended_at.is_(None))
        ).one_or_none()
    )
