"""The contract between Guichet and every outside network.

An adapter is one module with one frozen `ChannelSpec`. The spec states facts
(limits, how to sign in, how the truth is found after a doubt) and opens
*roles*: small objects that do one thing. A role that is absent is a thing the
network cannot do, so a flag can never lie. Nothing here imports Guichet.

Times are aware UTC `datetime`s. Everything an adapter returns must be plain
values: it is stored as JSON or shown, never trusted as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, get_type_hints, runtime_checkable

from channels.metering import Exchange, Quota, Tariff, Window
from channels.wire import Wire

JSON = dict[str, Any]


# ---------------------------------------------------------------- facts


class AuthKind(StrEnum):
    """How an account is connected."""

    OAUTH1 = "oauth1"
    OAUTH2 = "oauth2"
    PASSWORD = "password"  # noqa: S105 - a kind, not a secret


class Recovery(StrEnum):
    """How the truth is found when an outcome is unknown (docs/journeys/post.md)."""

    KEYED = "keyed"
    READABLE = "readable"
    BLIND = "blind"


class CountUnit(StrEnum):
    """What a network counts when it limits a text."""

    CHARACTER = "character"  # Unicode code points
    WEIGHTED = "weighted"  # X: twitter-text, CJK and emoji 2
    GRAPHEME = "grapheme"  # Bluesky: extended grapheme clusters
    UNLIMITED = "unlimited"


class Surface(StrEnum):
    """Where something is said."""

    PUBLIC = "public"
    DIRECT = "direct"
    MAIL = "mail"


@dataclass(frozen=True)
class TextLimit:
    """A text limit as dated data.

    `max_length` in `unit`s; `url_length` is what a URL counts whatever its
    length (None: counted as written); `max_bytes` of UTF-8, if that is limited
    too. `source` and `as_of` say where the figure comes from.
    """

    max_length: int | None
    unit: CountUnit
    source: str
    as_of: date
    url_length: int | None = None
    max_bytes: int | None = None
    mention_local_only: bool = False  # Mastodon counts @user@host as @user


@dataclass(frozen=True)
class MediaLimit:
    """What may be attached to one message. Sizes in bytes, `alt_max` in code points."""

    max_count: int
    max_bytes: Mapping[str, int]  # by MIME type; a type not named is refused
    alt_max: int
    source: str
    as_of: date
    alone: frozenset[str] = frozenset()  # MIME types that must be the only attachment
    max_pixels: int | None = None  # of a picture, width times height


@dataclass(frozen=True)
class Limits:
    """What one account of a network may say, by surface."""

    text: Mapping[Surface, TextLimit]
    media: Mapping[Surface, MediaLimit]


@dataclass(frozen=True)
class FormField:
    """One thing a person types to connect an account (an instance, a password)."""

    name: str
    kind: str  # "text", "address", "secret", "number", "choice"
    required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()


# ---------------------------------------------------------------- connecting


@dataclass(frozen=True)
class AppKeys:
    """The application's own keys at a network, from the environment. May be empty."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    api_key: str = ""
    api_secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Connection:
    """All an adapter needs to act as one account.

    `secrets` are decrypted only for the time of the call and never shown;
    `settings` are what was learned of the account (its instance's limits, …).
    `account_id` is its number with us, for those who keep count of its calls.
    """

    network: str
    remote_id: str
    handle: str
    base_url: str
    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    app: AppKeys = field(default=AppKeys(), repr=False)
    account_id: int | None = None


@dataclass(frozen=True)
class Connected:
    """The outcome of connecting: who we now are there, and with what secrets.

    `expires_at` is when the secrets end if nothing is done (None: never); `renews` whether
    `refresh` can prevent that without a person, `refresh_ends_at` until when, where the
    network says so.
    """

    remote_id: str
    handle: str
    name: str
    base_url: str
    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    avatar_url: str = ""
    expires_at: datetime | None = None
    renews: bool = True
    refresh_ends_at: datetime | None = None


@dataclass(frozen=True)
class Consent:
    """The first half of an OAuth dance: where to send the person, and what to
    remember (encrypted, bound to their session, once, for minutes)."""

    authorize_url: str
    memory: Mapping[str, str] = field(repr=False)


class Connector(Protocol):
    """Connects accounts. OAuth networks use begin/complete, the others `sign_in`."""

    def begin(self, form: Mapping[str, str], redirect_uri: str, state: str) -> Consent:
        """Start the dance. `state` must come back in the redirect.

        Raises Rejected for a form that cannot work, saying which field.
        """
        ...

    def complete(self, memory: Mapping[str, str], query: Mapping[str, str]) -> Connected:
        """Finish it with the redirect's query. Raises Rejected when consent was refused."""
        ...

    def sign_in(self, form: Mapping[str, str]) -> Connected:
        """Connect with typed credentials. Raises AuthExpired when they are wrong."""
        ...

    def check(self, connection: Connection) -> Connected:
        """Ask the network who we are: health, fresh settings. Raises AuthExpired."""
        ...

    def refresh(self, connection: Connection) -> Connected | None:
        """New secrets before the old ones end; None where nothing needs refreshing."""
        ...


# ---------------------------------------------------------------- sending


