"""The inbox: the list, one conversation, and everything an agent does with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from guichet import live
from guichet.errors import Invalid
from guichet.inbox import followers, operations, presence, queries, seeing, thread
from guichet.inbox.rows import read_rows
from guichet.models import Conversation as ConversationTable
from guichet.models import Label as LabelTable
from guichet.policy import Action, can
from guichet.receiving import operations as receiving
from guichet.staff import queries as staff
from webapp.api import threads, views
from webapp.api.answering import show_entry
from webapp.api.around import show_conversation, show_viewers
from webapp.api.briefs import person, team
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.inbox import (
    Assign,
    Badges,
    Conversation,
    ConversationQuery,
    ConversationRow,
    DraftIn,
    Entry,
    EntryQuery,
    LabelSet,
    Note,
    Others,
    PresenceIn,
    PriorityIn,
    Readers,
    Resolve,
    SeenIn,
    Snooze,
)
from webapp.api.schemas.sides import WaitInternally
from webapp.asking import Asked, Room

room = Room("conversations")


@room.get("/conversations", Page[ConversationRow])
def list_conversations(asked: Asked, query: ConversationQuery) -> Page[ConversationRow]:
    """The inbox, as far as one may see it."""
    filters = views.filters_for(asked, query)
    order = views.order_for(asked, query)
    page = queries.list_conversations(
        asked.session, asked.actor, filters, order=order, after=query.cursor or "", limit=query.limit
    )
    return Page(items=threads.show_rows(page.items), next_cursor=page.next_cursor or None)


@room.get("/conversations/badges", Badges)
def get_badges(asked: Asked) -> Badges:
    """How many there are, by where they are."""
    b = queries.read_badges(asked.session, asked.actor)
    return Badges(
        active=b.active,
        unassigned=b.unassigned,
        mine=b.mine,
        by_state=b.by_state,
        by_account={str(k): n for k, n in b.by_account.items()},
        by_team={str(k): n for k, n in b.by_team.items()},
    )


@room.get("/conversations/<int:id>", Conversation)
def get_conversation(asked: Asked, path: IdPath) -> Conversation:
    """One conversation and what stands around it."""
    return show_conversation(asked, _get(asked, path.id))


@room.get("/conversations/<int:id>/messages", Page[Entry])
def list_entries(asked: Asked, path: IdPath, query: EntryQuery) -> Page[Entry]:
    """What was said, noted and done, oldest first; the first page is the newest, the cursor
    goes back in time."""
    found = _get(asked, path.id)
    window = thread.read_messages(asked.session, asked.actor, found, before=query.cursor or "", limit=query.limit)
    entries = threads.show_window(asked.session, asked.actor, found, window, is_newest=not query.cursor)
    return Page(items=entries, next_cursor=window.older or None)


@room.post("/conversations/<int:id>/note", Entry, scope="answer", status=201)
def note(asked: Asked, path: IdPath, body: Note) -> Entry:
    """Write something that only colleagues see."""
    message = operations.note(
        asked.session, asked.actor, _get(asked, path.id), text=body.text, media=body.media_ids, now=asked.now
    )
    return show_entry(asked, message)


@room.post("/conversations/<int:id>/claim", ConversationRow, scope="answer")
def claim(asked: Asked, path: IdPath) -> ConversationRow:
    """Take it. One winner: everybody else gets a conflict that says who has it."""
    return _do(asked, path, operations.claim)


@room.post("/conversations/<int:id>/release", ConversationRow, scope="answer")
def release(asked: Asked, path: IdPath) -> ConversationRow:
    """Give it back to its queue."""
    return _do(asked, path, operations.release)


@room.post("/conversations/<int:id>/assign", ConversationRow, scope="answer")
def assign(asked: Asked, path: IdPath, body: Assign) -> ConversationRow:
    """Hand over to a person, a team, or nobody. A team alone takes it from its assignee."""
    return _do(
        asked,
        path,
        operations.assign,
        staff=staff.get_staff(asked.session, asked.actor, body.staff_id) if body.staff_id else None,
        team=staff.get_team(asked.session, asked.actor, body.team_id) if body.team_id else None,
    )


@room.post("/conversations/<int:id>/follow", ConversationRow, scope="read")
def follow(asked: Asked, path: IdPath) -> ConversationRow:
    """Be told what becomes of it."""
    return _do(asked, path, operations.follow)


@room.post("/conversations/<int:id>/unfollow", ConversationRow, scope="read")
def unfollow(asked: Asked, path: IdPath) -> ConversationRow:
    """Be told no more."""
    return _do(asked, path, operations.unfollow)


@room.get("/conversations/<int:id>/readers", Readers)
def list_readers(asked: Asked, path: IdPath) -> Readers:
    """Whom a note here can call."""
    people, teams = followers.read_readers(asked.session, asked.actor, _get(asked, path.id), asked.now)
    return Readers(staff=[person(one) for one in people], teams=[team(one) for one in teams])


@room.post("/conversations/<int:id>/snooze", ConversationRow, scope="answer")
def snooze(asked: Asked, path: IdPath, body: Snooze) -> ConversationRow:
    """Put it off until a moment or until the customer writes, whichever comes first."""
    return _do(asked, path, operations.snooze, until=body.until)


@room.post("/conversations/<int:id>/wait-internally", ConversationRow, scope="answer")
def wait_internally(asked: Asked, path: IdPath, body: WaitInternally) -> ConversationRow:
    """A colleague, another service or somebody outside must act first."""
    who = staff.get_staff(asked.session, asked.actor, body.staff_id) if body.staff_id else None
    return _do(asked, path, operations.wait_internally, awaits=body.awaits, staff=who, remind_at=body.remind_at)


@room.post("/conversations/<int:id>/resolve", ConversationRow, scope="answer")
def resolve(asked: Asked, path: IdPath, body: Resolve) -> ConversationRow:
    """Finish it until the customer writes again."""
    how = "" if body.outcome in (None, "unanswered") else body.outcome
    return _do(asked, path, operations.resolve, how=how)


@room.post("/conversations/<int:id>/reopen", ConversationRow, scope="answer")
def reopen(asked: Asked, path: IdPath) -> ConversationRow:
    """Take it up again."""
    return _do(asked, path, operations.reopen)


@room.post("/conversations/<int:id>/close", ConversationRow, scope="answer")
def close(asked: Asked, path: IdPath) -> ConversationRow:
    """Close it for good."""
    return _do(asked, path, operations.close)


@room.post("/conversations/<int:id>/spam", ConversationRow, scope="answer")
def mark_spam(asked: Asked, path: IdPath) -> ConversationRow:
    """Put it aside as spam."""
    return _do(asked, path, operations.mark_spam)


@room.post("/conversations/<int:id>/end-rush", Conversation, scope="answer")
def end_rush(asked: Asked, path: IdPath) -> Conversation:
    """Treat what a customer writes as before who was found to write very often."""
    return show_conversation(asked, receiving.end_rush(asked.session, asked.actor, _get(asked, path.id), asked.now))


@room.put("/conversations/<int:id>/labels", ConversationRow, scope="answer")
def set_labels(asked: Asked, path: IdPath, body: LabelSet) -> ConversationRow:
    """Make these its labels."""
    wanted = set(body.label_ids)
    labels = asked.session.scalars(select(LabelTable).where(LabelTable.id.in_(wanted))).all()
    if len(labels) != len(wanted):
        raise Invalid("some of these labels do not exist", {"label_ids": "do not all exist"})
    return _do(asked, path, operations.set_labels, labels=labels)


@room.put("/conversations/<int:id>/priority", ConversationRow, scope="answer")
def set_priority(asked: Asked, path: IdPath, body: PriorityIn) -> ConversationRow:
    """Say how urgent it is."""
    return _do(asked, path, operations.set_priority, priority=threads.PRIORITIES.index(body.priority))


@room.put("/conversations/<int:id>/draft", Done, scope="answer")
def save_draft(asked: Asked, path: IdPath, body: DraftIn) -> Done:
    """Keep what one is writing. Renews one's claim."""
    operations.save_draft(
        asked.session, asked.actor, _get(asked, path.id), kind="note" if body.kind == "note" else "answer",
        text=body.text, media=body.media_ids, seen_through=body.seen_through, now=asked.now,
    )  # fmt: skip
    return Done()


