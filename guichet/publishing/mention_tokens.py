"""Names in a text, `@[Lisbon Airport]`, and what stands in their place on each network. Pure;
webapp/ui/src/lib/mentioning.ts does the same while somebody types, and one table of cases proves both.

Square brackets, because braces are a template's variables: `@[{partner}]` names whom a template was
filled with. An address of the internet is no name, so that `me@[192.0.2.1]` stays what it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import regex

from channels.contract import Mention, Mentions
from channels.limits import Problem

LONGEST_NAME = 60
_NO_ADDRESS = r"(?!(?:[0-9.]+|[Ii][Pp][Vv]6:[^\[\]]*)\])"
_TOKEN = regex.compile(r"@\[" + _NO_ADDRESS + r"([^\[\]\r\n]{1,200})\]")
_OPENED = regex.compile(r"@\[" + _NO_ADDRESS + r"([^\[\]\r\n]{0,200})(\])?")
# What somebody typed to mention somebody, whatever the network makes of it; a full stop ends a sentence.
_TYPED = regex.compile(r"(?<![\w@./+=-])@(\w+(?:[.-]+\w+)*(?:@\w+(?:[.-]+\w+)*)?)")


@dataclass(frozen=True)
class Called:
    """Whom a name is on one network: the address book's `name`, the `handle` there ("": it goes out as
    a plain name) and `id`, whom the network found by it. `why` it is plain: "none" (the network has no
    mentions), "no_handle", "gone" (the network knows nobody of that handle), "form" (it is no handle
    there)."""

    name: str
    handle: str = ""
    id: str = ""
    why: str = ""

    @property
    def text(self) -> str:
        return f"@{self.handle}" if self.handle else self.name

    def plain(self) -> dict[str, Any]:
        """As it stands in a row."""
        return asdict(self)


# By the name as it was typed, so that neither server nor browser need compare names.
CalledOn = Mapping[str, Called]


@dataclass(frozen=True)
class Spoken:
    """Somebody named in a text as it goes out: from where to where, in code points. `typed`: the name
    as it was written."""

    typed: str
    called: Called
    start: int
    end: int


def called_of(plain: Mapping[str, Any] | None) -> dict[str, Called]:
    """What `Called.plain` wrote, by name; nothing for nothing."""
    return {typed: Called(**one) for typed, one in (plain or {}).items()}


def names_in(texts: Iterable[str]) -> list[str]:
    """The names in these texts as they were typed, each once."""
    return list(dict.fromkeys(found[1] for text in texts if "@[" in text for found in _TOKEN.finditer(text)))


def spans_of(text: str) -> list[tuple[int, int]]:
    """Where names stand, which nothing may cut."""
    return [found.span() for found in _TOKEN.finditer(text)]


def say_names(text: str, called: CalledOn) -> tuple[str, tuple[Spoken, ...]]:
    """The text as it goes out, and who is named in it. A name that is not known stays as it was typed."""
    made: list[str] = []
    spoken: list[Spoken] = []
    at = length = 0
    for found in _TOKEN.finditer(text) if "@[" in text else ():
        one = called.get(found[1])
        if one is None:
            continue
        before = text[at : found.start()]
        start = length + len(before)
        made += [before, one.text]
        at, length = found.end(), start + len(one.text)
        spoken.append(Spoken(found[1], one, start, length))
    return "".join([*made, text[at:]]), tuple(spoken)


def problems_in(written: str, text: str, spoken: Sequence[Spoken], how: Mentions | None) -> Iterator[Problem]:
    """What must be mended before it goes out: names that nobody knows, and handles that would not be
    linked, or as somebody else's, for what stands right beside them. `written` went out as `text`;
    `at` is a place in what was written or, for a handle, in what goes out."""
    known = {one.typed for one in spoken}
    for found in _OPENED.finditer(written) if "@[" in written else ():
        if found[2] is None or found[1] not in known:
            yield Problem("mention_unknown", {"called": found[1][:LONGEST_NAME].strip(), "at": found.start()})
    linked = {mention.start: mention for mention in how.found_in(text)} if how else {}
    for one in spoken:
        if one.called.handle and not _is(linked.get(one.start), one):
            data = {"called": one.called.name, "handle": one.called.handle, "at": one.start}
            yield Problem("mention_not_linked", data)


def notices_in(text: str, spoken: Sequence[Spoken], how: Mentions | None, gone: Collection[str]) -> Iterator[Problem]:
    """What is worth knowing: who goes out as a plain name, and handles typed by hand that are none there,
    or that the network was asked about and knows no more (`gone`, in lower case)."""
    for one in spoken:
        if one.called.why in ("no_handle", "gone", "form"):
            yield Problem("mention_plain", {"called": one.called.name, "why": one.called.why, "at": one.start})
    if how is None:
        return
    ours = {one.start for one in spoken}
    linked = {mention.start: mention for mention in how.found_in(text)}
    for found in _TYPED.finditer(text):
        if found.start() in ours or found[1].isdecimal():
            continue
        mention = linked.get(found.start())
        data = {"handle": found[1], "at": found.start()}
        if mention is None:
            yield Problem("mention_no_handle", data)
        elif mention.handle != found[1] and len(mention.handle) < len(found[1]):
            yield Problem("mention_cut", {**data, "linked": mention.handle})
        elif mention.handle.lower() in gone:
            yield Problem("mention_gone", data)


def _is(mention: Mention | None, one: Spoken) -> bool:
    return mention is not None and mention.end == one.end and mention.handle == one.called.handle
