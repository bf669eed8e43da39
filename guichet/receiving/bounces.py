"""An answer that its network had accepted and then gave back: nobody read it.

The report joins the conversation that the answer is in. Where it is final the customer waits on, as if
nothing had been said; the text is back in its author's box, and they and who has the conversation are
told. A report is only a mail: whoever knows the answer's id can forge one, which makes us look again
at what was answered, and no more.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import Inbound
from guichet.inbox import answering, handling, notices, waiting, words
from guichet.inbox.changes import Change
from guichet.inbox.states import UNFINISHED, State
from guichet.models import Account, Delivery, Message
from guichet.receiving.people import ID_LENGTH


def find_bounced(session: Session, account: Account, inbound: Inbound) -> Message | None:
    """The answer of ours that `inbound` reports on, if it is a report and we know that answer."""
    if inbound.bounce is None:
        return None
    ours = (Message.account_id == account.id, Message.direction == "out", Message.staff_id.is_not(None))
    same = Message.remote_id == words.clean(inbound.bounce.remote_id, ID_LENGTH)
    return session.scalars(select(Message).where(*ours, same)).one_or_none()


def take_in(change: Change, answer: Message, inbound: Inbound) -> None:
    """What the report changes, within `changing` of the answer's conversation."""
    bounce = inbound.bounce
    if bounce is None:
        return
    told = {"message_id": answer.id, "status": words.clean_short(bounce.status)}
    if not bounce.is_final:
        change.event("reply_delayed", **told)
        return
    if "bounced" in answer.context:
        return
    recipient = words.clean_short(bounce.recipient)
    answer.context = {**answer.context, "bounced": {"recipient": recipient, "status": told["status"]}}
    change.session.flush()
    if change.conversation.state in (*UNFINISHED, State.RESOLVED):
        waiting.resume(change, answer)
        handling.returned_to_front(change, "reply_bounced", **told)
    else:
        change.event("reply_bounced", **told)
    delivery = change.session.get(Delivery, answer.delivery_id) if answer.delivery_id is not None else None
    answering.give_back(change.session, answer, delivery, change.now)
    notices.tell_owner_and_followers(change, "bounced", also=[answer.staff_id or 0])