@room.put("/conversations/<int:id>/seen", Done, scope="read")
def mark_seen(asked: Asked, path: IdPath, body: SeenIn) -> Done:
    """Say how far one has read. Nobody else is told."""
    seeing.mark_seen(asked.session, asked.actor, _get(asked, path.id), through=body.through, now=asked.now)
    return Done()


@room.post("/conversations/<int:id>/presence", Others, scope="read")
def be_present(asked: Asked, path: IdPath, body: PresenceIn) -> Others:
    """Say that one looks at it, writes in it or has left; who else is there. Renews one's claim."""
    found = _get(asked, path.id)
    if body.here and can(asked.actor, Action.CONVERSATION_REPLY, found) and found.assignee_id == asked.staff_id:
        operations.renew(asked.session, asked.actor, found, asked.now)
    redis = asked.runtime.redis
    if body.here:
        is_news = presence.show(redis, found.id, asked.staff_id, "writing" if body.writing else "viewing", asked.now)
    else:
        is_news = presence.leave(redis, found.id, asked.staff_id)
    if is_news:
        live.tell(asked.session, "presence", asked.now, account_id=found.account_id, conversation_id=found.id)
    return Others(others=show_viewers(asked, found.id))


def _get(asked: Asked, conversation_id: int) -> ConversationTable:
    return thread.get_conversation(asked.session, asked.actor, conversation_id)


def _do(asked: Asked, path: IdPath, act: Callable[..., Any], **more: Any) -> ConversationRow:
    found = _get(asked, path.id)
    act(asked.session, asked.actor, found, now=asked.now, **more)
    return _row(asked, found.id)


def _row(asked: Asked, conversation_id: int) -> ConversationRow:
    asked.session.flush()
    return threads.show_row(read_rows(asked.session, [conversation_id], asked.staff_id)[0])
