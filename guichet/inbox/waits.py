"""The rules of waiting, as one pure function from what happened to the waits that follow.

A wait is one customer turn waiting for us. Operations keep the rows in step as things
happen (guichet/inbox/waiting.py); `recount` says from the whole history what they must be.
The two are written apart and must agree: a property test compares them, and a figure that
somebody doubts is recomputed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from guichet.inbox.happened import (
    Answered,
    Deleted,
    Echoed,
    EndKind,
    Event,
    Finished,
    Gave,
    HandedOn,
    Owned,
    Received,
    Recognised,
    Reopened,
    Resumed,
    Said,
    TookOver,
    Touched,
)

# How a person ends a wait without an answer; reopened, the question is there again.
BY_HAND = (EndKind.CLOSED_UNANSWERED, EndKind.NOT_NEEDED, EndKind.ANSWERED_ELSEWHERE, EndKind.MODERATED)


@dataclass(frozen=True)
class Slice:
    """A stretch of a wait in which one team or person had it."""

    team_id: int | None
    staff_id: int | None
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class WaitValue:
    """A wait as it must be."""

    opened_by: int
    cycle: int
    is_first: bool
    started_at: datetime
    received_at: datetime
    slices: tuple[Slice, ...]
    first_touch_at: datetime | None = None
    ended_at: datetime | None = None
    end_kind: EndKind | None = None
    answered_by: int | None = None
    ended_by: int | None = None


@dataclass
class _Book:
    """The state of the recount: waits so far, who is waiting, and what bears on who comes."""

    done: list[WaitValue] = field(default_factory=list)
    open: WaitValue | None = None
    waiting: list[Said] = field(default_factory=list)
    owner: tuple[int | None, int | None] = (None, None)
    cycle: int = 1
    cycles_with_waits: set[int] = field(default_factory=set)
    echoes: list[Echoed] = field(default_factory=list)


def recount(history: Iterable[Event]) -> list[WaitValue]:
    """The waits of one conversation, in the order in which they began; the open one last."""
    book = _Book()
    for event in history:
        _take(book, event)
    return [*book.done, book.open] if book.open else book.done


def _take(book: _Book, event: Event) -> None:
    match event:
        case Said() if event.counts:
            _say(book, event)
        case Touched() if book.open and book.open.first_touch_at is None:
            book.open = replace(book.open, first_touch_at=event.accepted_at)
        case Answered() | Echoed():
            _answer(book, event)
        case Recognised():
            book.done = [_recognised(w, event) for w in book.done]
            book.echoes = [e for e in book.echoes if e.message_id != event.echo_id]
        case Deleted():
            _without(book, frozenset({event.message_id}), event.at, EndKind.WITHDRAWN)
        case Owned():
            _hand_over(book, event)
        case Finished():
            _end(book, event.at, event.at, event.kind, event.staff_id, None)
        case Reopened():
            book.cycle += 1
        case HandedOn():
            _end(book, event.at, event.at, EndKind.MERGED, None, None)
        case Resumed():
            _resume(book, event)
        case TookOver() | Gave() | Received():
            _exchange(book, event)


def _exchange(book: _Book, event: TookOver | Gave | Received) -> None:
    match event:
        case TookOver():
            _take_over(book, event)
        case Gave():
            book.echoes = [e for e in book.echoes if e.message_id not in event.echo_ids]
            _without(book, event.message_ids, event.at, EndKind.MERGED)
        case Received():
            _receive(book, event)


def _say(book: _Book, said: Said) -> None:
    echo = max(book.echoes, key=lambda e: (e.remote_at, e.message_id), default=None)
    if echo is not None and said.remote_at <= echo.remote_at:
        # Answered in the app before we even heard the question.
        wait = _begun(book, [said], said.at, None)
        book.done.append(_ended(wait, said.at, echo.remote_at, EndKind.ANSWERED_ELSEWHERE, None, echo.message_id))
        return
    book.waiting.append(said)
    if book.open is None:
        book.open = _begun(book, book.waiting, said.at, None)
    else:
        book.open = _restarted(book.open, book.waiting)


def _begun(book: _Book, waiting: list[Said], at: datetime, first_touch_at: datetime | None) -> WaitValue:
    opener = opener_of(waiting)
    is_first = book.cycle not in book.cycles_with_waits
    book.cycles_with_waits.add(book.cycle)
    return WaitValue(
        opened_by=opener.message_id,
        cycle=book.cycle,
        is_first=is_first,
        started_at=opener.remote_at,
        received_at=min(s.received_at for s in waiting),
        slices=(Slice(*book.owner, started_at=at),),
        first_touch_at=first_touch_at,
    )


def opener_of(waiting: Iterable[Said]) -> Said:
    """The oldest by the network's clock: from it the wait is counted."""
    return min(waiting, key=lambda s: (s.remote_at, s.message_id))


def _restarted(wait: WaitValue, waiting: list[Said]) -> WaitValue:
    opener = opener_of(waiting)
    return replace(
        wait,
        opened_by=opener.message_id,
        started_at=opener.remote_at,
        received_at=min(s.received_at for s in waiting),
    )


