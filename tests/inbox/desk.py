"""A mailbox beside an account, from which a desk outside is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import select

from channels.contract import CountUnit, Inbound, InboundKind, Limits, MediaLimit, Person, RawItem, Surface, TextLimit
from channels.contract import Recovery as R
from guichet import models as m
from guichet.inbox import operations as inbox
from guichet.inbox import queries, seeing, siding
from guichet.inbox.rows import read_rows
from guichet.inbox.siding import Writing
from guichet.policy import SYSTEM
from guichet.receiving import digest, following, ingest
from tests import factories as f
from tests.inbox.scene import SPEC, Scene

_AT = ("a test", date(2026, 1, 1))
MAIL = replace(
    SPEC, name="email", title="E-mail", monogram="@", recovery=R.BLIND,
    limits=Limits(
        text={Surface.MAIL: TextLimit(None, CountUnit.UNLIMITED, *_AT)},
        media={Surface.MAIL: MediaLimit(2, {"image/png": 1000}, 100, *_AT)},
    ),
    answer_text=None,
)  # fmt: skip
DESK = {"name": "Baggage desk", "address": "desk@airport.example"}


class Desk:
    """The scene, with a mailbox of the brand beside the account that the customer writes to."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.session = scene, scene.session
        brand = self.session.get_one(m.Brand, scene.account.brand_id)
        given = {"remote_id": "help@company.example", "handle": "help@company.example", "state": "connected"}
        self.mailbox = f.make_account(self.session, brand, "email", **given)
        for one in (scene.agent, scene.colleague):
            f.make_grant(self.session, one, self.mailbox, "agent")
        self.asked = scene.customer_says("Where is my bag?")
        self.conversation = scene.conversation_of(self.asked)
        self.n = 0

    def open(self, **more: Any) -> tuple[m.SideConversation, m.Message]:
        actor = more.pop("actor", None) or self.scene.actor()
        writing = Writing(to=more.pop("to", [DESK]), text="Did it arrive?", **more.pop("writing", {}))
        given = {"account": self.mailbox, "spec": MAIL, "subject": "Bag AF 12", **more}
        return inbox.open_side(
            self.session, actor, self.conversation, writing=writing, now=self.scene.now, **given
        )  # fmt: skip

    def accept(self, message: m.Message) -> str:
        key = f"guichet.{message.id}@company.example"
        delivery = self.scene.accept(message, key)
        delivery.remote_context = {"message_id": key, "references": []}
        following.follow_delivery(self.session, SYSTEM, delivery, self.scene.now)
        return key

    def mail(self, text: str, who: str = "desk@airport.example", **more: Any) -> list[m.Message]:
        """A mail comes to the mailbox; the messages of customers that are new."""
        self.n += 1
        given = {
            "remote_id": f"mail-{self.n}@airport.example", "kind": InboundKind.MAIL, "surface": Surface.MAIL,
            "author": Person(who, who, "Somebody"), "thread_root": f"root-{self.n}", "subject": "Re: Bag AF 12",
            "remote_at": self.scene.now, **more,
        }  # fmt: skip
        inbound = Inbound(text=text, **given)
        item = RawItem("INBOX", f"mail-{self.n}", b"{}")
        ingest.store_items(self.session, SYSTEM, [ingest.Incoming(self.mailbox.id, item, self.scene.now)])
        raw = self.session.query(m.RawItem).filter_by(delivery_key=item.delivery_key).one()
        new = digest.digest(self.session, SYSTEM, raw, [inbound], self.scene.now)
        ingest.note_digested(raw, self.scene.now)
        self.session.flush()
        return new

    def said_beside(self) -> list[tuple[str, str]]:
        sides = siding.read_sides(self.session, self.scene.actor(), self.conversation)
        return [(row.message.direction, row.message.text) for side in sides for row in side.messages]

    def newest(self) -> m.Message:
        return siding.read_sides(self.session, self.scene.actor(), self.conversation)[0].messages[-1].message

    def notices(self, staff: m.Staff) -> list[str]:
        return list(self.session.scalars(select(m.Notice.kind).where(m.Notice.staff_id == staff.id)))

    def unread(self, staff: m.Staff) -> bool:
        """As the row says; a search for it must say the same."""
        (row,) = read_rows(self.session, [self.conversation.id], staff.id)
        assert (self.conversation.id in self.found("is:unread", staff)) is row.is_unread
        assert (self.conversation.id in self.found("customer -is:unread", staff)) is not row.is_unread
        return row.is_unread

    def read(self, staff: m.Staff, through: int | None) -> None:
        seeing.mark_seen(self.session, self.scene.actor(staff), self.conversation, through=through, now=self.scene.now)

    def known_by_mail(self, address: str) -> None:
        """The customer has a mail address, too."""
        identity = self.session.get_one(m.Identity, self.conversation.identity_id)
        other = f.make_customer(self.session, "email", remote_id=address, handle=address)
        other.customer_id = identity.customer_id
        self.session.flush()

    def found(self, text: str, staff: m.Staff | None = None) -> list[int]:
        sought = queries.Filters(text=text, states=("all",))
        return [r.id for r in queries.list_conversations(self.session, self.scene.actor(staff), sought).items]
