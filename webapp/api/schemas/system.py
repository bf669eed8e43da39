"""The audit log, dead letters, live events, health."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Id, In, Line, Moment, Out, PageQuery, PersonBrief, Time, Told


class AuditEntry(Out):
    id: int
    at: Time
    actor_kind: str
    actor: PersonBrief | None
    action: str
    target_kind: str
    target_id: int | None
    data: dict[str, Any]
    ip: str


class AuditQuery(PageQuery):
    action: Line | None = None
    staff_id: Id | None = None
    since: Moment | None = None
    until: Moment | None = None


class DeadLetter(Out):
    """Something a network handed over that we could not understand, after five tries."""

    id: int
    account: AccountBrief
    stream: str
    received_at: Time
    tries: int
    last_error: Told
    size: int
    original: str = Field(description="its beginning, as text")


class EventsQuery(In):
    after: int | None = Field(None, ge=0, le=2**53 - 1, description="as Last-Event-ID, where it cannot be sent")
