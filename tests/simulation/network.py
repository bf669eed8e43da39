"""A network as far as publishing can tell: what it accepted, when that can be read, and
which keys it knows. Its ledger is the truth that the judge believes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from channels.bluesky import SPEC as BLUESKY
from channels.contract import ChannelSpec, Looked, Receipt, Recovery
from channels.email import SPEC as EMAIL
from channels.errors import Gone
from channels.mastodon import SPEC as MASTODON

_CLOCK_MARGIN = timedelta(seconds=3)  # a reader allows for clocks that differ


# One of each class (DESIGN §4 rule 7). The key's life is short, so that it ends within a schedule.
SPECS: dict[str, ChannelSpec] = {
    "bluesky": replace(BLUESKY, key_life=timedelta(minutes=20)),
    "mastodon": MASTODON,
    "email": EMAIL,
}


@dataclass
class Published:
    """One thing that the network accepted."""

    remote_id: str
    text: str
    reply_to: str
    key: str
    accepted_at: datetime
    readable_at: datetime
    is_deleted: bool = False


@dataclass
class Coming:
    """A request that the network holds, and will accept at `at`."""

    at: datetime
    text: str
    reply_to: str
    key: str
    lag: timedelta


@dataclass
class Network:
    """`lag` tells how slow it is to show what it has: a share of what its spec allows."""

    spec: ChannelSpec
    ledger: list[Published] = field(default_factory=list)
    _coming: list[Coming] = field(default_factory=list)

    def take(self, text: str, reply_to: str, key: str, at: datetime, lag: timedelta) -> Coming:
        """Accept a request at `at`, now or later (`come_to`)."""
        coming = Coming(at, text, reply_to, key, lag)
        self._coming.append(coming)
        return coming

    def come_to(self, now: datetime) -> None:
        """Let arrive what arrives by now."""
        for coming in sorted((c for c in self._coming if c.at <= now), key=lambda c: c.at):
            self._coming.remove(coming)
            if self._known(coming.key, coming.at) is None:
                number = f"{self.spec.name}-{len(self.ledger) + 1}"
                self.ledger.append(
                    Published(
                        number, coming.text, coming.reply_to, coming.key, coming.at, coming.at + coming.lag
                    )
                )  # fmt: skip

    def receipt(self, text: str, reply_to: str, key: str, now: datetime, lag: timedelta) -> Receipt:
        """Accept a request at once and say so."""
        self.take(text, reply_to, key, now, lag)
        self.come_to(now)
        published = self._known(key, now) or self.ledger[-1]
        return Receipt(published.remote_id, accepted_at=published.accepted_at)

    def delete(self, remote_id: str) -> None:
        for published in self.ledger:
            if published.remote_id == remote_id and not published.is_deleted:
                published.is_deleted = True
                return
        raise Gone("no such post")

    def is_anything_coming(self) -> bool:
        return bool(self._coming)

    def look(self, text: str, reply_to: str, key: str, since: datetime, known: frozenset[str], now: datetime) -> Looked:
        """What the adapters' reconcilers see: under the key, or on the timeline."""
        shown = [p for p in self.ledger if p.readable_at <= now and not p.is_deleted]
        if self.spec.recovery is Recovery.KEYED:
            same = [p for p in shown if p.key == key]
        else:
            same = [
                p
                for p in shown
                if (p.text, p.reply_to) == (text, reply_to)
                and p.remote_id not in known
                and p.accepted_at >= since - _CLOCK_MARGIN
            ]
        receipts = tuple(Receipt(p.remote_id, accepted_at=p.accepted_at) for p in same)
        if len(receipts) == 1:
            return Looked(found=receipts[0])
        return Looked(absent=not receipts, candidates=receipts)

    def _known(self, key: str, now: datetime) -> Published | None:
        """What a key that it still honours stands for."""
        if self.spec.recovery is not Recovery.KEYED or not key:
            return None
        life = self.spec.key_life or timedelta.max
        return next((p for p in self.ledger if p.key == key and now - p.accepted_at < life), None)
