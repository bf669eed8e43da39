"""When a post is due, what each network would say to it, and what was approved. Pure.

A schedule is what people mean: a wall time in a zone. Clocks skip an hour and repeat one;
the rules for that are chosen, kept with the post, and shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from channels.contract import ChannelSpec, Cost, Draft, Limits, MediaItem, Surface
from channels.limits import Problem, count, problems
from channels.sentences import say
from guichet.delivery.bounds import bounds_for
from guichet.delivery.film_bounds import film_bounds_for
from guichet.delivery.payload import CardRef, MediaRef, item_of
from guichet.delivery.states import State
from guichet.errors import Invalid
from guichet.publishing.mention_tokens import Spoken, notices_in, problems_in
from guichet.variables import left_open

FOLD_RULES = ("first", "second")  # which of two equal wall times
GAP_RULES = ("later", "earlier")  # where the wall time does not exist: move it past, or before

# ---------------------------------------------------------------- time


def due_time(wall_time: str, time_zone: str, fold_rule: str = "first", gap_rule: str = "later") -> datetime:
    """The moment, in UTC, that a wall time ("2026-03-29T02:30") in an IANA zone means.

    In a gap (the hour that is skipped) "later" keeps the distance from before the change
    (02:30 becomes 03:30), "earlier" that from after it (01:30). Raises Invalid.
    """
    if fold_rule not in FOLD_RULES or gap_rule not in GAP_RULES:
        raise Invalid("that is no rule for changes of the clock", {"fold_rule": "first or second", "gap_rule": "…"})
    zone = zone_of(time_zone)
    try:
        wall = datetime.fromisoformat(wall_time)
    except ValueError:
        raise Invalid("that is no time", {"wall_time": "must look like 2026-03-29T14:30"}) from None
    if wall.tzinfo is not None:
        raise Invalid("a wall time has no offset", {"wall_time": "must look like 2026-03-29T14:30"})
    first = wall.replace(tzinfo=zone, fold=0)
    second = wall.replace(tzinfo=zone, fold=1)
    try:
        if _is_in_gap(first):
            return (first if gap_rule == "later" else second).astimezone(UTC)
        return (first if fold_rule == "first" else second).astimezone(UTC)
    except OverflowError:
        raise Invalid("that is too far away", {"wall_time": "is beyond the calendar"}) from None


def readings_of(wall_time: str, time_zone: str) -> dict[str, datetime]:
    """What a wall time can mean where its zone's clock changes: by gap rule where it does
    not exist, by fold rule where it comes twice; empty where it is plain. Raises Invalid."""
    by_gap = {rule: due_time(wall_time, time_zone, gap_rule=rule) for rule in GAP_RULES}
    if len(set(by_gap.values())) > 1:
        return by_gap
    by_fold = {rule: due_time(wall_time, time_zone, fold_rule=rule) for rule in FOLD_RULES}
    return by_fold if len(set(by_fold.values())) > 1 else {}


def _is_in_gap(local: datetime) -> bool:
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None, fold=0) != local.replace(tzinfo=None)


def zone_of(name: str) -> ZoneInfo:
    """Raises Invalid for what is no IANA zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            "there is no such time zone", {"time_zone": say("“{name}” is not an IANA zone", name=name[:60])}
        ) from None


# ---------------------------------------------------------------- content


@dataclass(frozen=True)
class Part:
    """One thing that a post sends to an account: the post itself, a further item of its
    thread, or the first comment under it (`kind` is that of its delivery). `uncut`: the places
    of pictures of which what is to be shown was not cut out yet. `card`: of its link, where the
    network is given it. `typed`: as somebody wrote it,
    where `text` is what became of that on its way out; `spoken`: who is named in that."""

    text: str
    media: tuple[MediaRef, ...] = ()
    kind: str = "post"
    uncut: frozenset[int] = frozenset()
    card: CardRef | None = None
    typed: str | None = None
    spoken: tuple[Spoken, ...] = ()

    @property
    def written(self) -> str:
        return self.text if self.typed is None else self.typed


@dataclass(frozen=True)
class Content:
    """The post as it stands for one account, in the order in which it goes out."""

    account_id: int
    parts: tuple[Part, ...]
    language: str = ""
    subject: str = ""
    options: Mapping[str, Any] | None = None


def content_hash(contents: Iterable[Content]) -> str:
    """What an approval is bound to: every word, file and alt text on every account."""
    plain = [
        {
            **asdict(c),
            "parts": [
                {"text": p.text, "kind": p.kind, "media": [identity_of(m) for m in p.media], **card_identity(p)}
                for p in c.parts
            ],
            "options": dict(c.options or {}),
        }
        for c in sorted(contents, key=lambda c: c.account_id)
    ]
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def identity_of(ref: MediaRef) -> dict[str, Any]:
    """What a file is to those who read it: its bytes, its alt text, and the point that stays in
    sight, where one was set. A film that is made from another is that one as the recipe makes it,
    before and after it is made."""
    made = {"sha256": ref.source, "as": ref.recipe} if ref.source else {"sha256": ref.sha256}
    return {**made, "alt": ref.alt, **({"focus": list(ref.focus)} if ref.focus else {})}


