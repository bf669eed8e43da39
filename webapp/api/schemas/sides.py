"""What is said beside a conversation with somebody outside, and whom one waits for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from webapp.api.schemas.common import AccountBrief, Id, In, Line, Moment, Out, Page, PersonBrief, Prose, Time
from webapp.api.schemas.inbox import Attachment
from webapp.api.schemas.publishing import Delivery


class Correspondent(Out):
    name: str
    address: str


class CorrespondentIn(In):
    address: Line
    name: Line = ""


class SideMessage(Out):
    """`sender` says whom what came in is from: one of those written to, somebody else who had the
    mail, or the customer; null: from us. A sender of a mail can be forged. `html` is sanitised."""

    id: int
    direction: Literal["in", "out"]
    sender: Literal["expected", "unexpected", "customer"] | None
    name: str
    address: str
    staff: PersonBrief | None
    text: str
    html: str | None
    at: Time
    automatic: bool
    bounced: bool = Field(description="a report that what we wrote could not be delivered")
    attachments: list[Attachment]
    delivery: Delivery | None


class SideConversation(Out):
    """`messages`: the newest hundred, oldest first."""

    id: int
    conversation_id: int
    account: AccountBrief
    subject: str
    recipients: list[Correspondent]
    opened_by: PersonBrief | None
    opened_at: Time
    last_at: Time
    may_write: bool
    messages: list[SideMessage]


class SideWriting(In):
    """`quote`: ids of messages of the conversation that are put below the text. `wait`: the
    conversation then waits for them; `remind_at`: until then at most. `even_customer`: also where
    an address is the customer's own."""

    text: Prose
    quote: list[Id] = Field([], max_length=20)
    media_ids: list[Id] = Field([], max_length=20)
    wait: bool = True
    remind_at: Moment | None = None
    even_customer: bool = False


class SideNew(SideWriting):
    """`account_id`: the mailbox that it goes out from."""

    account_id: Id
    to: list[CorrespondentIn] = Field(min_length=1, max_length=10)
    subject: Line


class SideMessageNew(SideWriting):
    """`to`: who is written to from now on; empty: those written to before."""

    to: list[CorrespondentIn] = Field([], max_length=10)


class WaitInternally(In):
    """Whom one waits for: a colleague, or whoever `awaits` names. `remind_at`: until then at most."""

    awaits: Line = ""
    staff_id: Id | None = None
    remind_at: Moment | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_need_be_said(cls, value: Any) -> Any:
        return {} if value is None else value


class SideConversations(Page[SideConversation]):
    """`mailboxes`: from which one may write to somebody outside."""

    mailboxes: list[AccountBrief]
