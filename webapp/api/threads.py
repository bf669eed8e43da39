"""How conversations are shown: rows of the list, entries of a thread, what stands around."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.delivery.states import FINAL
from guichet.delivery.states import State as DeliveryState
from guichet.inbox import acting, personal, thread
from guichet.inbox.pending import find as find_pending
from guichet.inbox.reviewing import find_reviews
from guichet.inbox.rows import ConversationRow as Row
from guichet.models import AnswerReview, Conversation, ConversationEvent, Delivery, Message, PendingAnswer
from guichet.models import Attachment as AttachmentRow
from guichet.policy import Action, Actor, can
from webapp.api.briefs import Names
from webapp.api.deliveries import show_delivery
from webapp.api.schemas.acting import Acts, Standing
from webapp.api.schemas.answering import AnswerReview as ReviewOut
from webapp.api.schemas.answering import Bounced, Pending, Version
from webapp.api.schemas.common import AccountBrief, PersonBrief, TeamBrief, TopicBrief
from webapp.api.schemas.inbox import (
    Above,
    Attachment,
    ConversationRow,
    CustomerBrief,
    Entry,
    Excerpt,
    Label,
    Part,
)
from webapp.api.schemas.mail import Invitation

PRIORITIES = ("low", "normal", "high", "urgent")
# Events that a message or note shows already, or that only matter to the measures.
_SILENT = frozenset(
    {
        "received",
        "reply_sent",
        "note",
        "answered",
        "answered_elsewhere",
        "waiting_customer",
        "owner",
        "wait_ended",
        "wait_handed_on",
        "wait_taken_over",
        "wait_given",
        "wait_received",
        "wait_resumed",
        "echo_recognised",
        "answer_planned",
        "answer_to_approve",
        "put_back",
        "acknowledged",
        "side_sent",
        "side_accepted",
    }
)


def show_rows(rows: Sequence[Row]) -> list[ConversationRow]:
    return [show_row(row) for row in rows]


def show_row(row: Row) -> ConversationRow:
    """A row of the inbox as the API gives it to who asked."""
    return ConversationRow(
        id=row.id,
        account=AccountBrief(id=row.account_id, network=row.network, handle=row.account_handle, name=row.account_name),
        customer=CustomerBrief(id=row.customer_id, name=row.customer_name, handle=row.customer_handle),
        surface=row.surface,
        subject=row.subject or None,
        preview=row.preview,
        state=row.state,
        priority=PRIORITIES[row.priority],
        waiting_since=row.waiting_since,
        answer_due_at=row.answer_due_at,
        resolution_due_at=row.resolution_due_at,
        snoozed_until=row.hold_until,
        planned_at=row.planned_at,
        awaits=row.awaits or None,
        awaits_since=row.awaits_since,
        remind_at=row.remind_at,
        held_since=row.held_at,
        last_message_at=row.last_message_at,
        message_count=row.message_count,
        assignee=_assignee(row),
        claimed_until=row.claimed_until,
        team=TeamBrief(id=row.team_id, name=row.team_name) if row.team_id is not None else None,
        topic=TopicBrief(id=row.topic_id, name=row.topic_name) if row.topic_id is not None else None,
        labels=[Label(id=x.id, name=x.name, colour=x.colour) for x in row.labels],
        unread=row.is_unread,
        followed=row.is_followed,
        called=row.is_called,
        language=row.language or None,
        version=row.version,
        excerpt=_excerpt(row),
    )


def _excerpt(row: Row) -> Excerpt | None:
    if row.excerpt is None:
        return None
    parts = [Part(text=p.text, hit=p.is_hit) for p in row.excerpt.parts]
    return Excerpt(message_id=row.excerpt.message_id, at=row.excerpt.at, parts=parts)


def _assignee(row: Row) -> PersonBrief | None:
    if row.assignee_id is None:
        return None
    return PersonBrief(id=row.assignee_id, name=row.assignee_name, initials=row.assignee_initials)


def show_window(
    session: Session, actor: Actor, conversation: Conversation, window: thread.Window, *, is_newest: bool
) -> list[Entry]:
    """Messages and notes, and what happened between them, oldest first."""
    names = Names(session)
    entries = show_messages(session, actor, window.items, names)
    since = window.items[0].message.sort_at if window.items and window.older else None
    until = None if is_newest or not window.items else window.items[-1].message.sort_at
    events = thread.read_events(session, actor, conversation)
    names.load(people=[e.staff_id for e in events])
    entries += [show_event(e, names) for e in events if _belongs(e, since, until)]
    return sorted(entries, key=lambda e: (e.at, e.kind == "event", e.id))


def _belongs(event: ConversationEvent, since: datetime | None, until: datetime | None) -> bool:
    if event.kind in _SILENT:
        return False
    return (since is None or event.at >= since) and (until is None or event.at <= until)


def show_messages(
    session: Session, actor: Actor, rows: Iterable[thread.MessageRow], names: Names, *, is_covered: bool = True
) -> list[Entry]:
    """Messages and notes alone. `is_covered`: without what is personal in public ones."""
    rows = list(rows)
    wanted = [r.message.delivery_id for r in rows if r.message.delivery_id]
    found = session.scalars(select(Delivery).where(Delivery.id.in_(wanted))) if wanted else ()
    deliveries = {d.id: d for d in found}
    waiting = [d.message_id for d in deliveries.values() if d.message_id and d.state not in FINAL]
    pending = find_pending(session, waiting) if waiting else {}
    reviews = find_reviews(session, wanted) if wanted else {}
    names.load(people=[review.settled_by for review in reviews.values()])
    standing = acting.standing_of(session, [row.message for row in rows])
    return [
        _message(
            session,
            actor,
            row,
            deliveries.get(row.message.delivery_id or 0),
            pending.get(row.message.id),
            reviews.get(row.message.delivery_id or 0),
            names,
            standing[row.message.id],
            is_covered,
        )
        for row in rows
    ]


def _message(
    session: Session,
    actor: Actor,
    row: thread.MessageRow,
    delivery: Delivery | None,
    pending: PendingAnswer | None,
    review: AnswerReview | None,
    names: Names,
    standing: Mapping[str, acting.Standing],
    is_covered: bool,
) -> Entry:
    m = row.message
    versions = thread.read_versions(session, actor, m) if row.versions else ()
    staff = PersonBrief(id=m.staff_id, name=row.staff_name, initials=row.staff_initials) if m.staff_id else None
    said = "" if m.deleted_at else m.text
    kinds = personal.kinds_in(said) if m.kind in personal.PUBLIC_KINDS else ()
    hides = bool(kinds) and is_covered
    author = row.identity.name or row.identity.handle if row.identity else row.staff_name
    return Entry(
        key=f"m{m.id}",
        id=m.id,
        kind="note" if m.direction == "note" else "message",
        direction=None if m.direction == "note" else m.direction,
        text=personal.cover(said) if hides else said,
        html=m.html or None if not m.deleted_at and not hides else None,
        personal=list(kinds),
        acts=_acts(m.kind, standing) if m.direction == "in" else None,
        covered=hides,
        subject=m.subject or None,
        author=author,
        staff=staff,
        at=m.sort_at,
        remote_url=m.url or None,
        attachments=[show_attachment(a) for a in m.attachments],
        invitation=Invitation(**m.context["invitation"]) if "invitation" in m.context and not m.deleted_at else None,
        edited_at=m.edited_at,
        deleted_at=m.deleted_at,
        erased="erased" in m.context,
        versions=[
            Version(text=personal.cover_public(v.text, m.kind) if is_covered else v.text, at=v.replaced_at)
            for v in versions
        ],
        delivery=show_delivery(delivery, names) if delivery else None,
        bounced=Bounced(**m.context["bounced"]) if "bounced" in m.context else None,
        pending=_pending(pending, delivery) if pending and delivery else None,
        review=_review(actor, m, delivery, review, names) if delivery else None,
        called=m.context.get("called", []) if m.direction == "note" else [],
        event=None,
        data={},
    )


def _acts(kind: str, standing: Mapping[str, acting.Standing]) -> Acts:
    return Acts(
        hideable=kind == "reply",
        **{side: Standing(state=one.state, reason=one.reason or None) for side, one in standing.items()},
    )


def _pending(row: PendingAnswer, delivery: Delivery) -> Pending:
    return Pending(
        kind="later" if row.kind == "later" else "review" if row.kind == "review" else "undo",
        until=delivery.due_at,
        wall_time=row.wall_time or None,
        time_zone=row.time_zone or None,
        closes=row.then_close,
    )


def _review(
    actor: Actor, message: Message, delivery: Delivery, row: AnswerReview | None, names: Names
) -> ReviewOut | None:  # fmt: skip
    """What waits for an approval, or was approved; also what was sent back to wait unasked."""
    waits = delivery.state == DeliveryState.AWAITING_APPROVAL
    if row is None and not (waits and delivery.is_answer):
        return None
    own = actor.staff_id in (None, message.staff_id, delivery.actor_id)
    may_decide = waits and not own and can(actor, Action.ANSWER_APPROVE, message)
    return ReviewOut(
        state="waiting" if waits or row is None else "void" if row.state == "waiting" else row.state,
        content_hash=delivery.payload_hash,
        written=message.context.get("written", message.text) if may_decide else "",
        by=names.person(row.settled_by) if row else None,
        at=row.settled_at if row else None,
        reason=row.reason if row else "",
        may_decide=may_decide,
    )


def show_attachment(row: AttachmentRow) -> Attachment:
    kind = row.mime.partition("/")[0]
    return Attachment(
        id=row.id,
        kind=kind if kind in ("image", "video") else "file",
        url=f"/api/v1/attachments/{row.id}" if row.storage_key else None,
        remote_url=row.remote_url if row.remote_url.startswith("https://") else None,
        name=row.filename,
        mime=row.mime,
        alt=row.alt,
        size=row.size,
    )


def show_event(event: ConversationEvent, names: Names) -> Entry:
    """What happened, in one quiet line."""
    person = names.person(event.staff_id)
    data: dict[str, Any] = dict(event.data)
    for key in ("to_staff_id", "from_staff_id"):
        named = names.person(data.get(key))
        if named:
            data[key.removesuffix("_id")] = named.name
    named_team = names.team(data.get("to_team_id"))
    if named_team:
        data["to_team"] = named_team.name
    field = names.field(data.get("field_id"))
    if field:
        called = dict(field.choices)
        data |= {"field": field.name, "field_kind": field.kind, "to": [called.get(v, v) for v in data.get("to", ())]}
    return Entry(
        key=f"e{event.id}",
        id=event.id,
        kind="event",
        direction=None,
        text="",
        html=None,
        personal=[],
        acts=None,
        covered=False,
        subject=None,
        author=person.name if person else "",
        staff=person,
        at=event.at,
        remote_url=None,
        attachments=[],
        invitation=None,
        edited_at=None,
        deleted_at=None,
        erased=False,
        versions=[],
        delivery=None,
        bounced=None,
        pending=None,
        review=None,
        called=[],
        event=event.kind,
        data=data,
    )


def show_above(conversation: Conversation) -> Above | None:
    """The public post above the thread, as it was stored; it was the network's to shape. Of whom it is
    was not kept at first: such a one is covered like anybody's."""
    above = conversation.above
    if not above:
        return None
    at, author = above.get("at") or above.get("remote_at"), above.get("author") or above.get("handle") or ""
    if isinstance(author, dict):
        author = author.get("name") or author.get("handle") or ""
    return Above(
        text=str(above.get("text", "")) if above.get("ours") else personal.cover(str(above.get("text", ""))),
        author=str(author),
        at=datetime.fromisoformat(at) if isinstance(at, str) and at else None,
        url=str(above["url"]) if str(above.get("url", "")).startswith("https://") else None,
        ours=bool(above.get("ours")),
    )
