"""What differs between a network's timeline and our rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Id, In, Out, Time, Told


class Discrepancy(Out):
    """`stranger`: it stands there and none of our deliveries is it. Its `code`: `unknown_hand`;
    `twice`, it has the words of one that is published; `our_words`, of one that is not.
    `absence`: we published it, and it is `gone` there."""

    id: int
    account: AccountBrief
    kind: Literal["stranger", "absence"]
    code: Literal["unknown_hand", "twice", "our_words", "gone"]
    remote_id: str
    url: str | None
    text: str = Field(description="its first words")
    via: str = Field(description="the program that published it, where the network says so")
    at: Time = Field(description="when it was published, by the network's clock")
    delivery_id: int | None = Field(description="which of ours it is about")
    found_at: Time


class DiscrepancyQuery(In):
    account_id: Id | None = None


class Comparison(Out):
    """How far an account's timeline was compared. `result` of the last time: `partly`, the network
    did not show all of it; `spent`, what the account may cost does not allow the reading;
    `unlisted`, this network cannot be listed."""

    is_on: bool
    compared_at: Time | None
    through: Time | None = Field(description="all that was published until then has been compared")
    next_at: Time | None
    read: int
    result: Literal["", "done", "partly", "spent", "unlisted", "failed"]
    error: Told
    discrepancies: int = Field(description="that nobody has seen yet")
