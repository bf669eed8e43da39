"""What the names in a post become on each account: from the address book of its brand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from channels.contract import Mentions
from guichet.publishing.mention_tokens import Called, CalledOn, names_in, say_names
from guichet.publishing.rules import Content, Part

MENTIONS = "mentions"  # among a delivery's options: whom a handle was, by handle


@dataclass(frozen=True)
class Handle:
    """What somebody is called on a network; `id` is whom it found, `is_gone`: it knows them no more."""

    handle: str
    id: str = ""
    is_gone: bool = False


@dataclass(frozen=True)
class Entry:
    """Somebody in the address book, with their handles by network."""

    name: str
    handles: Mapping[str, Handle] = field(default_factory=dict)


Book = Mapping[str, Entry]  # by the name as it is compared


def fold(name: str) -> str:
    """A name as it is compared: neither case nor spaces tell two apart."""
    return " ".join(name.split()).casefold()


def called_on(names: Iterable[str], book: Book, network: str, how: Mentions | None) -> dict[str, Called]:
    """What these names become on a network; those that nobody bears are left out."""
    return {name: _called(entry, network, how) for name in names if (entry := book.get(fold(name))) is not None}


def names_of(content: Content) -> list[str]:
    """The names that it calls, as they were typed."""
    return names_in(part.written for part in content.parts)


def with_names(content: Content, called: CalledOn) -> Content:
    """The content as it goes out, names said as they are said there; after links were tagged. Whom a
    handle is goes with it, so that it is bound to that and not to who has the handle by then."""
    parts = tuple(_said(part, called) for part in content.parts)
    ids = {s.called.handle: s.called.id for part in parts for s in part.spoken if s.called.handle and s.called.id}
    options = {**(content.options or {}), MENTIONS: ids} if ids else content.options
    return replace(content, parts=parts, options=options)


def _said(part: Part, called: CalledOn) -> Part:
    text, spoken = say_names(part.text, called)
    return replace(part, text=text, spoken=spoken, typed=part.written)


def _called(entry: Entry, network: str, how: Mentions | None) -> Called:
    if how is None:
        return Called(entry.name, why="none")
    here = entry.handles.get(network)
    if here is None:
        return Called(entry.name, why="no_handle")
    if here.is_gone:
        return Called(entry.name, why="gone")
    if how.handle(here.handle) != here.handle:
        return Called(entry.name, why="form")
    return Called(entry.name, here.handle, here.id)