@dataclass(frozen=True)
class MediaItem:
    """A file to send. `open()` gives its bytes; `sha256` is hex."""

    sha256: str
    mime: str
    size: int
    filename: str
    alt: str
    open: Callable[[], bytes] = field(repr=False, compare=False)
    width: int | None = None
    height: int | None = None


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
    target is our own previous item). `surface` says where it appears.
    """

    text: str
    surface: Surface = Surface.PUBLIC
    media: tuple[MediaItem, ...] = ()
    language: str = ""
    reply_to: Target | None = None
    subject: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


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
class Standing:
    """One thing that stands on an account's own timeline. `at` by the network's clock; `text`
    without markup; `via` the program that published it, where the network says so; `aliases`
    are other ids of the same thing (an edited post of X has one for each edit)."""

    remote_id: str
    text: str
    at: datetime
    url: str = ""
    via: str = ""
    aliases: tuple[str, ...] = ()


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


# ---------------------------------------------------------------- receiving


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
    where the network is federated (an actor URI, a DID, a mail address)."""

    remote_id: str
    handle: str
    name: str = ""
    avatar_url: str = ""
    url: str = ""


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
class Inbound:
    """One message that a network handed over.

    `thread_root` is the remote id of the thread's first post (for a direct
    thread: the network's conversation id; for mail: the first Message-ID).
    `recipient_id` on an ECHO is whom our account spoke to, so that it lands in
    that person's conversation. `edited_at` set means: a newer version of a
    message that may already be stored. `html` is untrusted and is sanitised
    before it is shown. `automatic` marks bounces and auto-responders, which
    are kept but never answered by machine. `raw` is the network's own JSON.
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
    subject: str = ""
    url: str = ""
    language: str = ""
    media: tuple[RemoteMedia, ...] = ()
    edited_at: datetime | None = None
    can_reply: bool = True
    cannot_reply_reason: str = ""
    reply_until: datetime | None = None
    automatic: bool = False
    context: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # The public post that it hangs under, where the network gave it.
    above: Inbound | None = None


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


@dataclass(frozen=True)
class Cost:
    """What a send costs at the network, in its currency; zero where it is free."""

    amount: float
    currency: str
    reason: str


# ---------------------------------------------------------------- the spec


@dataclass(frozen=True)
class ChannelSpec:
    """One network, in one value.

    `read_lag` is how long after acceptance a post may stay invisible to
    reading; `latest_arrival` how long after our request ended it may still be
    accepted. `key_life` is how long an idempotency key is honoured.
    Role openers take a Connection and a Wire; absent means impossible.
    """

    name: str
    title: str
    monogram: str
    auth: tuple[AuthKind, ...]
    recovery: Recovery
    limits: Limits
    fields: tuple[FormField, ...]
    connector: Callable[[AppKeys, Wire], Connector]
    read_lag: timedelta = timedelta(seconds=5)
    latest_arrival: timedelta = timedelta(seconds=60)
    key_life: timedelta | None = None
    refuses_repeats: bool = False  # it takes no second post of the same words
    api_ends: date | None = None
    poll_every: timedelta = timedelta(seconds=60)
    publisher: Callable[[Connection, Wire], Publisher] | None = None
    reconciler: Callable[[Connection, Wire], Reconciler] | None = None
    reader: Callable[[Connection, Wire], Reader] | None = None
    waiter: Callable[[Connection, Wire], Waiter] | None = None
    receiver: Callable[[Connection], Receiver] | None = None
    # Limits as this account has them (an instance's own); defaults to `limits`.
    limits_of: Callable[[Mapping[str, Any]], Limits] | None = None
    # How the truth is found for this account, where accounts differ (a mail provider that
    # files what it sends); defaults to `recovery`. A reconciler is opened only where it is
    # not BLIND.
    recovery_of: Callable[[Mapping[str, Any]], Recovery] | None = None
    # What to type to connect an account of the rehearsal server at this base URL, where
    # that is more than its address.
    rehearsal_form: Callable[[str], Mapping[str, str]] | None = None
    # The text as it will stand, e.g. with the mention that makes an answer reach
    # its addressee; pure.
    answer_text: Callable[[str, Target], str] | None = None
    # Its limits as documented, and as an answer tells of them (by the quotas' names).
    quotas: tuple[Quota, ...] = ()
    windows_in: Callable[[Exchange, datetime], Sequence[Window]] | None = None
    tariff: Tariff | None = None  # None: it charges nothing
    # The network's own host, where it is fixed (X); rehearsal accounts are
    # diverted from it on the wire.
    fixed_hosts: tuple[str, ...] = ()
    # A class of networks to practise against: there is nothing of it but its rehearsal.
    is_drill: bool = False

    @property
    def can_delete(self) -> bool:
        """Whether what is published can be taken down: its publisher is a Deleter."""
        return _offers(self.publisher, "delete")

    @property
    def can_edit(self) -> bool:
        """Whether what is published can be changed: its publisher is an Editor."""
        return _offers(self.publisher, "edit")

    def cost(self, draft: Draft) -> Cost | None:
        """What sending this costs at the network; None where it charges nothing."""
        if self.tariff is None:
            return None
        item = self.tariff.item_of(draft.text, draft.surface is Surface.DIRECT)
        return Cost(self.tariff.prices[item], self.tariff.currency, item)

    def limits_for(self, settings: Mapping[str, Any]) -> Limits:
        """The limits of an account with these settings."""
        return self.limits_of(settings) if self.limits_of else self.limits

    def recovery_for(self, settings: Mapping[str, Any]) -> Recovery:
        """How the truth is found for an account with these settings."""
        return self.recovery_of(settings) if self.recovery_of else self.recovery

    def rehearsal_fields(self, base_url: str) -> dict[str, str]:
        """What to type to connect an account of the rehearsal server at `base_url`."""
        if self.rehearsal_form:
            return dict(self.rehearsal_form(base_url))
        return {f.name: base_url for f in self.fields if f.kind == "address"}


def _offers(opener: Callable[..., Any] | None, act: str) -> bool:
    """Whether what a role's opener opens (its class, or the type that it says it returns)
    has an act, without opening it."""
    opened = opener if opener is None or isinstance(opener, type) else get_type_hints(opener).get("return")
    return callable(getattr(opened, act, None))
