"""Making one conversation of two and two of one, and links between them."""

from __future__ import annotations

from guichet.errors import NotFound
from guichet.inbox import operations, thread
from guichet.models import Conversation as ConversationTable
from guichet.models import Message
from webapp.api.around import show_conversation
from webapp.api.schemas.common import IdPath
from webapp.api.schemas.inbox import Conversation, LinkGone, LinkNew, Merge, Split
from webapp.asking import Asked, Room

room = Room("joining")


@room.post("/conversations/<int:id>/merge", Conversation, scope="answer")
def merge(asked: Asked, path: IdPath, body: Merge) -> Conversation:
    """Put it into another one of the same customer on the same account; gives that one."""
    into = _get(asked, body.into_id)
    operations.merge(asked.session, asked.actor, _get(asked, path.id), into=into, now=asked.now)
    return _show(asked, into.id)


@room.post("/conversations/<int:id>/unmerge", Conversation, scope="answer")
def unmerge(asked: Asked, path: IdPath) -> Conversation:
    """Take back that it was merged into another: what came to it is in it again."""
    operations.unmerge(asked.session, asked.actor, _get(asked, path.id), asked.now)
    return _show(asked, path.id)


@room.post("/conversations/<int:id>/split", Conversation, scope="answer", status=201)
def split(asked: Asked, path: IdPath, body: Split) -> Conversation:
    """Put a message and everything after it into a new conversation; gives the new one."""
    found = _get(asked, path.id)
    message = asked.session.get(Message, body.message_id)
    if message is None or message.account_id != found.account_id:
        raise NotFound("there is no such message, or it is not yours to see")
    made = operations.split(asked.session, asked.actor, found, from_message=message, now=asked.now)
    return _show(asked, made.id)


@room.post("/conversations/<int:id>/link", Conversation, scope="answer")
def link(asked: Asked, path: IdPath, body: LinkNew) -> Conversation:
    """Say what another conversation is to it. Two have one link: the newest holds."""
    other = _get(asked, body.other_id)
    operations.link(asked.session, asked.actor, _get(asked, path.id), other=other, kind=body.kind, now=asked.now)
    return _show(asked, path.id)


@room.post("/conversations/<int:id>/unlink", Conversation, scope="answer")
def unlink(asked: Asked, path: IdPath, body: LinkGone) -> Conversation:
    """Take a link away."""
    other = _get(asked, body.other_id)
    operations.unlink(asked.session, asked.actor, _get(asked, path.id), other=other, now=asked.now)
    return _show(asked, path.id)


def _get(asked: Asked, conversation_id: int) -> ConversationTable:
    return thread.get_conversation(asked.session, asked.actor, conversation_id)


def _show(asked: Asked, conversation_id: int) -> Conversation:
    asked.session.flush()
    asked.session.expire_all()
    return show_conversation(asked, _get(asked, conversation_id))
