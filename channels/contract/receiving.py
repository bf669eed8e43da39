"""What people say at a network, as its adapter hands it over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from channels.contract.facts import JSON, Surface


class InboundKind(StrEnum):
    """What came in."""

    MENTION = "mention"
    REPLY = "reply"
    QUOTE = "quote"
    DIRECT = "direct"
    MAIL = "mail"
    ECHO = "echo"  # our own account speaking, perhaps from the network's own app
    DELETION = "deletion"  # only remote_id counts
    REACTION = "reaction"


@dataclass(frozen=True)
class Person:
    """Somebody on a network. `remote_id` is unique within the network, world-wide
    where the network is federated (an actor URI, a DID, a mail address). `followers`: how
    many follow them there, None where that was not said."""

    remote_id: str
    handle: str
    name: str = ""
    avatar_url: str = ""
    url: str = ""
    followers: int | None = None


@dataclass(frozen=True)
class RemoteMedia:
    """Something attached to what came in. Either `url` or inline `data`."""

    mime: str
    url: str = ""
    alt: str = ""
    filename: str = ""
    data: bytes | None = field(default=None, repr=False)
    inline_id: str = ""


@dataclass(frozen=True)
class Bounce:
    """A report on something that we sent (`remote_id`): `recipient` did not get it (RFC 3464).
    `status` is a code such as "5.1.1", or empty. Not `is_final`: it will be tried again."""

    remote_id: str
    recipient: str
    status: str
    is_final: bool


@dataclass(frozen=True)
class Inbound:
    """One message that a network handed over.

    `thread_root` is the remote id of the thread's first post (for a direct
    thread: the network's conversation id; for mail: the first Message-ID).
    `recipient_id` on an ECHO is whom our account spoke to, so that it lands in
    that person's conversation. `edited_at` set means: a newer version of a
    message that may already be stored. `html` is untrusted and is sanitised
    before it is shown. `tokens` are those of `Draft.options["token"]` that it brings back,
    `references` the ids of what stands above it in its thread. `automatic` marks bounces and auto-responders, which
    are kept but never answered by machine. `raw` is the network's own JSON. `arrived_at` is when the network
    itself took it in, where `remote_at` is only what its author says. `answers_elsewhere`: an answer goes to
    somebody else than its author, who may write for many (a web form).
    """

    remote_id: str
    kind: InboundKind
    surface: Surface
    author: Person
    text: str
    remote_at: datetime
    thread_root: str
    html: str = ""
    in_reply_to: str = ""
    recipient_id: str = ""
    tokens: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subject: str = ""
    url: str = ""
    language: str = ""
    media: tuple[RemoteMedia, ...] = ()
    edited_at: datetime | None = None
    can_reply: bool = True
    cannot_reply_reason: str = ""
    reply_until: datetime | None = None
    automatic: bool = False
    arrived_at: datetime | None = None
    answers_elsewhere: bool = False
    context: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # The public post that it hangs under, where the network gave it.
    above: Inbound | None = None
    bounce: Bounce | None = None


@dataclass(frozen=True)
class Gap:
    """A stretch that the network cannot give back."""

    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True)
class RawItem:
    """One undigested thing as handed over (a notification's JSON, a mail's bytes).

    It is committed before it is understood. `delivery_key` is unique within
    the account's `stream`; the same key again is the same item.
    """

    stream: str
    delivery_key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """One page of a poll: raw items oldest first, and the cursor to store with them.

    `more` asks to be called again at once. `gap` says what cannot be had.
    """

    items: tuple[RawItem, ...]
    cursor: JSON
    more: bool = False
    gap: Gap | None = None


class Reader(Protocol):
    """Fetches and understands what customers wrote."""

    streams: Sequence[str]  # each has a cursor of its own: "notifications", "direct", "INBOX"

    def poll(self, stream: str, cursor: JSON | None) -> Page:
        """The next page after `cursor` (None: first time; start from now, with a short
        look back). Raises ChannelError."""
        ...

    def parse(self, item: RawItem) -> Sequence[Inbound]:
        """Understand one stored item. Pure but for look-ups of the thread above it.
        Raises Malformed, and ChannelError where a look-up failed."""
        ...


@runtime_checkable
class Rechecker(Protocol):
    """A reader that can ask about single messages again, because its network does not tell
    of every change (Bluesky, Mastodon)."""

    def recheck(self, remote_ids: Sequence[str]) -> Sequence[RawItem]:
        """Items for `parse`: one for each of these messages that was edited or is surely
        gone. Ids that the network cannot be asked about are passed over. Raises ChannelError."""
        ...


class Waiter(Protocol):
    """A reader that can be told of news (IMAP IDLE, streaming). A hint, never the truth."""

    def wait(self, seconds: float) -> bool:
        """Block up to `seconds`; True as soon as there may be news."""
        ...


class Receiver(Protocol):
    """Incoming webhooks."""

    def challenge(self, query: Mapping[str, str]) -> JSON | str | None:
        """The answer to the network's proof-of-ownership request; None if it is not one."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes) -> RawItem:
        """Check the signature over the raw body. Header names are lower case.
        Raises Forged. Secret headers are dropped from the result."""
        ...
