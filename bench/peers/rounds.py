"""The rounds, and what is told of them."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from bench.figures import median, percentile
from bench.peers.serving import PROCESSES, Browser

CLIENTS = PROCESSES
PAGES = {"list": "show_list", "view": "show_ticket", "search": "search", "create": "create"}
EACH_ROUND = 6  # requests of each client for each page
Found = dict[tuple[str, str], list[float]]


class Visitor(Protocol):
    """Somebody signed in at one of the three."""

    browser: Browser

    def show_list(self) -> None: ...

    def show_ticket(self, id_: int, said: str) -> None: ...

    def search(self, word: str) -> int: ...

    def create(self, number: int) -> None: ...


@dataclass(frozen=True)
class Asked:
    """Threads with the words that they begin with, and words to look for."""

    threads: Sequence[tuple[int, str]]
    words: Sequence[str]


def compare(opened: Mapping[str, Callable[[], Visitor]], asked: Asked, rounds: int) -> Found:
    """Milliseconds by name and page. Two rounds warm what is kept, and do not count: the first by one client,
    for Request Tracker's processes get in each other's way when they compile the same page at once."""
    visitors = {name: [open_() for _ in range(CLIENTS)] for name, open_ in opened.items()}
    found: Found = {(name, page): [] for name in opened for page in PAGES}
    numbers, names = itertools.count(1), list(opened)
    for turn in range(-1, rounds + 1):
        print(f"round {turn} of {rounds} …" if turn > 0 else "warming up …", flush=True)
        first = turn % len(names)
        for page in PAGES:
            dice = random.Random(f"{turn} {page}")
            wanted = [_wanted(page, asked, dice, numbers) for _ in range(CLIENTS * EACH_ROUND)]
            for name in names[first:] + names[:first]:
                took = _round(visitors[name][:1] if turn < 0 else visitors[name], page, wanted)
                if turn > 0:
                    found[name, page] += took
    return found


def _wanted(page: str, asked: Asked, dice: random.Random, numbers: Iterator[int]) -> tuple[object, ...]:
    """What a page is asked for: the same of each of the three."""
    if page == "view":
        return dice.choice(asked.threads)
    if page == "search":
        return (dice.choice(asked.words),)
    return (next(numbers),) if page == "create" else ()


def _round(visitors: Sequence[Visitor], page: str, wanted: Sequence[tuple[object, ...]]) -> list[float]:
    """All clients at once."""
    start, is_over = threading.Barrier(len(visitors)), threading.Event()

    def work(number: int) -> list[float]:
        ask: Callable[..., object] = getattr(visitors[number], PAGES[page])
        start.wait()
        took = []
        for given in wanted[number :: len(visitors)]:
            if is_over.is_set():
                break
            began = time.perf_counter()
            ask(*given)
            took.append((time.perf_counter() - began) * 1000)
        return took

    with ThreadPoolExecutor(len(visitors)) as clients:
        try:
            return [one for took in clients.map(work, range(len(visitors))) for one in took]
        finally:
            is_over.set()  # told to stop, or one has failed: the others do not go on


def tell(found: Found, answered: Sequence[float], ours: str, goals: Mapping[str, float], tickets: int) -> int:
    """Print the table and the goals. 0: they are met or not, as told."""
    names = [name for name, page in found if page == "list"]
    print(f"\n{tickets:,} tickets, {CLIENTS} clients, milliseconds; ratio: of {ours}'s p50")
    print(f"  {'page':<8}{'':<20}{'p50':>10}{'p95':>10}{'ratio':>10}")
    for page, name in itertools.product(PAGES, sorted(names, key=lambda name: name != ours)):
        took = found[name, page]
        ratio = median(took) / median(found[ours, page])
        print(f"  {page:<8}{name:<20}{median(took):>10.1f}{percentile(took, 0.95):>10.1f}{ratio:>9.1f}×")
    print(f"  {ours}'s create is until an agent's list holds it; the webhook was answered after")
    print(f"  p50 {median(answered):.1f}, p95 {percentile(answered, 0.95):.1f} ms")
    for name, goal in goals.items():
        if name in names:
            ratio = median(found[name, "list"]) / median(found[ours, "list"])
            verdict = "met" if ratio >= goal else "MISSED"
            print(f"  list, {ratio:.1f} times faster than {name}'s, goal ≥ {goal:g}: {verdict}")
    return 0
