"""A desk with its people, and a customer who writes: what the tests of the inbox start from."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from channels.contract import (
    AuthKind,
    ChannelSpec,
    CountUnit,
    Inbound,
    InboundKind,
    Limits,
    MediaLimit,
    Person,
    RawItem,
    Surface,
    Target,
    TextLimit,
)
from channels.contract import Recovery as R
from guichet import models as m
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.receiving import ingest
from guichet.receiving.digest import digest
from tests import factories as f

_numbers = itertools.count(1)


def _mention(text: str, target: Target) -> str:
    """Like a network on which an answer reaches only whom it names."""
    return text if target.surface is Surface.MAIL else f"@{target.author_handle} {text}"


_TEXT = TextLimit(60, CountUnit.CHARACTER, "a test", date(2026, 1, 1))
SPEC = ChannelSpec(
    name="mastodon", title="Test", monogram="T", auth=(AuthKind.PASSWORD,), recovery=R.KEYED,
    limits=Limits(
        text={Surface.PUBLIC: _TEXT, Surface.DIRECT: _TEXT, Surface.MAIL: _TEXT},
        media={Surface.PUBLIC: MediaLimit(1, {"image/png": 1000}, 100, "a test", date(2026, 1, 1))},
    ),
    fields=(), connector=lambda keys, wire: None, answer_text=_mention,
)  # fmt: skip


def spec_of(network: str) -> ChannelSpec:
    """The same for every network."""
    return SPEC


@dataclass
class Scene:
    """One account, two agents, and a clock that the test turns."""

    session: Session
    account: m.Account
    agent: m.Staff
    colleague: m.Staff
    now: datetime
    sent: dict[str, Inbound] = field(default_factory=dict)

    def actor(self, staff: m.Staff | None = None) -> Actor:
        return load_actor(self.session, staff or self.agent, self.now)

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    def hears(self, *inbounds: Inbound, received_at: datetime | None = None) -> list[m.Message]:
        """What the network hands over is stored and digested."""
        new = []
        for inbound in inbounds:
            key = f"item-{next(_numbers)}"
            item = RawItem("test", key, b"{}")
            at = received_at or self.now
            ingest.store_items(self.session, SYSTEM, [ingest.Incoming(self.account.id, item, at)])
            raw = self.session.query(m.RawItem).filter_by(delivery_key=key).one()
            new += digest(self.session, SYSTEM, raw, [inbound], self.now)
            ingest.note_digested(raw, self.now)
        self.session.flush()
        return new

    def customer_says(self, text: str = "Where is my parcel?", **more: Any) -> m.Message:
        (message,) = self.hears(said(text, **{"remote_at": self.now, **more}))
        return message

    def conversation_of(self, message: m.Message) -> m.Conversation:
        return self.session.get_one(m.Conversation, message.conversation_id)

    def accept(self, message: m.Message, remote_id: str = "", at: datetime | None = None) -> m.Delivery:
        """The network accepts an answer of ours."""
        delivery = self.session.get_one(m.Delivery, message.delivery_id)
        delivery.state = "published"
        delivery.remote_id = remote_id or f"ours-{delivery.id}"
        delivery.accepted_at = at or self.now
        delivery.updated_at = self.now
        self.session.flush()
        return delivery


def make_scene(session: Session, now: datetime, **account: Any) -> Scene:
    made = f.make_account(session, **account)
    agent, colleague = f.make_staff(session, name="Ada Lovelace", initials="AL"), f.make_staff(session)
    for staff in (agent, colleague):
        f.make_grant(session, staff, made, "agent")
    return Scene(session, made, agent, colleague, now)


def said(text: str, *, remote_at: datetime, who: str = "customer", root: str = "root", **more: Any) -> Inbound:
    """What a customer writes to us."""
    given: dict[str, Any] = {
        "remote_id": f"in-{next(_numbers)}", "kind": InboundKind.MENTION, "surface": Surface.PUBLIC,
        "author": Person(f"id-{who}", who, who.title()), **more,
    }  # fmt: skip
    return Inbound(text=text, remote_at=remote_at, thread_root=root, **given)


def echo(text: str, *, remote_at: datetime, to: str = "customer", root: str = "root", **more: Any) -> Inbound:
    """What our own account says, in the network's own app."""
    given = {"kind": InboundKind.ECHO, "recipient_id": f"id-{to}", "in_reply_to": "something", **more}
    return said(text, remote_at=remote_at, who="company", root=root, **given)


def deletion(message: m.Message) -> Inbound:
    return said(
        "", remote_at=datetime(1970, 1, 1, tzinfo=UTC), remote_id=message.remote_id, kind=InboundKind.DELETION
    )  # fmt: skip
