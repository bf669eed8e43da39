"""Keeping count in one process, between the wire and the rows.

Every call of an account is heard here. What it said of limits and what it is charged as
gathers in memory and is taken by whoever writes next: a sending worker with the results of
the same sends, everybody else once a second. What was gathered and not yet written when a
process is killed is lost: a second's worth of charges, and of windows nothing that the next
answer does not say again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from channels.contract import ChannelSpec
from channels.metering import Exchange, Listener
from guichet.metering.rules import Heard, is_plausible, micros_of, newer, owner_of_account, owner_of_app


@dataclass(frozen=True)
class Charge:
    """One kind of thing that an account is charged for, at its price of this moment."""

    account_id: int
    item: str
    currency: str
    price: int  # millionths


@dataclass
class Taken:
    """What was gathered."""

    windows: dict[tuple[str, str], Heard] = field(default_factory=dict)
    charges: Counter[Charge] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self.windows or self.charges)

    def add_window(self, heard: Heard) -> None:
        key = (heard.owner, heard.name)
        self.windows[key] = newer(self.windows.get(key), heard)


class Meter:
    """Thread-safe. `listener` is handed to the wire; `take` empties it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._taken = Taken()

    def listener(
        self, account_id: int, remote_id: str, base_url: str, is_rehearsal: bool, spec: ChannelSpec
    ) -> Listener:
        """Who hears the calls of one account."""
        quotas = {quota.name: quota for quota in spec.quotas}
        own, app = owner_of_account(account_id), owner_of_app(spec.name, base_url, is_rehearsal)

        def hear(exchange: Exchange) -> None:
            now = self._now()
            windows = spec.windows_in(exchange, now) if spec.windows_in else ()
            items = spec.tariff.items_in(exchange, remote_id) if spec.tariff else {}
            with self._lock:
                for window in windows:
                    quota = quotas[window.name]
                    if is_plausible(window, now):
                        self._taken.add_window(
                            Heard(
                                app if quota.of_app else own, window.name, window.limit, window.remaining,
                                quota.seconds, quota.costs, window.reset_at, now,
                            )
                        )  # fmt: skip
                for item, count in items.items():
                    assert spec.tariff is not None
                    price = micros_of(spec.tariff.prices[item])
                    self._taken.charges[Charge(account_id, item, spec.tariff.currency, price)] += count

        return hear

    def take(self) -> Taken:
        """All that was gathered since the last time."""
        with self._lock:
            taken, self._taken = self._taken, Taken()
        return taken

    def put_back(self, taken: Taken) -> None:
        """What could not be written waits for the next time."""
        with self._lock:
            for heard in taken.windows.values():
                self._taken.add_window(heard)
            self._taken.charges.update(taken.charges)
