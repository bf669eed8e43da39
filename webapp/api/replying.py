"""One answer to many: drafted, looked at row by row, sent at a pace, stopped."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import jobs
from guichet.errors import Invalid
from guichet.inbox import presence
from guichet.inbox import queries as inbox
from guichet.inbox.rows import read_rows
from guichet.models import BulkReply as BulkTable
from guichet.models import BulkReplyRow as RowTable
from guichet.models import Conversation as ConversationTable
from guichet.policy import Action, visible_accounts
from guichet.replying import operations, queries, rules
from guichet.replying.looking import Around, read_conversations
from webapp.api import threads, views
from webapp.api.briefs import Names
from webapp.api.schemas.common import Done, IdPath, Page, PageQuery
from webapp.api.schemas.replying import (
    BulkReply,
    BulkReplyChange,
    BulkReplyNew,
    BulkRow,
    BulkRowChange,
    BulkRowPath,
    BulkSend,
)
from webapp.asking import Asked, Room

room = Room("bulk replies")


@room.get("/bulk-replies", Page[BulkReply])
def list_bulk_replies(asked: Asked) -> Page[BulkReply]:
    """One's own, and what was sent on the accounts that one answers for; the newest twenty."""
    return Page(items=[_show(asked, one) for one in queries.list_bulks(asked.session, asked.actor)])


@room.post("/bulk-replies", BulkReply, scope="answer", status=201)
def add_bulk_reply(asked: Asked, body: BulkReplyNew) -> BulkReply:
    """Begin an answer to many; nothing goes before it is sent."""
    chosen = _chosen(asked, body)
    bulk = operations.draft(
        asked.session, asked.actor, chosen, variants=body.variants, pace=body.pace, then_close=body.close,
        around=_around(asked, [one.id for one in chosen]), now=asked.now,
    )  # fmt: skip
    return _show(asked, bulk)


@room.get("/bulk-replies/<int:id>", BulkReply)
def get_bulk_reply(asked: Asked, path: IdPath) -> BulkReply:
    """How it stands."""
    return _show(asked, _get(asked, path))


@room.get("/bulk-replies/<int:id>/rows", Page[BulkRow])
def list_bulk_rows(asked: Asked, path: IdPath, query: PageQuery) -> Page[BulkRow]:
    """Every conversation of it, with what it gets or why it gets nothing."""
    after = _position(query.cursor)
    found = queries.list_rows(asked.session, asked.actor, _get(asked, path), after=after, limit=query.limit)
    page = found[: query.limit]
    more = str(page[-1].row.position) if len(found) > query.limit else None
    return Page(items=_show_rows(asked, page), next_cursor=more)


@room.patch("/bulk-replies/<int:id>", BulkReply, scope="answer")
def change_bulk_reply(asked: Asked, path: IdPath, body: BulkReplyChange) -> BulkReply:
    """Other wordings or another pace, while it is a draft."""
    bulk = _get(asked, path)
    operations.change(
        asked.session, asked.actor, bulk, variants=body.variants, pace=body.pace, then_close=body.close,
        around=_around(asked, _ids(asked, bulk)), now=asked.now,
    )  # fmt: skip
    return _show(asked, bulk)


@room.patch("/bulk-replies/<int:id>/rows/<int:row_id>", BulkRow, scope="answer")
def change_bulk_row(asked: Asked, path: BulkRowPath, body: BulkRowChange) -> BulkRow:
    """Say it otherwise in one conversation, or leave it out."""
    bulk = _get(asked, path)
    row = queries.get_row(asked.session, asked.actor, bulk, path.row_id)
    operations.change_row(
        asked.session, asked.actor, bulk, row, text=body.text, is_out=body.out,
        around=_around(asked, [row.conversation_id]), now=asked.now,
    )  # fmt: skip
    return _show_rows(asked, [queries.Row(row, queries.state_of(row, None), row.reason)])[0]


@room.post("/bulk-replies/<int:id>/look", BulkReply, scope="answer")
def look_again(asked: Asked, path: IdPath) -> BulkReply:
    """Read the conversations anew: what was written meanwhile counts as seen."""
    bulk = _get(asked, path)
    operations.look_again(asked.session, asked.actor, bulk, _around(asked, _ids(asked, bulk)), asked.now)
    return _show(asked, bulk)


@room.post("/bulk-replies/<int:id>/send", BulkReply, scope="answer")
def send_bulk_reply(asked: Asked, path: IdPath, body: BulkSend) -> BulkReply:
    """Let go what nothing keeps back. Asked twice, it goes once."""
    bulk = _get(asked, path)
    operations.send(
        asked.session, asked.actor, bulk, version=body.version, undo_seconds=body.undo_seconds, now=asked.now
    )
    asked.unit.enqueue(jobs.PLAN_REPLIES)
    return _show(asked, bulk)


@room.post("/bulk-replies/<int:id>/stop", BulkReply, scope="answer")
def stop_bulk_reply(asked: Asked, path: IdPath) -> BulkReply:
    """Send nothing more of it. What has begun to go out goes."""
    bulk = _get(asked, path)
    operations.stop(asked.session, asked.actor, bulk, asked.now)
    asked.unit.enqueue(jobs.PLAN_REPLIES)
    return _show(asked, bulk)


