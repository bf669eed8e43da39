"""Whose turn it is in a queue, and why it is not another's. Pure.

A queue goes in rounds, on each account for itself: nothing comes again before everything that
may go out has. Within a round the order is the listed one or a shuffled one, which the round
settles once and for all, so that looking again gives the same. A wording that was away the
longest comes first.
"""

from __future__ import annotations

import hashlib
import re
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from guichet.publishing.clash_rules import Neighbour, Spacing, clashes_of

ORDERINGS = ("listed", "shuffled")
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_LONGEST_MONTH = {4: 30, 6: 30, 9: 30, 11: 30, 2: 29}


@dataclass(frozen=True)
class Wording:
    """One way of saying it: the post that holds it, and what each account gets. `stops` says
    of accounts why it does not go out there yet (waits_for_approval, sent_back)."""

    post_id: int
    texts: Mapping[int, str]
    stops: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """A post of the queue as it stands. `refusal`: why its last turn came to nothing."""

    id: int
    wordings: tuple[Wording, ...]
    is_paused: bool = False
    season_from: str = ""
    season_to: str = ""
    last_day: date | None = None
    most_times: int | None = None
    refusal: str = ""


@dataclass(frozen=True)
class Use:
    """An occurrence that stands on an account, or went out there."""

    account_id: int
    at: datetime
    item_id: int
    wording_id: int


class Uses:
    """What is known of occurrences: by account, earliest first, and by account and item."""

    def __init__(self, known: Iterable[Use]) -> None:
        self.on: dict[int, list[Use]] = defaultdict(list)
        self.of: dict[tuple[int, int], list[Use]] = defaultdict(list)
        for use in known:
            self.add(use)

    def add(self, use: Use) -> None:
        insort(self.on[use.account_id], use, key=_at)
        self.of[use.account_id, use.item_id].append(use)


def _at(use: Use) -> datetime:
    return use.at


@dataclass(frozen=True)
class Place:
    """A moment that a queue may fill, on these accounts at once."""

    at: datetime
    wall_time: str
    time_zone: str
    account_ids: tuple[int, ...]

    @property
    def day(self) -> date:
        return date.fromisoformat(self.wall_time[:10])


@dataclass(frozen=True)
class Reason:
    """Why an item did not have the turn. `until`: when that ends, where it is known."""

    item_id: int
    name: str
    until: datetime | None = None


@dataclass(frozen=True)
class Turn:
    """Who goes out in a place. `item_id` None: nobody may, and `passed` says why."""

    place: Place
    item_id: int | None = None
    wording_id: int = 0
    passed: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Ways:
    """How a queue goes about it. `seed` shuffles; `spacings` and what stands near are told for
    the accounts that want a distance, or refuse to repeat themselves."""

    items: tuple[Item, ...]
    ordering: str = "listed"
    rest: timedelta = timedelta(0)
    seed: int = 0
    spacings: Mapping[int, Spacing] = field(default_factory=dict)
    near: Mapping[int, Sequence[Neighbour]] = field(default_factory=dict)


def is_month_day(text: str) -> bool:
    """Whether it is a day of the year, such as "11-15"."""
    return bool(_MONTH_DAY.fullmatch(text)) and int(text[3:]) <= _LONGEST_MONTH.get(int(text[:2]), 31)


def in_season(season_from: str, season_to: str, day: date) -> bool:
    """Whether the day is in a season, ends included; it may reach over New Year. "": always."""
    today = f"{day:%m-%d}"
    if season_from <= season_to:
        return not season_from or season_from <= today <= season_to
    return today >= season_from or today <= season_to


