"""How mails look: kept when they come in, read by who may read the conversation, gone with what
is taken back. Of pictures loaded from elsewhere what was drawn anew is kept for some days."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from guichet.db import dialect
from guichet.errors import NotFound
from guichet.inbox import personal
from guichet.models import Attachment, MailPicture, Message, MessageLayout, table_of
from guichet.policy import Action, Actor, require
from guichet.receiving.layout import Picture, lay_out

KEPT_FOR = timedelta(days=7)
_AT_ONCE = 500
_PICTURE = table_of(MailPicture)


@dataclass(frozen=True)
class Shown:
    """A message as it may be looked at: its layout, or where none was kept its plainer HTML.
    `pictures` by place, without those that are nowhere; `files` by place, those that came with it."""

    message: Message
    html: str
    is_coloured: bool
    pictures: dict[int, Picture]
    files: dict[int, Attachment]


def keep_layout(session: Session, actor: Actor, message: Message, html: str) -> None:
    """Keep how a mail looks that has HTML. Of what shows pictures alone, no words are left: a line
    break then says that there is something to look at."""
    require(actor, Action.SYSTEM)
    found = lay_out(html)
    if not found.html:
        return
    message.html = message.html or "<br>"
    pictures = [{"address": one.address} if one.address else {"inline_id": one.inline_id} for one in found.pictures]
    session.add(
        MessageLayout(message_id=message.id, html=found.html, is_coloured=found.is_coloured, pictures=pictures)
    )  # fmt: skip


def forget_layout(session: Session, actor: Actor, message: Message) -> None:
    """Let go of how it looked. What was drawn of its pictures goes when its time is up."""
    require(actor, Action.SYSTEM)
    session.execute(delete(MessageLayout).where(MessageLayout.message_id == message.id))


def get_shown(session: Session, actor: Actor, conversation_id: int, message_id: int) -> Shown:
    """How a mail of this conversation, or beside it, may be looked at. Raises NotFound, also where
    it has no HTML, was taken back, or may say something personal in public."""
    message = session.get(Message, message_id)
    if message is None or message.conversation_id != conversation_id:
        raise NotFound("there is no such message, or it is not yours to see")
    require(actor, Action.CONVERSATION_VIEW, message)
    is_there = message.deleted_at is None and message.direction != "taken_back"
    if not is_there or not message.html or message.kind in personal.PUBLIC_KINDS:
        raise NotFound("this message has no formatting")
    row = session.get(MessageLayout, message.id)
    if row is None:
        return Shown(message, message.html, is_coloured=False, pictures={}, files={})
    named = [Picture(one.get("address", ""), one.get("inline_id", "")) for one in row.pictures]
    enclosed = _enclosed(session, message) if any(one.inline_id for one in named) else {}
    files = {place: enclosed[one.inline_id] for place, one in enumerate(named) if one.inline_id in enclosed}
    there = {place: one for place, one in enumerate(named) if one.address or place in files}
    return Shown(message, row.html, row.is_coloured, there, files)


def _enclosed(session: Session, message: Message) -> dict[str, Attachment]:
    of_it = Attachment.message_id == message.id, Attachment.inline_id != "", Attachment.storage_key != ""
    found: dict[str, Attachment] = {}
    for row in session.scalars(select(Attachment).where(*of_it).order_by(Attachment.id)):
        found.setdefault(row.inline_id, row)
    return found


def find_kept(session: Session, shown: Shown, picture: Picture, now: datetime) -> str:
    """The key of what was drawn of a picture in the last days, "" for none."""
    row = session.get(MailPicture, (shown.message.id, _digest(picture)))
    return row.storage_key if row is not None and row.kept_at > now - KEPT_FOR else ""


def keep_picture(
    session: Session, actor: Actor, shown: Shown, picture: Picture, storage_key: str, now: datetime
) -> str:
    """Keep what was drawn of a picture; returns the key of what it takes the place of, "" for none."""
    require(actor, Action.CONVERSATION_VIEW, shown.message)
    # Of two who had it loaded at once, the second takes the place of the first, whose bytes go.
    session.execute(select(Message.id).where(Message.id == shown.message.id).with_for_update())
    before = session.get(MailPicture, (shown.message.id, _digest(picture)))
    row = {"message_id": shown.message.id, "digest": _digest(picture), "storage_key": storage_key, "kept_at": now}
    dialect.upsert(session, _PICTURE, row, "message_id", "digest")
    return before.storage_key if before is not None else ""


def forget_pictures(session: Session, actor: Actor, now: datetime) -> list[str]:
    """Let go of what was drawn more than some days ago. Returns the keys of their bytes, to be given
    up once this is committed."""
    require(actor, Action.SYSTEM)
    old = select(MailPicture).where(MailPicture.kept_at <= now - KEPT_FOR).order_by(MailPicture.kept_at)
    gone = session.scalars(old.limit(_AT_ONCE).with_for_update(skip_locked=True)).all()
    for row in gone:
        session.delete(row)
    session.flush()
    return [row.storage_key for row in gone]


def _digest(picture: Picture) -> str:
    return hashlib.sha256(picture.address.encode()).hexdigest()
