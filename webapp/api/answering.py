"""Answering: at once, with some seconds to think again, or at a time."""

from __future__ import annotations

from pydantic import Field

from guichet import jobs
from guichet.inbox import acting, operations, thread
from guichet.inbox.pending import Later
from guichet.models import Account, Message
from guichet.models import Conversation as ConversationTable
from guichet.publishing.rules import due_time
from webapp.api import threads
from webapp.api.around import show_draft
from webapp.api.briefs import Names
from webapp.api.schemas import answering as shapes
from webapp.api.schemas.answering import AnswerApprove, AnswerReject, Move, Reply, SendNow
from webapp.api.schemas.common import Id, IdPath
from webapp.api.schemas.inbox import Draft, Entry
from webapp.asking import Asked, Room

room = Room("answering")


class AnswerPath(IdPath):
    """A conversation and an answer in it."""

    message_id: Id = Field()


@room.post("/conversations/<int:id>/reply", Entry, scope="answer", status=201)
def reply(asked: Asked, path: IdPath, body: Reply) -> Entry:
    """Answer. The entry's delivery tells how it goes; the wait ends when the network has it."""
    found = _get(asked, path.id)
    account = Names(asked.session).account(found.account_id)
    message = operations.reply(
        asked.session, asked.actor, found, spec=asked.spec(account.network), text=body.text, media=body.media_ids,
        seen_through=body.seen_through or found.last_message_id or 0, then_close=body.close,
        to_message_id=body.message_id, undo_seconds=body.undo_seconds,
        later=_later(asked, found, body.later) if body.later else None, now=asked.now,
    )  # fmt: skip
    asked.unit.enqueue(jobs.DRAIN)
    return show_entry(asked, message)


@room.post("/conversations/<int:id>/answers/<int:message_id>/take-back", Draft, scope="answer")
def take_back_answer(asked: Asked, path: AnswerPath) -> Draft:
    """Undo an answer of one's own that is not out yet: text and files are one's draft again."""
    found = _get(asked, path.id)
    draft = operations.take_back(asked.session, asked.actor, found, path.message_id, asked.now)
    return show_draft(asked, draft)


@room.post("/conversations/<int:id>/answers/<int:message_id>/cancel", Entry, scope="answer")
def cancel_answer(asked: Asked, path: AnswerPath) -> Entry:
    """Do not send it. A colleague's text goes back into their draft, and they are told."""
    found = _get(asked, path.id)
    return show_entry(asked, operations.cancel_planned(asked.session, asked.actor, found, path.message_id, asked.now))


@room.post("/conversations/<int:id>/answers/<int:message_id>/send-now", Entry, scope="answer")
def send_answer_now(asked: Asked, path: AnswerPath, body: SendNow) -> Entry:
    """Send what waits, or was held back, now and in one's own right."""
    message = operations.send_now(
        asked.session, asked.actor, _get(asked, path.id), path.message_id, seen_through=body.seen_through,
        now=asked.now,
    )  # fmt: skip
    asked.unit.enqueue(jobs.DRAIN)
    return show_entry(asked, message)


@room.post("/conversations/<int:id>/answers/<int:message_id>/approve", Entry, scope="answer")
def approve_answer(asked: Asked, path: AnswerPath, body: AnswerApprove) -> Entry:
    """Let a colleague's answer go, as it is or in other words."""
    found = _get(asked, path.id)
    account = Names(asked.session).account(found.account_id)
    message = operations.approve(
        asked.session, asked.actor, found, path.message_id, spec=asked.spec(account.network),
        content_hash=body.content_hash, seen_through=body.seen_through, text=body.text,
        refuse_others=body.reject_others, now=asked.now,
    )  # fmt: skip
    asked.unit.enqueue(jobs.DRAIN)
    return show_entry(asked, message)


@room.post("/conversations/<int:id>/answers/<int:message_id>/reject", Entry, scope="answer")
def reject_answer(asked: Asked, path: AnswerPath, body: AnswerReject) -> Entry:
    """Send a colleague's answer back into their draft, with a reason."""
    found = _get(asked, path.id)
    return show_entry(
        asked,
        operations.reject(asked.session, asked.actor, found, path.message_id, reason=body.reason, now=asked.now),
    )


@room.post("/conversations/<int:id>/answers/<int:message_id>/move", Entry, scope="answer")
def move_answer(asked: Asked, path: AnswerPath, body: Move) -> Entry:
    """Give a planned answer another time."""
    found = _get(asked, path.id)
    later = _later(asked, found, body.later)
    return show_entry(
        asked, operations.move_planned(asked.session, asked.actor, found, path.message_id, later, asked.now)
    )


@room.post("/conversations/<int:id>/messages/<int:message_id>/show", Entry, scope="answer")
def show_message(asked: Asked, path: AnswerPath) -> Entry:
    """A public message with the personal data that stands in it, for who may answer. That it was
    looked at is kept in the audit log."""
    row = thread.uncover_message(asked.session, asked.actor, _get(asked, path.id), path.message_id, asked.now)
    return threads.show_messages(asked.session, asked.actor, [row], Names(asked.session), is_covered=False)[0]


@room.post("/conversations/<int:id>/messages/<int:message_id>/like", Entry, scope="answer")
def like_message(asked: Asked, path: AnswerPath) -> Entry:
    """Like it at the network, in the account's name."""
    return _act(asked, path, "like")


@room.post("/conversations/<int:id>/messages/<int:message_id>/unlike", Entry, scope="answer")
def unlike_message(asked: Asked, path: AnswerPath) -> Entry:
    """Take that back."""
    return _act(asked, path, "unlike")


@room.post("/conversations/<int:id>/messages/<int:message_id>/hide", Entry, scope="publish")
def hide_message(asked: Asked, path: AnswerPath) -> Entry:
    """Hide it at the network for everybody; when it is hidden, its wait ends as moderated."""
    return _act(asked, path, "hide")


@room.post("/conversations/<int:id>/messages/<int:message_id>/unhide", Entry, scope="publish")
def unhide_message(asked: Asked, path: AnswerPath) -> Entry:
    """Show it again at the network."""
    return _act(asked, path, "unhide")


def _act(asked: Asked, path: AnswerPath, kind: str) -> Entry:
    found = _get(asked, path.id)
    spec = asked.spec(Names(asked.session).account(found.account_id).network)
    message = acting.act(asked.session, asked.actor, found, path.message_id, kind, spec, asked.now)
    asked.unit.enqueue(jobs.DRAIN)
    return show_entry(asked, message)


def show_entry(asked: Asked, message: Message) -> Entry:
    """One message as it stands in its thread."""
    asked.session.flush()
    row = thread.get_message(asked.session, asked.actor, message.id)
    return threads.show_messages(asked.session, asked.actor, [row], Names(asked.session))[0]


def _later(asked: Asked, found: ConversationTable, given: shapes.Later) -> Later:
    zone = given.time_zone or asked.session.get_one(Account, found.account_id).brand.time_zone
    return Later(given.wall_time, zone, due_time(given.wall_time, zone))


def _get(asked: Asked, conversation_id: int) -> ConversationTable:
    return thread.get_conversation(asked.session, asked.actor, conversation_id)
