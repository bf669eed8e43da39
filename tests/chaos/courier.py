"""The network's side of webhooks: carries each delivery to the door until it is told that it
was kept, some of them once more, in any order; and remembers what it was told, and how fast.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import requests

PATIENCE = 10.0  # seconds; longer than any network's, so that a late answer is measured
PAUSE = (0.1, 0.4)  # seconds between two tries
CARRIERS = 12
LOOK_AT = 10  # of so many answers one is looked into at once


@dataclass(frozen=True)
class Parcel:
    """One delivery: where to, and its signed body."""

    url: str
    body: bytes
    headers: dict[str, str]
    key: str


@dataclass
class Courier:
    """`repeated`: the share that is carried once more though it was kept; `is_kept` looks
    whether a row is there, in the moment in which the network is told so."""

    is_kept: Callable[[str], bool]
    dice: random.Random
    repeated: float = 0.2
    told: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: list[tuple[float, float]] = field(default_factory=list)  # each 2xx: asked, told
    unkept: list[str] = field(default_factory=list)
    looked: int = 0
    faults: list[BaseException] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def carry(self, parcels: Sequence[Parcel], seconds: float) -> None:
        """All of them, shuffled, spread over `seconds`. Returns when the last is told to be kept."""
        again = self.dice.sample(list(parcels), round(len(parcels) * self.repeated))
        all_ = [*parcels, *again]
        self.dice.shuffle(all_)
        waiting: queue.Queue[Parcel | None] = queue.Queue()
        carriers = [
            threading.Thread(target=self._work, args=(waiting, random.Random(n)), name="carrier", daemon=True)
            for n in range(CARRIERS)
        ]
        for carrier in carriers:
            carrier.start()
        began = time.monotonic()
        for n, parcel in enumerate(all_):
            time.sleep(max(0.0, began + seconds * n / len(all_) - time.monotonic()))
            waiting.put(parcel)
        for _ in carriers:
            waiting.put(None)
        for carrier in carriers:
            carrier.join(600)
        if self.faults:
            raise self.faults[0]

    def _work(self, waiting: queue.Queue[Parcel | None], dice: random.Random) -> None:
        with requests.Session() as session:
            while (parcel := waiting.get()) is not None:
                try:
                    self._deliver(session, parcel, dice)
                except BaseException as e:
                    self.faults.append(e)
                    return

    def _deliver(self, session: requests.Session, parcel: Parcel, dice: random.Random) -> None:
        while True:
            began = time.monotonic()
            try:
                status = session.post(parcel.url, parcel.body, headers=parcel.headers, timeout=PATIENCE).status_code
                said = str(status)
            except requests.RequestException as e:
                status, said = 0, type(e).__name__
            ended = time.monotonic()
            with self._lock:
                self.answers[said] += 1
                is_looked_into = status == 200 and self.answers[said] % LOOK_AT == 0
            if status == 200:
                self._note(parcel, (began, ended), is_looked_into)
                return
            time.sleep(dice.uniform(*PAUSE))

    def _note(self, parcel: Parcel, moments: tuple[float, float], is_looked_into: bool) -> None:
        is_kept = not is_looked_into or self.is_kept(parcel.key)
        with self._lock:
            self.told.add(parcel.key)
            self.acknowledged.append(moments)
            self.looked += is_looked_into
            if not is_kept:
                self.unkept.append(parcel.key)
