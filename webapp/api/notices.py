"""What one is told of the conversations that one follows, and of the notes that call one."""

from __future__ import annotations

from guichet.inbox import notices, personal
from guichet.inbox.words import first_words
from webapp.api import around
from webapp.api.briefs import Names
from webapp.api.schemas.common import Done, Page
from webapp.api.schemas.notices import Notice, NoticeCount, NoticeQuery, NoticesSeen
from webapp.asking import Asked, Room

room = Room("notices")


@room.get("/notices", Page[Notice])
def list_notices(asked: Asked, query: NoticeQuery) -> Page[Notice]:
    """Newest first; what lies on an account that one may not see any more is not among them."""
    found, following = notices.list_notices(
        asked.session, asked.actor, unseen=query.unseen, after=query.cursor or "", limit=query.limit
    )
    names = Names(asked.session).load(
        people=[one.notice.by_staff_id for one in found], accounts=[one.notice.account_id for one in found]
    )
    return Page(items=[_show(one, names) for one in found], next_cursor=following or None)


@room.get("/notices/unseen", NoticeCount)
def count_notices(asked: Asked) -> NoticeCount:
    """How many one has not seen."""
    n = notices.count_unseen(asked.session, asked.actor)
    return NoticeCount(count=min(n, notices.COUNT_CAP), more=n > notices.COUNT_CAP)


@room.post("/notices/seen", Done, scope="read")
def see_notices(asked: Asked, body: NoticesSeen) -> Done:
    """Say that one has seen them. Nobody else is told."""
    notices.see_notices(asked.session, asked.actor, body.ids, asked.now)
    return Done()


def _show(told: notices.Told, names: Names) -> Notice:
    one = told.notice
    return Notice(
        id=one.id,
        kind=one.kind,
        conversation_id=one.conversation_id,
        customer=around.brief_of(told.conversation.identity),
        account=names.account(one.account_id),
        message_id=one.message_id,
        text=first_words(personal.cover_public(told.message.text, told.message.kind)) if told.message else "",
        by=names.person(one.by_staff_id),
        count=one.count,
        at=one.at,
        seen=one.seen_at is not None,
    )
