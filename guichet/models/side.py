"""Talk beside a conversation with somebody outside who is no user and not its customer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, ref


class SideConversation(Base):
    """A thread by e-mail beside a conversation. What is said in it are messages with its id in
    `side_id` (direction side_in, side_out): the customer never sees them, and no wait counts them.

    `account_id` is the mailbox that it goes out from; `token` comes back with every answer;
    `recipients` holds {name, address} of those written to. `came_to_id`: as on a message.
    """

    __tablename__ = "side_conversation"
    id: Mapped[Key]
    conversation_id: Mapped[int] = ref("conversation.id", index=True)
    came_to_id: Mapped[int | None]
    account_id: Mapped[int] = ref("account.id")
    staff_id: Mapped[int] = ref("staff.id")
    subject: Mapped[Short]
    token: Mapped[Short] = mapped_column(unique=True)
    recipients: Mapped[list[Any]]
    created_at: Mapped[datetime]
    last_at: Mapped[datetime]