@room.delete("/bulk-replies/<int:id>", Done, scope="answer")
def discard_bulk_reply(asked: Asked, path: IdPath) -> Done:
    """Throw a draft away."""
    operations.discard(asked.session, asked.actor, _get(asked, path), asked.now)
    return Done()


def _get(asked: Asked, path: IdPath) -> BulkTable:
    return queries.get_bulk(asked.session, asked.actor, path.id)


def _position(cursor: str | None) -> int:
    if cursor is None:
        return -1
    if not cursor.isdecimal() or len(cursor) > 6:
        raise Invalid("this cursor is none of ours", {"cursor": "is none of ours"})
    return int(cursor)


def _chosen(asked: Asked, body: BulkReplyNew) -> list[ConversationTable]:
    if (body.conversation_ids is None) == (body.filters is None):
        raise Invalid("say to which conversations", {"conversation_ids": "either these or filters"})
    if body.conversation_ids is not None:
        ids = list(dict.fromkeys(body.conversation_ids))
    else:
        ids = _listed(asked, body.filters or {})
    found = read_conversations(asked.session, ids)
    missing = [id_ for id_ in ids if id_ not in found]
    if missing:
        raise Invalid("a conversation is not there", {"conversation_ids": say("there is no {id}", id=str(missing[0]))})
    return [found[id_] for id_ in ids]


def _listed(asked: Asked, given: dict[str, object]) -> list[int]:
    """All that a list shows, in its order. Refused where it is too long, never cut off."""
    query = views.query_for(given)
    filters, order = views.filters_for(asked, query), views.order_for(asked, query)
    ids: list[int] = []
    after = ""
    while True:
        page = inbox.list_conversations(
            asked.session, asked.actor, filters, order=order, after=after, limit=inbox.LIST_LIMIT
        )
        ids += [row.id for row in page.items]
        after = page.next_cursor
        if len(ids) > rules.MOST_ROWS:
            raise Invalid("this list is too long", {"filters": say("must show at most {most}", most=rules.MOST_ROWS)})
        if not after:
            return ids


def _around(asked: Asked, conversation_ids: Sequence[int]) -> Around:
    there = presence.who_is_there(asked.runtime.redis, conversation_ids, asked.now)
    names = Names(asked.session)
    writers = {}
    for id_, people in there.items():
        others = [one.staff_id for one in people if one.what == "writing" and one.staff_id != asked.staff_id]
        if others and (who := names.person(others[0])) is not None:
            writers[id_] = who.name
    return Around(asked.networks.specs(), writers)


def _ids(asked: Asked, bulk: BulkTable) -> list[int]:
    return list(asked.session.scalars(select(RowTable.conversation_id).where(RowTable.bulk_id == bulk.id)))


def _show(asked: Asked, bulk: BulkTable) -> BulkReply:
    asked.session.flush()
    progress = queries.read_progress(asked.session, asked.actor, bulk)
    is_mine = bulk.staff_id == asked.staff_id
    return BulkReply(
        id=bulk.id, author=Names(asked.session).person(bulk.staff_id), state=bulk.state, variants=bulk.variants,
        pace=bulk.pace, close=bulk.then_close, version=bulk.version, total=sum(progress.states.values()),
        rows=dict(progress.states), alike=dict(progress.alike), until=_until(asked.session, bulk), mine=is_mine,
        may_stop=bulk.state == "running" and _may_stop(asked, bulk),
        created_at=bulk.created_at, sent_at=bulk.sent_at, stopped_at=bulk.stopped_at,
    )  # fmt: skip


def _until(session: Session, bulk: BulkTable) -> object:
    last = select(func.max(RowTable.planned_at)).where(RowTable.bulk_id == bulk.id, RowTable.state == "planned")
    return session.scalar(last)


def _may_stop(asked: Asked, bulk: BulkTable) -> bool:
    answered = visible_accounts(asked.actor, Action.CONVERSATION_ANSWER)
    of = select(RowTable.account_id).where(RowTable.bulk_id == bulk.id).distinct()
    return answered is None or any(account_id in answered for account_id in asked.session.scalars(of))


def _show_rows(asked: Asked, found: Sequence[queries.Row]) -> list[BulkRow]:
    asked.session.flush()
    ids = [one.row.conversation_id for one in found]
    shown = {row.id: row for row in threads.show_rows(read_rows(asked.session, ids, asked.staff_id))}
    return [
        BulkRow(
            id=one.row.id, conversation=shown[one.row.conversation_id], state=one.state, variant=one.row.variant,
            text=one.row.text, said=one.row.said, body=one.row.body, used=one.row.used, room=one.row.room,
            problems=one.row.problems, excluded=one.row.excluded or None, reason=one.why or None,
            notes=one.row.notes, planned_at=one.row.planned_at,
        )
        for one in found
    ]  # fmt: skip
