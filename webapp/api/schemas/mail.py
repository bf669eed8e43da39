"""What a mail brings beside its words."""

from __future__ import annotations

from pydantic import Field

from webapp.api.schemas.common import Out


class Invited(Out):
    name: str
    address: str
    answer: str = Field(description="accepted, declined, tentative, needs-action …, as the mail says; may be empty")


class Invitation(Out):
    """The first event of a mail's calendar part, as its sender wrote it: nothing of it is proved.

    `starts`, `ends`: with an offset where the moment is known; without one, a time on whatever
    clock the reader has; a date where it is `whole_days`, `ends` being the last of them.
    """

    method: str = Field(description="REQUEST, CANCEL, REPLY …; may be empty")
    cancelled: bool
    summary: str
    location: str
    whole_days: bool
    starts: str
    ends: str = Field(description="empty: it is not said")
    zone: str = Field(description="the sender's, an IANA name; may be empty")
    repeats: bool
    organiser: Invited
    people: list[Invited]
    more_people: int
    more_events: int


class MailPicture(Out):
    """A picture that a mail shows. `url`: where who asks gets it, drawn anew by us. `remote`: it stands
    elsewhere, and its server hears of it when it is first asked for."""

    place: int = Field(description="the `data-picture` of the formatted page")
    url: str
    remote: bool
    attachment_id: int | None = Field(description="the file of the mail that it is; null: it stands elsewhere")


class MailPictures(Out):
    items: list[MailPicture]
