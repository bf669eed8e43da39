"""Who judges: what the networks themselves recorded, against what was to be sent and what our
rows say became of it."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

FINAL = frozenset({"published", "failed", "cancelled", "needs_human"})
_TOKEN = re.compile(r"\bq\d{5}z\b")

Entries = Mapping[str, Sequence[Mapping[str, Any]]]  # a network's name → its ledger


def faults(wanted: Iterable[str], published: Mapping[str, int], states: Collection[str] = ()) -> dict[str, list[str]]:
    """`twice`: what stands on a network more often than it was to be sent; `lost`: what does
    not; `stuck`: states that end by themselves and have not. Empty when all is well."""
    due = Counter(wanted)
    found = {
        "twice": sorted(text for text in published if published[text] > due[text]),
        "lost": sorted(text for text in due if published.get(text, 0) < due[text]),
        "stuck": sorted(state for state in states if state not in FINAL),
    }
    return {name: texts for name, texts in found.items() if texts}


@dataclass(frozen=True)
class One:
    """One publication that is wanted: not before `due_at`, under `above` if it follows
    another, with so many pictures."""

    due_at: datetime | None
    above: str = ""
    pictures: int = 0
    kind: str = "post"


@dataclass
class Wanted:
    """What is to be published, by network and token; each text holds one token. Thread-safe."""

    ones: dict[tuple[str, str], One] = field(default_factory=dict)
    _last: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @staticmethod
    def is_token(word: str) -> bool:
        return _TOKEN.fullmatch(word) is not None

    def new_token(self) -> str:
        with self._lock:
            self._last += 1
            return f"q{self._last:05d}z"

    def expect_post(
        self, name: str, tokens: Sequence[str], due_at: datetime, pictures: int, *, has_comment: bool
    ) -> None:
        """A post, its thread and, with `has_comment`, its first comment as the last token."""
        for n, token in enumerate(tokens):
            is_comment = has_comment and n == len(tokens) - 1
            above = "" if n == 0 else tokens[0] if is_comment else tokens[n - 1]
            kind = "post" if n == 0 else "first comment" if is_comment else "thread item"
            self.ones[name, token] = One(due_at, above, pictures if n == 0 else 0, kind)

    def expect_answer(self, name: str, token: str) -> None:
        self.ones[name, token] = One(None, kind="reply")

    def kinds(self) -> Counter[str]:
        return Counter(one.kind for one in self.ones.values())


@dataclass(frozen=True)
class Row:
    """A delivery as our rows have it."""

    network: str
    text: str
    state: str
    remote_id: str | None


@dataclass
class Verdict:
    """What was found wrong, each with what shows it. `asked`: people, where there was no need."""

    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def is_clean(self) -> bool:
        return not any(vars(self).values())


def judge(wanted: Wanted, ledgers: Entries, rows: Iterable[Row]) -> Verdict:
    """Compare. `false` holds what our rows claim and no network shows, what a network shows
    and nobody wanted, a thread out of order, and a picture too few."""
    verdict = Verdict()
    found = {name: _by_token(entries) for name, entries in ledgers.items()}
    for (name, token), one in wanted.ones.items():
        entries = found[name].get(token, [])
        if len(entries) > 1:
            verdict.twice.append(f"{name} {token} {one.kind}: {[(e['at'], e['remote_id']) for e in entries]}")
        if not entries:
            verdict.lost.append(f"{name} {token} {one.kind}")
        for entry in entries:
            at = datetime.fromisoformat(entry["at"])
            if one.due_at is not None and at < one.due_at:
                verdict.early.append(f"{name} {token}: at {at}, due at {one.due_at}")
        if entries:
            verdict.false += _misplaced(name, token, one, entries[0], found[name])
    verdict.false += _strangers(wanted, found, ledgers)
    for row in rows:
        _compare(row, found, verdict)
    return verdict


def _by_token(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        if entry["act"] in ("delete", "edit"):
            continue
        for token in dict.fromkeys(_TOKEN.findall(entry["text"])):
            found.setdefault(token, []).append(entry)
    return found


def _misplaced(
    name: str, token: str, one: One, entry: Mapping[str, Any], found: Mapping[str, list[Mapping[str, Any]]]
) -> list[str]:
    wrong = []
    if one.above and entry["in_reply_to"] not in {e["remote_id"] for e in found.get(one.above, ())}:
        wrong.append(f"{name} {token}: stands under {entry['in_reply_to']!r}, not under {one.above}")
    if len(entry["media"]) != one.pictures:
        wrong.append(f"{name} {token}: {len(entry['media'])} pictures, not {one.pictures}")
    return wrong


def _strangers(wanted: Wanted, found: Mapping[str, Mapping[str, Any]], ledgers: Entries) -> list[str]:
    tokens = [
        f"{name} {token}: nobody wanted it there"
        for name, by_token in found.items()
        for token in by_token
        if (name, token) not in wanted.ones
    ]
    return tokens + [
        f"{name}: {entry['act']} {entry['text'][:60]!r}"
        for name, entries in ledgers.items()
        for entry in entries
        if entry["act"] in ("delete", "edit") or not _TOKEN.search(entry["text"])
    ]


def _compare(row: Row, found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]], verdict: Verdict) -> None:
    token = next(iter(_TOKEN.findall(row.text)), "")
    if row.state not in FINAL:
        verdict.stuck.append(f"{row.network} {token}: {row.state}")
    if row.state == "published" and row.remote_id not in {
        str(e["remote_id"]) for e in found[row.network].get(token, ())
    }:
        verdict.false.append(f"{row.network} {token}: published as {row.remote_id!r}, which is not there")
    if row.state in ("failed", "cancelled", "needs_human"):
        verdict.lost.append(f"{row.network} {token}: ended as {row.state}")
