"""One network, in one value: its facts and the openers of its roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, get_type_hints

from channels.contract.connecting import AppKeys, Connection, Connector
from channels.contract.facts import AuthKind, FormField, Limits, Recovery, Surface
from channels.contract.mentions import Mentions
from channels.contract.receiving import Reader, Receiver, Waiter
from channels.contract.sending import Draft, Publisher, Reconciler, Target
from channels.metering import Exchange, Quota, Tariff, Window
from channels.wire import Wire


@dataclass(frozen=True)
class Cost:
    """What a send costs at the network, in its currency; zero where it is free."""

    amount: float
    currency: str
    reason: str


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
    # How much of what stands behind a # it links as a hashtag; pure. None: there are none.
    hashtag: Callable[[str], str] | None = None
    # How it knows somebody by name. None: nobody is mentioned there, a name is a name.
    mentions: Mentions | None = None
    # Whose is the card under a link: the network "reads" the page itself, or is "given" what
    # is shown of it; "": there are none.
    card: Literal["", "reads", "given"] = ""
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

    @property
    def can_like(self) -> bool:
        """Whether a message can be liked: its publisher is a Liker."""
        return _offers(self.publisher, "like")

    @property
    def can_hide(self) -> bool:
        """Whether a reply under a post of ours can be put out of sight: its publisher is a Hider."""
        return _offers(self.publisher, "hide")

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
