"""Side conversations: with somebody outside, by e-mail, beside the conversation with the customer."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from guichet import jobs
from guichet.errors import NotFound
from guichet.inbox import operations, siding, thread
from guichet.inbox.siding import SideRow, Writing
from guichet.inbox.thread import MessageRow
from guichet.models import Account, Delivery
from guichet.models import Conversation as ConversationTable
from guichet.policy import Action, can
from webapp.api.briefs import Names
from webapp.api.deliveries import show_delivery
from webapp.api.schemas.common import AccountBrief, Id, IdPath, PersonBrief
from webapp.api.schemas.sides import (
    Correspondent,
    SideConversation,
    SideConversations,
    SideMessage,
    SideMessageNew,
    SideNew,
    SideWriting,
)
from webapp.api.threads import show_attachment
from webapp.asking import Asked, Room

room = Room("sides")


class SidePath(IdPath):
    """A conversation and a side conversation of it."""

    side_id: Id = Field()


@room.get("/conversations/<int:id>/side-conversations", SideConversations)
def list_side_conversations(asked: Asked, path: IdPath) -> SideConversations:
    """What is said beside it, the latest first, all on one page."""
    found = _get(asked, path.id)
    rows = siding.read_sides(asked.session, asked.actor, found)
    boxes: Sequence[Account] = ()
    if can(asked.actor, Action.CONVERSATION_ANSWER, found):
        boxes = siding.list_mailboxes(asked.session, asked.actor, found, asked.networks.specs())
    return SideConversations(items=[_show(asked, found, row) for row in rows], mailboxes=[_brief(one) for one in boxes])


@room.post("/conversations/<int:id>/side-conversations", SideConversation, scope="answer", status=201)
def open_side_conversation(asked: Asked, path: IdPath, body: SideNew) -> SideConversation:
    """Write to somebody outside. The customer sees nothing of it, nor of what is answered."""
    found = _get(asked, path.id)
    account = asked.session.get(Account, body.account_id)
    if account is None:
        raise NotFound("there is no such account, or it is not yours to see")
    side, _ = operations.open_side(
        asked.session, asked.actor, found, account=account, spec=asked.spec(account.network), subject=body.subject,
        writing=_writing(body), waits=body.wait, remind_at=body.remind_at, even_customer=body.even_customer,
        now=asked.now,
    )  # fmt: skip
    asked.unit.enqueue(jobs.DRAIN)
    return _show(asked, found, SideRow(side, siding.read_side_messages(asked.session, side)))


@room.post(
    "/conversations/<int:id>/side-conversations/<int:side_id>/messages", SideConversation, scope="answer", status=201
)
def write_side_message(asked: Asked, path: SidePath, body: SideMessageNew) -> SideConversation:
    """Write on in a side conversation."""
    found = _get(asked, path.id)
    side = siding.get_side(asked.session, asked.actor, found, path.side_id)
    account = asked.session.get_one(Account, side.account_id)
    operations.write_side(
        asked.session, asked.actor, found, side, spec=asked.spec(account.network), writing=_writing(body),
        waits=body.wait, remind_at=body.remind_at, even_customer=body.even_customer, now=asked.now,
    )  # fmt: skip
    asked.unit.enqueue(jobs.DRAIN)
    return _show(asked, found, SideRow(side, siding.read_side_messages(asked.session, side)))


def _writing(body: SideWriting) -> Writing:
    given = body.to if isinstance(body, SideNew | SideMessageNew) else []
    to = [{"name": one.name, "address": one.address} for one in given]
    return Writing(to=to, text=body.text, quoted=body.quote, media=body.media_ids)


def _show(asked: Asked, found: ConversationTable, row: SideRow) -> SideConversation:
    side = row.side
    ids = [one.message.delivery_id for one in row.messages if one.message.delivery_id]
    names = Names(asked.session).load(people=[side.staff_id])
    deliveries = {id_: asked.session.get(Delivery, id_) for id_ in ids}
    return SideConversation(
        id=side.id,
        conversation_id=side.conversation_id,
        account=_brief(asked.session.get_one(Account, side.account_id)),
        subject=side.subject,
        recipients=[Correspondent(name=one["name"], address=one["address"]) for one in side.recipients],
        opened_by=names.person(side.staff_id),
        opened_at=side.created_at,
        last_at=side.last_at,
        may_write=siding.may_write(asked.actor, found, side),
        messages=[_message(one, deliveries.get(one.message.delivery_id or 0), names) for one in row.messages],
    )


def _message(row: MessageRow, delivery: Delivery | None, names: Names) -> SideMessage:
    m = row.message
    return SideMessage(
        id=m.id,
        direction="in" if m.direction == "side_in" else "out",
        sender=m.context.get("sender") or None,
        name=m.context.get("name", ""),
        address=m.context.get("address", ""),
        staff=PersonBrief(id=m.staff_id, name=row.staff_name, initials=row.staff_initials) if m.staff_id else None,
        text=m.text,
        html=m.html or None,
        at=m.sort_at,
        automatic=m.is_automatic,
        bounced=bool(m.context.get("bounce")),
        attachments=[show_attachment(one) for one in m.attachments],
        delivery=show_delivery(delivery, names) if delivery else None,
    )


def _brief(account: Account) -> AccountBrief:
    return AccountBrief(id=account.id, network=account.network, handle=account.handle, name=account.name)


def _get(asked: Asked, conversation_id: int) -> ConversationTable:
    return thread.get_conversation(asked.session, asked.actor, conversation_id)