def card_identity(part: Part) -> dict[str, Any]:
    """What the card of its link is to those who read it; nothing where it has none."""
    card = part.card
    if card is None:
        return {}
    said = {"url": card.url, "title": card.title, "description": card.description}
    return {"card": {**said, "sha256": card.picture.sha256 if card.picture else ""}}


# ---------------------------------------------------------------- preflight


@dataclass(frozen=True)
class AccountCheck:
    """What a network would say to the post on one account: how each part counts, in
    `unit`s, its problems with the part (from 0) that has them, and in the same way what is worth
    knowing and stands in no way."""

    account_id: int
    surface: Surface
    counts: tuple[int, ...]
    max_length: int | None
    unit: str
    problems: tuple[tuple[int, Problem], ...]
    cost: Cost | None
    notices: tuple[tuple[int, Problem], ...] = ()

    @property
    def is_fine(self) -> bool:
        return not self.problems


def check(
    content: Content,
    spec: ChannelSpec,
    settings: Mapping[str, Any],
    *,
    needs_alt_text: bool = False,
    gone: Collection[str] = (),
) -> AccountCheck:
    """Check one account's content against the limits that this account really has, and against
    its brand's rule that pictures are described (problem `alt_missing`). `gone`: handles, in lower
    case, of which the network said that it knows them no more."""
    limits = spec.limits_for(settings)
    limit = limits.text.get(Surface.PUBLIC)
    found = [
        (n, problem)
        for n, part in enumerate(content.parts)
        for problem in (
            *_refused(part, limits),
            *(_undescribed(part, limits) if needs_alt_text else ()),
            *problems_in(part.written, part.text, part.spoken, spec.mentions),
        )
    ]
    notices = [
        (n, notice)
        for n, part in enumerate(content.parts)
        for notice in (*notices_in(part.text, part.spoken, spec.mentions, gone), *_left_open(part))
    ]
    return AccountCheck(
        account_id=content.account_id,
        surface=Surface.PUBLIC,
        counts=tuple(count(part.text, limit) if limit else len(part.text) for part in content.parts),
        max_length=limit.max_length if limit else None,
        unit=limit.unit.value if limit else "",
        problems=tuple(found),
        cost=_cost(content, spec),
        notices=tuple(notices),
    )


_OF_A_FILE = frozenset(
    {"media_type_refused", "media_too_large", "media_too_many_pixels", "film_codec_refused", "film_too_many_pixels",
     "film_rate_too_high", "film_colours_refused"}
)  # fmt: skip


def _refused(part: Part, limits: Limits) -> Iterator[Problem]:
    """What the network would refuse, and what cannot go out as it is shown; `can_fit` says of a
    file that one could be made of it that goes out."""
    limit = limits.media.get(Surface.PUBLIC)
    for index in sorted(part.uncut):
        yield Problem("picture_not_cut", {"index": index, "filename": part.media[index].filename, "can_fit": True})
    for problem in problems(part.text, _as_items(part), limits, Surface.PUBLIC):
        ref = part.media[problem.data["index"]] if problem.name in _OF_A_FILE else None
        if ref and (bounds_for(ref, limit) or film_bounds_for(ref, limit)):
            yield Problem(problem.name, {**problem.data, "can_fit": True})
        else:
            yield problem


def _left_open(part: Part) -> Iterator[Problem]:
    """Variables that nobody filled in, as far as a text tells; it may mean to say just that."""
    if found := left_open(part.text):
        yield Problem("variable_open", {"typed": found[0], "more": len(found) - 1})


def _undescribed(part: Part, limits: Limits) -> Iterator[Problem]:
    """The pictures without a description, where the network takes one."""
    limit = limits.media.get(Surface.PUBLIC)
    for index, item in enumerate(part.media):
        if limit and limit.alt_max and item.mime.startswith("image/") and not item.alt.strip():
            yield Problem("alt_missing", {"index": index, "filename": item.filename})


def _cost(content: Content, spec: ChannelSpec) -> Cost | None:
    each = [c for part in content.parts if (c := spec.cost(Draft(part.text, media=_as_items(part)))) is not None]
    return Cost(sum(c.amount for c in each), each[0].currency, each[0].reason) if each else None


def _as_items(part: Part) -> tuple[MediaItem, ...]:
    return tuple(map(item_of, part.media))


# ---------------------------------------------------------------- how a post stands


def standing(post_state: str, states: Iterable[str]) -> str:
    """One word for a post and its deliveries: draft, evergreen, awaiting_approval, scheduled, sending,
    published, partly_failed, failed, held, needs_human, cancelled. The worst counts."""
    seen = {State(s) for s in states}
    if post_state in ("draft", "evergreen", "awaiting_approval"):
        return post_state
    if State.NEEDS_HUMAN in seen:
        return "needs_human"
    if State.HELD in seen:
        return "held"
    open_ = seen - {State.PUBLISHED, State.FAILED, State.CANCELLED, State.BLOCKED}
    if open_:
        is_waiting = open_ <= {State.SCHEDULED, State.AWAITING_APPROVAL} and State.PUBLISHED not in seen
        return "scheduled" if is_waiting else "sending"
    if State.FAILED in seen:
        return "partly_failed" if State.PUBLISHED in seen else "failed"
    if State.PUBLISHED in seen:
        return "sending" if State.BLOCKED in seen else "published"
    return "cancelled" if post_state == "cancelled" or seen else post_state
