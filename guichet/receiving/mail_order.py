"""Where a mail stands among others."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from guichet.models import Message

_SECOND = timedelta(seconds=1)


def stands_at(session: Session, remote_at: datetime, among: ColumnElement[bool]) -> datetime:
    """The time by which a mail of `remote_at` is put in order: behind all that is there of that second.
    Mails tell the time in seconds (RFC 5322 §3.3), we in finer ones, and a machine answers within one."""
    newest = session.scalar(
        select(func.max(Message.sort_at)).where(
            among, Message.sort_at > remote_at, Message.sort_at < remote_at + _SECOND
        )
    )
    return newest or remote_at