def wordings_needed(said: int, rest: int, duplicate_days: int, refuses_repeats: bool) -> int:
    """In how many different ways it must be said, so that an account does not repeat itself within
    the days that it looks back, nor a network refuse it; 0 where the `said` ones are enough.
    `rest` in days."""
    needed = 2 if refuses_repeats else 1
    if duplicate_days:
        needed = max(needed, duplicate_days // max(rest, 1) + 1)
    return needed if said < needed else 0


def lay_out(ways: Ways, places: Iterable[Place], uses: Iterable[Use]) -> list[Turn]:
    """Who goes out in each place, earliest first. Accounts whose place comes at the same moment
    get the same post as far as its turn allows; else the place is parted among several."""
    known = Uses(uses)
    near = {account_id: list(ways.near.get(account_id, ())) for account_id in ways.spacings}
    turns = []
    for place in sorted(places, key=lambda p: (p.at, p.account_ids)):
        left = place.account_ids
        while left:
            turn = _turn(replace(ways, near=near), replace(place, account_ids=left), known)
            turns.append(turn)
            left = tuple(a for a in left if a not in turn.place.account_ids)
            if turn.item_id is not None:
                _note(turn, ways, known, near)
    return turns


def _note(turn: Turn, ways: Ways, known: Uses, near: dict[int, list[Neighbour]]) -> None:
    wording = next(w for i in ways.items for w in i.wordings if w.post_id == turn.wording_id)
    for account_id in turn.place.account_ids:
        known.add(Use(account_id, turn.place.at, turn.item_id or 0, turn.wording_id))
        if account_id in near:
            near[account_id].append(Neighbour(turn.wording_id, turn.place.at, wording.texts[account_id]))


def _turn(ways: Ways, place: Place, uses: Uses) -> Turn:
    """The turn on the first of these accounts, and on those of the others that can share it."""
    first, *others = place.account_ids
    if _is_too_close(ways, first, place.at):
        return Turn(replace(place, account_ids=(first,)), passed=(Reason(0, "too_close"),))
    passed: list[Reason] = []
    for item in _in_order(ways, first, place, uses):
        reason = why_not(ways, item, first, place, uses)
        wording = _wording(ways, item, first, place, uses)
        if reason is None and wording is not None:
            sharing = tuple(a for a in others if _shares(ways, item, wording, a, place, uses))
            return Turn(replace(place, account_ids=(first, *sharing)), item.id, wording.post_id, tuple(passed))
        passed.append(reason or Reason(item.id, "same_words"))
    return Turn(replace(place, account_ids=(first,)), passed=tuple(passed))


def _shares(ways: Ways, item: Item, wording: Wording, account_id: int, place: Place, uses: Uses) -> bool:
    return (
        why_not(ways, item, account_id, place, uses) is None
        and not _is_too_close(ways, account_id, place.at)
        and _may_say(ways, wording, account_id, place.at)
        and item.id not in _round(ways, account_id, place, uses)[1]
    )


def why_not(ways: Ways, item: Item, account_id: int, place: Place, uses: Uses) -> Reason | None:
    """What keeps an item from going out there, the lasting reasons first; None: nothing."""
    mine = uses.of.get((account_id, item.id), [])
    here = [w for w in item.wordings if account_id in w.texts]
    name, until = "", None
    if not here:
        name = "not_on_account"
    elif item.is_paused:
        name = "paused"
    elif item.last_day is not None and place.day > item.last_day:
        name = "ended"
    elif item.most_times is not None and len(mine) >= item.most_times:
        name = "used_up"
    elif not in_season(item.season_from, item.season_to, place.day):
        name = "out_of_season"
    elif item.refusal:
        name = item.refusal
    elif all(account_id in w.stops for w in here):
        name = here[0].stops[account_id]
    elif near := [u for u in mine if abs(u.at - place.at) < ways.rest]:
        name, until = "resting", max(u.at for u in near) + ways.rest
    return Reason(item.id, name, until) if name else None


def _in_order(ways: Ways, account_id: int, place: Place, uses: Uses) -> list[Item]:
    """Those that the round has not had yet, in its order, then the others in that of the next."""
    number, had = _round(ways, account_id, place, uses)
    now, then = (_ordered(ways, account_id, n) for n in (number, number + 1))
    return [i for i in now if i.id not in had] + [i for i in then if i.id in had]


def _round(ways: Ways, account_id: int, place: Place, uses: Uses) -> tuple[int, set[int]]:
    """The number of the round and who has had a turn in it. It ends when nobody is left who may."""
    number, had = 0, set[int]()
    for use in uses.on.get(account_id, ()):
        if use.at < place.at:
            if use.item_id in had:
                number, had = number + 1, set()
            had.add(use.item_id)
    could = {i.id for i in ways.items if why_not(ways, i, account_id, place, uses) is None}
    return (number + 1, set()) if could and could <= had else (number, had)


def _ordered(ways: Ways, account_id: int, number: int) -> list[Item]:
    if ways.ordering == "listed":
        return list(ways.items)
    return sorted(
        ways.items, key=lambda i: hashlib.sha256(f"{ways.seed}:{account_id}:{number}:{i.id}".encode()).digest()
    )


def _wording(ways: Ways, item: Item, account_id: int, place: Place, uses: Uses) -> Wording | None:
    """The one that was away the longest, of those that the account may say then."""
    last: dict[int, datetime] = {}
    for use in uses.of.get((account_id, item.id), ()):
        last[use.wording_id] = max(use.at, last.get(use.wording_id, use.at))
    free = [w for w in item.wordings if account_id in w.texts and _may_say(ways, w, account_id, place.at)]
    never = datetime.min.replace(tzinfo=place.at.tzinfo)
    return min(free, key=lambda w: last.get(w.post_id, never), default=None)


def _may_say(ways: Ways, wording: Wording, account_id: int, at: datetime) -> bool:
    if account_id not in wording.texts or account_id in wording.stops:
        return False
    spacing = ways.spacings.get(account_id)
    if spacing is None:
        return True
    found = clashes_of(account_id, wording.texts[account_id], at, ways.near.get(account_id, ()), spacing)
    return not any(clash.refused for clash in found)


def _is_too_close(ways: Ways, account_id: int, at: datetime) -> bool:
    spacing = ways.spacings.get(account_id)
    return spacing is not None and any(abs(n.at - at) < spacing.min_gap for n in ways.near.get(account_id, ()))
