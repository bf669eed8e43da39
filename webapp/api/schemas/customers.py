"""Customers: who they are over networks, and what is noted about them."""

from __future__ import annotations

from pydantic import Field

from webapp.api.schemas.common import Id, In, Out, PageQuery, PersonBrief, Prose, Time, Words
from webapp.api.schemas.fields import FilledField
from webapp.api.schemas.inbox import ConversationRow, CustomerBrief


class Identity(Out):
    """`join_id`: the join by which it came to this customer; null: it was theirs from the start."""

    id: int
    join_id: int | None
    network: str
    handle: str
    name: str
    url: str | None
    followers: int | None = Field(description="as many as followed them there when they last wrote; null: not known")


class CustomerJoin(Out):
    """That another customer turned out to be this one; it can be taken back by its id."""

    id: int
    name: str
    by: PersonBrief | None
    at: Time
    identities: int


class CustomerNote(Out):
    """`id` null: it was there before notes had authors."""

    id: int | None
    text: str
    by: PersonBrief | None
    at: Time


class CustomerNoteNew(In):
    text: Prose


class CustomerSuggestion(Out):
    """Who may be the same person: `address`, theirs, stands in what this customer wrote."""

    customer: CustomerBrief
    network: str
    address: str


class CustomerJoinNew(In):
    """`other_id`: the customer who is the same person; their identities come to this one."""

    other_id: Id


class CustomerSeparate(In):
    join_id: Id


class Customer(CustomerBrief):
    """As far as one may see them. Of somebody who was joined one gets who they turned out to be."""

    identities: list[Identity] = Field(description="those that wrote to an account that one may see")
    joins: list[CustomerJoin]
    notes: list[CustomerNote] = Field(description="newest first")
    suggestions: list[CustomerSuggestion]
    may_change: bool
    may_erase: bool
    erased_at: Time | None = Field(description="since when nothing is known of them any more")
    note: str
    language: str
    is_vip: bool
    is_blocked: bool
    first_seen_at: Time
    fields: list[FilledField] = Field(description="custom fields, of the brands that one sees")
    conversations: list[ConversationRow]


class CustomerChange(In):
    note: Prose | None = None
    is_vip: bool | None = None
    is_blocked: bool | None = None


class CustomerQuery(PageQuery):
    q: Words | None = None