def _answer(book: _Book, event: Answered | Echoed) -> None:
    if isinstance(event, Answered):
        served = [s for s in book.waiting if s.message_id <= event.seen_through]
        _serve(book, served, event.at, event.accepted_at, event.kind, event.staff_id, event.message_id)
    else:
        book.echoes.append(event)
        served = [s for s in book.waiting if s.remote_at <= event.remote_at]
        _serve(book, served, event.at, event.remote_at, EndKind.ANSWERED_ELSEWHERE, None, event.message_id)


def _serve(
    book: _Book,
    served: list[Said],
    at: datetime,
    ended_at: datetime,
    kind: EndKind,
    staff_id: int | None,
    message_id: int,
) -> None:
    """End the wait for those who were answered; the others begin a new one."""
    if not served or book.open is None:
        return
    rest = [s for s in book.waiting if s not in served]
    book.open = _restarted(book.open, served)
    _end(book, at, ended_at, kind, staff_id, message_id)
    if rest:
        book.waiting = rest
        book.open = _begun(book, rest, at, None)


def _end(
    book: _Book, at: datetime, ended_at: datetime, kind: EndKind, staff_id: int | None, message_id: int | None
) -> None:
    if book.open is not None:
        book.done.append(_ended(book.open, at, ended_at, kind, staff_id, message_id))
        book.open, book.waiting = None, []


def _ended(
    wait: WaitValue, at: datetime, ended_at: datetime, kind: EndKind, staff_id: int | None, message_id: int | None
) -> WaitValue:
    ended_at = max(ended_at, wait.started_at)  # clocks differ; nobody waits a negative time
    *earlier, last = wait.slices
    last = replace(last, ended_at=max(last.started_at, min(at, ended_at)))
    return replace(
        wait,
        slices=(*earlier, last),
        ended_at=ended_at,
        end_kind=kind,
        answered_by=staff_id,
        ended_by=message_id,
    )


def _recognised(wait: WaitValue, event: Recognised) -> WaitValue:
    if wait.ended_by != event.echo_id:
        return wait
    return replace(wait, ended_by=event.message_id, end_kind=EndKind.HUMAN_REPLY, answered_by=event.staff_id)


def _without(book: _Book, ids: frozenset[int], at: datetime, kind: EndKind) -> None:
    """These wait here no more; the wait ends as `kind` where nobody else is left in it."""
    rest = [s for s in book.waiting if s.message_id not in ids]
    if len(rest) == len(book.waiting):
        return
    if rest and book.open:
        book.waiting = rest
        book.open = _restarted(book.open, rest)
    else:
        _end(book, at, at, kind, None, None)


def _hand_over(book: _Book, event: Owned) -> None:
    book.owner = (event.team_id, event.staff_id)
    if book.open:
        *earlier, last = book.open.slices
        if last.started_at != event.at:  # else they had it for no time at all
            earlier.append(replace(last, ended_at=max(last.started_at, event.at)))
        book.open = replace(book.open, slices=(*earlier, Slice(*book.owner, started_at=event.at)))


def _take_over(book: _Book, event: TookOver) -> None:
    book.echoes += event.echoes
    if not event.waiting:
        return
    book.waiting += event.waiting
    if book.open is None:
        book.open = _begun(book, book.waiting, event.at, event.first_touch_at)
    else:
        touches = [t for t in (book.open.first_touch_at, event.first_touch_at) if t is not None]
        book.open = replace(_restarted(book.open, book.waiting), first_touch_at=min(touches, default=None))


def _receive(book: _Book, event: Received) -> None:
    known = {e.message_id for e in book.echoes}
    book.echoes += [e for e in event.echoes if e.message_id not in known]
    if not event.waiting:
        return
    ids = {s.message_id for s in event.waiting}
    book.waiting = list(event.waiting)
    places = [n for n, w in enumerate(book.done) if w.end_kind is EndKind.MERGED and w.opened_by in ids]
    if places:  # the wait that the merge ended goes on
        wait = _going_on(book, book.done.pop(places[-1]), event.at)
    else:
        wait = _begun(book, book.waiting, event.at, None)
    touches = [t for t in (wait.first_touch_at, event.first_touch_at) if t is not None]
    book.open = replace(wait, first_touch_at=min(touches, default=None))


def _resume(book: _Book, event: Resumed) -> None:
    """The wait that the answer had ended; else the newest that a person ended, of this cycle."""
    if event.answer_id is not None:
        ended = [n for n, w in enumerate(book.done) if w.ended_by == event.answer_id]
    else:
        ended = [n for n, w in enumerate(book.done) if w.cycle == book.cycle and _is_by_hand(w)]
    book.waiting = list(event.waiting)
    book.open = _going_on(book, book.done.pop(ended[-1]), event.at)


def _going_on(book: _Book, wait: WaitValue, at: datetime) -> WaitValue:
    slices = (*wait.slices, Slice(*book.owner, started_at=at))
    wait = replace(wait, slices=slices, ended_at=None, end_kind=None, answered_by=None, ended_by=None)
    return _restarted(wait, book.waiting)


def _is_by_hand(wait: WaitValue) -> bool:
    return wait.ended_by is None and wait.end_kind in BY_HAND
