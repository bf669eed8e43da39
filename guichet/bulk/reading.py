"""From the cells of a row to what a post is made of. Pure: a cell that cannot be read becomes a
finding, which says what is wrong with which cell and how it is mended."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from channels.contract import ChannelSpec
from channels.sentences import say
from guichet.bulk.tables import Row, unguard
from guichet.bulk.times import Unread, instant_of, read_moment
from guichet.delivery.materials import Made
from guichet.delivery.payload import MediaRef
from guichet.errors import Invalid
from guichet.publishing.link_rules import LinkRule
from guichet.publishing.mention_rules import Book
from guichet.publishing.rules import FOLD_RULES, GAP_RULES, due_time, readings_of, zone_of
from guichet.publishing.tags import LONGEST_NAME, fold

_FORMULA = re.compile(r"^=[A-Za-z(+\-\"'@]")
_FAULTS = frozenset({"#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!"})
_BETWEEN_ITEMS = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)
_LANGUAGE = re.compile(r"^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?$")
_LONGEST_LINE = 300
_YES, _NO = frozenset({"", "yes", "oui", "true", "1"}), frozenset({"no", "non", "false", "0"})
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True)
class Choice:
    """What could be written, into which column, to mend a finding."""

    column: str
    value: str


@dataclass(frozen=True)
class Finding:
    """Something about one cell. `is_error`: with it nothing is brought in. `message` is a
    sentence for a person; `name` is stable."""

    row: int
    column: str
    name: str
    message: str
    choices: tuple[Choice, ...] = ()
    is_error: bool = True


@dataclass(frozen=True)
class Tags:
    """The labels and campaigns of a brand by kind and folded name; `may_add`: new ones can be
    made by who brings the table in."""

    known: Mapping[tuple[str, str], str] = field(default_factory=dict)
    may_add: bool = False


@dataclass(frozen=True)
class Place:
    """An account that posts may be meant for, as far as reading and checking need to know."""

    id: int
    network: str
    handle: str
    name: str
    brand_id: int
    brand: str
    time_zone: str
    spec: ChannelSpec
    settings: Mapping[str, Any]
    is_connected: bool = True
    asks: bool = False  # an approval is needed there, by the brand or for want of the right
    tags: Tags = field(default_factory=Tags)
    link_rule: LinkRule = field(default_factory=LinkRule)  # of its brand
    needs_alt: bool = False  # its brand's rule: pictures are described
    book: Book = field(default_factory=dict)  # whom its brand's posts may name

    @property
    def shown(self) -> str:
        return f"{self.network}:{self.handle}"


@dataclass(frozen=True)
class Usual:
    """What counts where a row says nothing: `order` is which of two numbers is the day
    (dmy, mdy; "" where nobody was asked), `media` the files by name or address, `lost` why others
    could not be taken, `made` what was made of them for networks that would refuse them,
    `next_post` the next post's number."""

    accounts: tuple[int, ...] = ()
    time_zone: str = ""
    order: str = ""
    media: Mapping[str, MediaRef] = field(default_factory=dict)
    made: Made = field(default_factory=dict)
    next_post: int = 1
    lost: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A post that a row describes. Without `due_at` it is a draft."""

    row: int
    places: tuple[Place, ...]
    text: str
    items: tuple[str, ...]
    first_comment: str
    title: str
    language: str
    subject: str
    files: tuple[MediaRef, ...]
    wall_time: str | None
    time_zone: str
    fold_rule: str
    gap_rule: str
    due_at: datetime | None
    labels: tuple[str, ...] = ()
    campaign: str = ""
    tags_links: bool = True

    def said(self) -> tuple[Any, ...]:
        """What tells two posts apart, beside their accounts and times."""
        return (self.text, self.items, self.first_comment, tuple(f.sha256 for f in self.files))


class Reader:
    """Reads one row; `found` is what is wrong with it."""

    def __init__(self, row: Row, places: Sequence[Place], usual: Usual) -> None:
        self.row, self.places, self.usual = row, places, usual
        self.cells = {column: unguard(cell) for column, cell in row.cells.items()}
        self.found: list[Finding] = []

    def refuse(self, column: str, name: str, message: str, *choices: Choice, is_error: bool = True) -> None:
        self.found.append(Finding(self.row.number, column, name, message, choices, is_error))

    def read(self) -> Plan:
        """The plan, as far as it can be read; `found` says what could not be."""
        self._refuse_formulas()
        places = self._accounts()
        wall_time, zone, fold, gap, due_at = self._time(places)
        return Plan(
            row=self.row.number, places=places, text=self._text(), items=self._items(),
            first_comment=self.cells.get("first_comment", ""), title=self._line("title"),
            language=self._language(), subject=self._line("subject"), files=self._files(),
            wall_time=wall_time, time_zone=zone, fold_rule=fold, gap_rule=gap, due_at=due_at,
            labels=self._tags("labels", "label", places), campaign="".join(self._tags("campaign", "campaign", places)),
            tags_links=self._yes("tags_links"),
        )  # fmt: skip

    def _refuse_formulas(self) -> None:
        for column, cell in self.row.cells.items():
            if _FORMULA.match(cell):
                self.refuse(column, "formula", say("This is a formula: write what it comes to."))
            elif cell in _FAULTS:
                self.refuse(column, "formula_fault", say("The workbook could not work this out: write what is meant."))

    def _text(self) -> str:
        text, link = self.cells.get("text", ""), self.cells.get("link", "")
        return f"{text}\n{link}".strip() if link and link not in text else text

    def _items(self) -> tuple[str, ...]:
        items = [item.strip() for item in _BETWEEN_ITEMS.split(self.cells.get("thread", ""))]
        return tuple(item for item in items if item)

    def _line(self, column: str) -> str:
        line = " ".join(self.cells.get(column, "").split())
        if len(line) > _LONGEST_LINE:
            self.refuse(column, "too_long", say("must have at most {most} characters", most=_LONGEST_LINE))
        return line[:_LONGEST_LINE]

    def _yes(self, column: str) -> bool:
        """What is empty is yes."""
        said = self.cells.get(column, "").strip().casefold()
        if said not in _YES and said not in _NO:
            self.refuse(column, "no_yes", say("Write yes or no."), Choice(column, "yes"), Choice(column, "no"))
        return said not in _NO

    def _language(self) -> str:
        code = self.cells.get("language", "")
        if not _LANGUAGE.match(code):
            self.refuse("language", "no_language", say("This is no code of a language: write en, fr, pt-BR…"))
            return ""
        return code[:35]

    # ------------------------------------------------------------ accounts

    def _accounts(self) -> tuple[Place, ...]:
        wanted = [w.strip() for w in re.split(r"[,;\n]", self.cells.get("accounts", "")) if w.strip()]
        if not wanted:
            by_id = {p.id: p for p in self.places}
            found = [by_id[i] for i in self.usual.accounts if i in by_id]
            if not found:
                self.refuse(
                    "accounts", "no_account", say("Name an account, or choose one for all rows that name none.")
                )
        else:
            found = [place for name in wanted for place in self._account(name)]
        places = tuple({p.id: p for p in found}.values())
        if len({p.brand_id for p in places}) > 1:
            brands = ", ".join(sorted({p.brand for p in places}))
            self.refuse("accounts", "two_brands", say("A post is of one brand, these are of {brands}.", brands=brands))
        for place in places:
            if not place.is_connected:
                self.refuse("accounts", "not_connected", say("{account} is not connected.", account=place.shown))
        return places

    def _account(self, wanted: str) -> list[Place]:
        """The account of that number, handle, NETWORK:HANDLE or name."""
        fitting = [p for p in self.places if str(p.id) == wanted] or [p for p in self.places if _fits(p, wanted)]
        if len(fitting) == 1:
            return fitting
        if fitting:
            self.refuse(
                "accounts", "several_accounts", say("“{name}” is the name of several accounts.", name=wanted),
                *(Choice("accounts", self._instead(wanted, p.shown)) for p in fitting[:5]),
            )  # fmt: skip
        else:
            near = self._near(wanted)
            self.refuse(
                "accounts", "unknown_account",
                say("There is no account “{name}” that you may write on.", name=wanted),
                *(Choice("accounts", self._instead(wanted, one)) for one in near),
            )  # fmt: skip
        return []

    def _near(self, wanted: str) -> list[str]:
        by_name = {n.casefold(): p.shown for p in self.places for n in (p.shown, p.handle, p.name)}
        near = difflib.get_close_matches(wanted[:100].casefold().lstrip("@"), by_name, n=3, cutoff=0.7)
        return list(dict.fromkeys(by_name[name] for name in near))

    def _instead(self, wrong: str, right: str) -> str:
        names = re.split(r"[,;\n]", self.cells["accounts"])
        return ", ".join(right if n.strip() == wrong else n.strip() for n in names if n.strip())

    # ------------------------------------------------------------ time

    def _time(self, places: Sequence[Place]) -> tuple[str | None, str, str, str, datetime | None]:
        zone = self._zone(places)
        said, clock = self.cells.get("date", ""), self.cells.get("time", "")
        nothing = (None, zone, "first", "later", None)
        if not said:
            if clock:
                self.refuse("date", "date_missing", say("Here is a time, but no day: write it like 2026-03-29."))
            else:
                self.refuse("date", "undated", say("Without a time it becomes a draft."), is_error=False)
            return nothing
        read = read_moment(said, clock, self.usual.order)
        if isinstance(read, Unread):
            column = "time" if read.is_time and clock else "date"
            self.refuse(column, read.name, read.why, *(Choice("date", one) for one in read.choices))
            return nothing
        instant = instant_of(read)
        wall = read.wall
        if instant is not None:
            local = instant.astimezone(zone_of(zone))
            return _iso(local.replace(tzinfo=None)), zone, ("first", "second")[local.fold], "later", _utc(instant)
        return self._wall(_iso(wall), zone)

    def _zone(self, places: Sequence[Place]) -> str:
        usual = self.usual.time_zone or (places[0].time_zone if places else "UTC")
        zone = self.cells.get("time_zone", "")
        if not zone:
            return usual
        try:
            return str(zone_of(zone).key)
        except Invalid:
            self.refuse(
                "time_zone",
                "unknown_zone",
                say("There is no time zone “{name}”: write it like Europe/Paris.", name=zone),
            )
            return usual

    def _wall(self, wall: str, zone: str) -> tuple[str | None, str, str, str, datetime | None]:
        rule = self.cells.get("clock_change", "").casefold()
        readings = readings_of(wall, zone)
        if readings and rule not in readings:
            message = (
                say("The clocks of {zone} are put forward then: this hour does not exist.", zone=zone)
                if "later" in readings
                else say("The clocks of {zone} are put back then: this hour comes twice.", zone=zone)
            )
            name = "gap" if "later" in readings else "fold"
            self.refuse("date", name, message, *(Choice("clock_change", one) for one in readings))
        elif rule and rule not in (*FOLD_RULES, *GAP_RULES):
            message = say("must be one of {choices}", choices=", ".join((*FOLD_RULES, *GAP_RULES)))
            self.refuse("clock_change", "no_rule", message)
        fold = rule if rule in FOLD_RULES else "first"
        gap = rule if rule in GAP_RULES else "later"
        return wall, zone, fold, gap, due_time(wall, zone, fold, gap)

    # ------------------------------------------------------------ labels and campaigns

    def _tags(self, column: str, kind: str, places: Sequence[Place]) -> tuple[str, ...]:
        """Names as the brand writes them. Unknown ones are new where they may be made; near ones
        are offered."""
        cell = self.cells.get(column, "")
        names = tuple({fold(n): " ".join(n.split()) for n in re.split(r"[,;|\n]", cell) if n.strip()}.values())
        if kind == "campaign" and len(names) > 1:
            self.refuse(column, "several_campaigns", say("A post is of one campaign: leave one name."))
        if any(len(name) > LONGEST_NAME for name in names):
            self.refuse(column, "too_long", say("must have at most {most} characters", most=LONGEST_NAME))
        if not places:  # of which brand is not known yet, and said at the accounts
            return names
        tags = places[0].tags
        for name in names:
            if (kind, fold(name)) not in tags.known:
                self._unknown_tag(column, kind, name, tags)
        return tuple(tags.known.get((kind, fold(name)), name) for name in names)

    def _unknown_tag(self, column: str, kind: str, name: str, tags: Tags) -> None:
        said = [known for (of, _), known in tags.known.items() if of == kind]
        near = difflib.get_close_matches(fold(name), [fold(one) for one in said], n=3, cutoff=0.7)
        choices = [Choice(column, self._renamed(column, name, tags.known[kind, one])) for one in near]
        if tags.may_add:
            self.refuse(
                column, "new_tag", say("“{name}” is new: it will be made.", name=name), *choices, is_error=False
            )
        else:
            self.refuse(
                column,
                "unknown_tag",
                say("The brand has no “{name}”: somebody who manages it can add it.", name=name),
                *choices,
            )

    def _renamed(self, column: str, wrong: str, right: str) -> str:
        names = [n.strip() for n in re.split(r"[,;|\n]", self.cells[column]) if n.strip()]
        return ", ".join(right if fold(n) == fold(wrong) else n for n in names)

    # ------------------------------------------------------------ files

    def _files(self) -> tuple[MediaRef, ...]:
        files = []
        names = names_of_files(self.cells.get("media", ""), {**self.usual.lost, **self.usual.media})
        alts = [line.strip() for line in self.cells.get("alt_text", "").split("\n")] if names else []
        for n, name in enumerate(names):
            ref = self.usual.media.get(name)
            if ref is None and name in self.usual.lost:
                why = self.usual.lost[name]
                self.refuse("media", "file_refused", say("“{name}” cannot be taken: {why}.", name=name, why=why))
            elif ref is None:
                message = (
                    say("“{name}” could not be fetched: add the file itself.", name=name)
                    if _ADDRESS.match(name)
                    else say("“{name}” is not among the files: add it.", name=name)
                )
                self.refuse("media", "media_not_there", message)
            else:
                alt = alts[n] if n < len(alts) and alts[n] else ref.alt
                files.append(MediaRef(**{**vars(ref), "alt": alt}))
        return tuple(files)


def names_of_files(cell: str, known: Mapping[str, Any]) -> list[str]:
    """The files that a cell names, one a line, or separated by commas or bars. A name that is
    `known` as a whole may hold those."""
    names: list[str] = []
    for line in cell.split("\n"):
        whole = line.strip()
        if whole in known:
            names.append(whole)
        else:
            pattern = r"[\s,;|]+(?=https?://)|[|]" if _ADDRESS.match(whole) else r"[,;|]"
            names += [part.strip() for part in re.split(pattern, whole) if part.strip()]
    return list(dict.fromkeys(names))


def _fits(place: Place, wanted: str) -> bool:
    plain = wanted.casefold()
    network, colon, handle = plain.partition(":")
    if colon and network == place.network:
        return handle.lstrip("@") == place.handle.casefold().lstrip("@")
    return plain.lstrip("@") == place.handle.casefold().lstrip("@") or plain == place.name.casefold()


def _iso(wall: datetime) -> str:
    return f"{wall:%Y-%m-%dT%H:%M:%S}" if wall.second else f"{wall:%Y-%m-%dT%H:%M}"


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
