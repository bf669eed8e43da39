"""The address book."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from webapp.api.schemas.common import Id, In, Line, Name, Out, PageQuery, Time, Told

Handles = Annotated[
    dict[Line, Annotated[str, Field(max_length=300)]],
    Field(max_length=50, description="by network, as typed or pasted: @name, the address of a profile; empty: none"),
]


class ContactQuery(PageQuery):
    """`brand_id`: those that count for it, which are its own and those of all brands."""

    brand_id: Id | None = None


class ContactNew(In):
    """Somebody whom posts may mention as @[name]; without `brand_id`, those of all brands."""

    brand_id: Id | None = None
    name: Name
    handles: Handles = Field(default_factory=dict)


class ContactChange(In):
    """What is not named stays as it is; `handles` are all of them."""

    name: Name | None = None
    handles: Handles | None = None


class ContactHandle(Out):
    """`state`: empty where nobody asked the network, `found`, or `gone` where it knows nobody so called."""

    network: str
    handle: str
    state: Literal["", "found", "gone"]
    checked_at: Time | None


class Contact(Out):
    id: int
    brand_id: int | None
    name: str
    handles: list[ContactHandle]


class Unasked(Out):
    """A network that did not say whether it knows somebody, and why."""

    network: str
    reason: Told


class ContactChecked(Out):
    """As it stands after the networks were asked; those that could not be asked changed nothing."""

    contact: Contact
    unasked: list[Unasked]
