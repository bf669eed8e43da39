"""What is decided about one answer to many: which wording goes where, who is left out, and when
each goes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.sentences import say
from guichet.errors import Invalid
from guichet.inbox.states import State

MOST_ROWS = 500
MOST_VARIANTS = 10
LONGEST = 10_000  # code points of a wording
PACES = (1, 60)  # answers a minute on each account
# So many on one account may whoever answers there send at once; more are a publication.
MOST_BY_AGENTS = 50
LOT = 25  # rows planned in one transaction

_FINISHED = (State.RESOLVED, State.CLOSED, State.SPAM)


@dataclass(frozen=True)
class Facts:
    """How a conversation stands for whoever would answer. `place`: it is the n-th on its account,
    from 0. `writer`: the name of somebody else who writes there now. `lacks`: what must be filled in
    before it is closed, as a sentence, where it would be."""

    may_answer: bool
    may_publish: bool
    place: int
    state: str
    is_merged: bool = False
    is_blocked: bool = False
    is_pooled: bool = False
    has_pending: bool = False
    is_held: bool = False
    writer: str = ""
    has_newer: bool = False
    lacks: str = ""


def exclusion(facts: Facts) -> tuple[str, str] | None:
    """Why this one gets no answer: a stable name and the sentence for people. None: it gets one."""
    for name, holds, reason in (
        ("no_right", not facts.may_answer, say("you may not answer on this account")),
        ("merged", facts.is_merged, say("this conversation was merged into another")),
        ("finished", facts.state in _FINISHED, say("it is resolved, closed or spam")),
        ("blocked", facts.is_blocked, say("this customer is blocked")),
        ("pooled", facts.is_pooled, say("it is with experts")),
        ("newer", facts.has_newer, say("something was written here since you looked")),
        ("pending", facts.has_pending, say("an answer already waits here")),
        ("held", facts.is_held, say("somebody else has this conversation")),
        ("fields_lacking", bool(facts.lacks), facts.lacks),
        ("writing", bool(facts.writer), say("{name} is writing here", name=facts.writer)),
        (
            "too_many",
            facts.place >= MOST_BY_AGENTS and not facts.may_publish,
            say("more than {most} at once on an account take the right to publish there", most=MOST_BY_AGENTS),
        ),
    ):
        if holds:
            return name, reason
    return None


def checked_variants(variants: Sequence[str]) -> list[str]:
    """Raises Invalid naming the wording that will not do; an empty one is kept while it is written."""
    if not 1 <= len(variants) <= MOST_VARIANTS:
        raise Invalid(
            "an answer to many has some wordings",
            {"variants": say("must be from 1 to {most}", most=MOST_VARIANTS)},
        )
    wrong = {
        f"variants.{n}": say("must have at most {most} characters", most=LONGEST)
        for n, text in enumerate(variants) if len(text) > LONGEST
    }  # fmt: skip
    if wrong:
        raise Invalid("an answer to many has some wordings", wrong)
    return [text.strip() for text in variants]


def checked_pace(pace: int) -> int:
    least, most = PACES
    if not least <= pace <= most:
        raise Invalid("that is no pace", {"pace": say("must be from {least} to {most}", least=least, most=most)})
    return pace


def deal(account_ids: Sequence[int], variants: int) -> list[int]:
    """Which variant each row gets, so that each account gives all of them out in turn."""
    given: Counter[int] = Counter()
    dealt = []
    for account_id in account_ids:
        dealt.append(given[account_id] % max(1, variants))
        given[account_id] += 1
    return dealt


def times(pace: int, last: datetime | None, first: datetime, n: int) -> list[datetime]:
    """When the next `n` answers on an account go: none before `first`, and each a step behind the
    one before, beginning behind `last`, which was planned there already."""
    step = timedelta(seconds=60 / pace)
    begin = first if last is None else max(first, last + step)
    return [begin + step * i for i in range(n)]


def most_alike(said: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Of (network, text): on which network the same text would be read several times, and how often."""
    most: dict[str, int] = {}
    for (network, _), n in Counter(said).items():
        if n > 1:
            most[network] = max(n, most.get(network, 0))
    return most
