"""Where in a message the words stand that were looked for: a few words around the first of
them, in parts of plain text. Marking them is the page's matter; no HTML is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.db.tokens import Query, Wanted
from guichet.inbox import lexicon, personal
from guichet.inbox.narrowing import Narrowing, newest_said
from guichet.inbox.words import fold
from guichet.models import Message

_LENGTH = 160  # code points
_BEFORE = 40  # of them before the first that was found


@dataclass(frozen=True)
class Part:
    text: str
    is_hit: bool


@dataclass(frozen=True)
class Excerpt:
    """The newest message of a conversation that was meant, and what it says there."""

    message_id: int
    at: datetime
    parts: tuple[Part, ...]


def read_excerpts(session: Session, narrowing: Narrowing, ids: Sequence[int]) -> dict[int, Excerpt]:
    """Of these conversations, those in whose messages the words stand; in two queries."""
    if not narrowing.query or not ids:
        return {}
    newest = {message_id: home for home, message_id in session.execute(newest_said(session, narrowing, ids))}
    rows = session.execute(
        select(Message.id, Message.sort_at, Message.subject, Message.text, Message.kind).where(Message.id.in_(newest))
    )
    found = {}
    for id_, at, subject, text, kind in rows:
        for said in (text, f"{subject} {text}"):
            parts = mark(said, narrowing.query, is_public=kind in personal.PUBLIC_KINDS)
            if any(p.is_hit for p in parts):
                found[newest[id_]] = Excerpt(id_, at, parts)
                break
    return found


def mark(text: str, query: Query, *, is_public: bool = False) -> tuple[Part, ...]:
    """A piece of `text` on one line, in parts that were looked for and parts that were not.
    What is personal in a public one is found, and shown covered."""
    line = " ".join(text.split())
    spans = _spans(line[: lexicon.INDEXED], query)
    line = personal.cover(line) if is_public else line
    start = _word_start(line, max(0, spans[0][0] - _BEFORE)) if spans else 0
    end = min(len(line), start + _LENGTH)
    parts: list[Part] = [Part("…", False)] if start else []
    at = start
    for first, last in spans:
        if last > end:
            break
        if first > at:
            parts.append(Part(line[at:first], False))
        parts.append(Part(line[first:last], True))
        at = last
    if at < end:
        parts.append(Part(line[at:end], False))
    if end < len(line):
        parts.append(Part("…", False))
    return tuple(parts)


def _word_start(line: str, at: int) -> int:
    """Not in the midst of a word, where one begins nearby."""
    space = line.find(" ", at, at + _BEFORE)
    return space + 1 if 0 < at < space + 1 else at


def _spans(line: str, query: Query) -> list[tuple[int, int]]:
    """Where the words stand: those of a phrase only side by side."""
    tokens = list(lexicon.tokens_in(line))
    words = [(n, word) for n, token in enumerate(tokens) for word in fold(token.group()).split()]
    hits: set[int] = set()
    for wanted in (w for any_of in query for w in any_of):
        if wanted.tokens[0][:1] == "_":
            hits |= {n for n, token in enumerate(tokens) if wanted.tokens[0][1:] in lexicon.stems(token.group())}
            continue
        for first in range(len(words) - len(wanted.tokens) + 1):
            some = words[first : first + len(wanted.tokens)]
            if _is_here([word for _, word in some], wanted):
                hits |= {n for n, _ in some}
    return [tokens[n].span() for n in sorted(hits)]


def _is_here(words: Sequence[str], wanted: Wanted) -> bool:
    *before, last = wanted.tokens
    goes_on = wanted.is_beginning and words[-1].startswith(last)
    return words[:-1] == before and (words[-1] == last or goes_on)
