"""Bringing something to a network, and finding out whether it arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from channels.contract.facts import JSON, Surface


@dataclass(frozen=True)
class Film:
    """What was found in a film: codecs and the format of its points by FFmpeg's names ("" for no
    sound, and where it is not known), pictures a second."""

    seconds: float
    video: str
    audio: str
    rate: float
    pixels: str = ""


@dataclass(frozen=True)
class MediaItem:
    """A file to send. `open()` gives its bytes; `sha256` is hex; `focus` is the point of a picture
    that is to stay in sight where it is shown cut, from (-1, -1), left below, to (1, 1)."""

    sha256: str
    mime: str
    size: int
    filename: str
    alt: str
    open: Callable[[], bytes] = field(repr=False, compare=False)
    width: int | None = None
    height: int | None = None
    focus: tuple[float, float] | None = None
    film: Film | None = None


@dataclass(frozen=True)
class LinkCard:
    """What is shown of the page behind a link, where the network is given it. `url` as it goes
    out, `picture` of at most `contract.cards.PICTURE_BYTES`."""

    url: str
    title: str = ""
    description: str = ""
    picture: MediaItem | None = None


@dataclass(frozen=True)
class Target:
    """The message that an answer answers. `context` is what the reader stored in
    `Inbound.context` (a Bluesky cid, a mail's References, a DM conversation)."""

    remote_id: str
    author_id: str
    author_handle: str
    thread_root: str
    surface: Surface
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """One thing to send once to one account, complete and frozen.

    `reply_to` makes it an answer (or the next item of a thread, where the
    target is our own previous item). `surface` says where it appears. `options` of a mail: `to`, a
    list of {name, address} that goes before `reply_to`, and `token`, which answers bring back; of a
    post: `mentions`, whom each handle named in it is, where that was found out before.
    """

    text: str
    surface: Surface = Surface.PUBLIC
    media: tuple[MediaItem, ...] = ()
    language: str = ""
    reply_to: Target | None = None
    subject: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    card: LinkCard | None = None


@dataclass(frozen=True)
class Receipt:
    """Proof of acceptance. `accepted_at` is the network's own time, None where it does not say (never
    our clock's: whether that is right is judged elsewhere). `context` is kept for later replies,
    edits and deletes."""

    remote_id: str
    url: str = ""
    accepted_at: datetime | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


class Publisher(Protocol):
    """Sends. `send` makes exactly one request that publishes; all else goes before it. A
    network that wants something made first has a Stager."""

    def prepare(self, draft: Draft) -> JSON:
        """Upload media and whatever else is invisible to the public.

        The result is stored with the attempt and handed to `send`. May be
        repeated without harm. Raises any ChannelError; an OutcomeUnknown here
        is treated as Unavailable, for nothing was published yet.
        """
        ...

    def new_key(self, now: datetime) -> str:
        """A fresh idempotency key (a TID, a UUID, a Message-ID), or "" where there is none."""
        ...

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        """Publish, with one request, no retry, no redirect. Raises ChannelError."""
        ...


@runtime_checkable
class Uploader(Protocol):
    """A publisher of a network that works for minutes at what was uploaded to it. Its `prepare` waits
    for seconds only and raises StillWorking then."""

    def prepare_on(self, draft: Draft, begun: Mapping[str, Any]) -> JSON:
        """`prepare`, going on with the uploads that a StillWorking told of under the same content;
        what is not there any more is uploaded again."""
        ...


@runtime_checkable
class Stager(Protocol):
    """A publisher of a network that publishes in two steps: something invisible is made first
    (a container, a draft), and `send` makes that public. Its key is on record before it is
    made, and what was made before anything else is done, so that a crash in between leaves
    nothing that could be published beside what is made next."""

    def stage(self, draft: Draft, prepared: Mapping[str, Any], key: str, is_again: bool) -> JSON:
        """Make it from what `prepare` gave. The result is kept, and handed to `ready` and to
        `send` in place of `prepared`. `is_again`: it may have been made under this key
        already; then it is found where the network can be asked, and else left to be
        forgotten there. Raises any ChannelError; nothing was published yet."""
        ...

    def ready(self, staged: Mapping[str, Any]) -> None:
        """Return when it can be published. Raises Unavailable while the network works at it
        (it is asked again later), Gone where it is no more (it is made anew), Rejected where
        the network cannot use it."""
        ...


@runtime_checkable
class Discarder(Protocol):
    """A stager whose network would keep for ever what was staged and is not published."""

    def discard(self, key: str, staged: Mapping[str, Any]) -> None:
        """Take away what was made under this key, unless it is public. `staged` may be empty:
        then nobody knows whether it was made. Idempotent. Raises ChannelError."""
        ...


@runtime_checkable
class Deleter(Protocol):
    """A publisher that can also take down what is published. A mail cannot be taken back."""

    def delete(self, remote_id: str, context: Mapping[str, Any]) -> None:
        """Take it down. Idempotent: Gone is swallowed by the caller as done."""
        ...


@runtime_checkable
class Editor(Protocol):
    """A publisher that can also edit what is published (Mastodon). Idempotent."""

    def edit(self, remote_id: str, draft: Draft, prepared: Mapping[str, Any]) -> Receipt: ...


@runtime_checkable
class Liker(Protocol):
    """A publisher that can also say that the account likes a message, and take that back. Both are
    idempotent; `at` is the moment of asking."""

    def like(self, target: Target, at: datetime) -> None: ...

    def unlike(self, target: Target, at: datetime) -> None: ...


@runtime_checkable
class Hider(Protocol):
    """A publisher that can also put a reply out of sight under a post of the account's own, for
    everybody, and show it again. Both are idempotent. Raises Rejected where that is not ours to do."""

    def hide(self, target: Target, at: datetime) -> None: ...

    def unhide(self, target: Target, at: datetime) -> None: ...


@dataclass(frozen=True)
class Looked:
    """What one look at the network showed about an attempt of unknown outcome.

    `found`: it is there, this is its receipt. `absent`: a complete reading of
    the window showed nothing. Neither: `candidates` are near matches and a
    person must judge. `evidence` (JSON-able) is shown and kept.
    """

    found: Receipt | None = None
    absent: bool = False
    candidates: tuple[Receipt, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Reconciler(Protocol):
    """Finds the truth about an attempt whose outcome is unknown. Reads only."""

    def look(
        self,
        draft: Draft,
        prepared: Mapping[str, Any],
        key: str,
        started_at: datetime,
        known_ids: frozenset[str],
        others: Sequence[Draft] = (),
    ) -> Looked:
        """Look for the outcome of the send begun at `started_at`.

        `known_ids` are remote ids that belong to other deliveries and can
        never be the answer. `others` are drafts of the same account that may
        stand there too and whose ids nobody knows: what is exactly one of them,
        and not this one, is no candidate. What may be this one or another that
        differs from it is never bound. Never binds "the newest". Raises ChannelError.
        """
        ...


@dataclass(frozen=True)
class Figures:
    """What a post had brought when it was read."""

    likes: int
    shares: int
    answers: int


@dataclass(frozen=True)
class Standing:
    """One thing that stands on an account's own timeline. `at` by the network's clock; `text`
    without markup; `via` the program that published it, where the network says so; `aliases`
    are other ids of the same thing (an edited post of X has one for each edit); `figures` where
    the network told them."""

    remote_id: str
    text: str
    at: datetime
    url: str = ""
    via: str = ""
    aliases: tuple[str, ...] = ()
    figures: Figures | None = None


@dataclass(frozen=True)
class Timeline:
    """What an account has said in public since some moment, answers included, what it only
    passed on left out. `is_complete`: the network showed all of it."""

    standing: tuple[Standing, ...]
    is_complete: bool


@runtime_checkable
class Lister(Protocol):
    """A reconciler that can also list all that stands there. Reads only."""

    def list_since(self, since: datetime, most: int) -> Timeline:
        """The timeline since then by the network's clock, newest first; about `most` at most are
        asked for (what is read may cost). Raises ChannelError."""
        ...
