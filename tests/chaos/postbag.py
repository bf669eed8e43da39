"""Who judges receiving: what customers wrote, by the networks' own word, against what stands
in the inbox and what was said to the networks about it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import models as m


@dataclass(frozen=True)
class Said:
    """One thing that a customer wrote. `place`: what they wrote it in, with the account's name;
    all of one place belongs into one conversation."""

    remote_id: str
    place: str


@dataclass
class Postbag:
    """What customers wrote, in their order, and what they took back; `handed_over` are the keys
    of the deliveries that a network was told to be kept."""

    said: list[Said] = field(default_factory=list)
    withdrawn: set[str] = field(default_factory=set)
    handed_over: set[str] = field(default_factory=set)

    def add(self, remote_id: str, place: str) -> None:
        self.said.append(Said(remote_id, place))


@dataclass(frozen=True)
class Heard:
    """One message of a customer as it stands, in the order that a conversation shows."""

    remote_id: str
    conversation_id: int
    remote_at: datetime
    is_gone: bool


@dataclass(frozen=True)
class Inbox:
    """What stands in our rows. `kept`: how often a delivery was kept, by its key; `left`: the
    states of what was not understood; `waiting`: since when somebody waits, by conversation."""

    heard: Sequence[Heard]
    kept: Mapping[str, int]
    left: Sequence[str]
    waiting: Mapping[int, datetime | None]


@dataclass
class Findings:
    """What is wrong, in words; empty when all is well."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)  # though it was taken back
    unkept: list[str] = field(default_factory=list)  # a network was told that it is kept
    undigested: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)  # since when they wait

    def is_clean(self) -> bool:
        return not self.names()

    def names(self) -> set[str]:
        return {f.name for f in fields(self) if getattr(self, f.name)}


def judge(bag: Postbag, inbox: Inbox) -> Findings:
    """Compare. Everything in the postbag is of customers; nothing in it was answered."""
    expected = {one.remote_id: (number, one.place) for number, one in enumerate(bag.said)}
    times = Counter(one.remote_id for one in inbox.heard)
    found = Findings(
        lost=[i for i in expected if i not in times],
        doubled=[i for i, n in times.items() if n > 1] + [k for k, n in inbox.kept.items() if n > 1],
        invented=[i for i in times if i not in expected],
        standing=[one.remote_id for one in inbox.heard if one.remote_id in bag.withdrawn and not one.is_gone],
        unkept=sorted(bag.handed_over - set(inbox.kept)),
        undigested=list(inbox.left),
    )
    by_conversation: dict[int, list[Heard]] = defaultdict(list)
    for one in inbox.heard:
        if one.remote_id in expected:
            by_conversation[one.conversation_id].append(one)
    homes: dict[str, set[int]] = defaultdict(set)
    for id_, messages in by_conversation.items():
        places = {expected[one.remote_id][1] for one in messages}
        for place in places:
            homes[place].add(id_)
        if len(places) > 1:
            found.astray.append(f"conversation {id_} holds {sorted(places)}")
        numbers = [expected[one.remote_id][0] for one in messages]
        if numbers != sorted(numbers):
            found.disordered.append(f"conversation {id_}: {numbers}")
        since = min((one.remote_at for one in messages if not one.is_gone), default=None)
        if inbox.waiting.get(id_) != since:
            found.miscounted.append(f"conversation {id_}: since {inbox.waiting.get(id_)}, not {since}")
    found.astray += [f"{place} lies in {sorted(ids)}" for place, ids in homes.items() if len(ids) > 1]
    return found


def look(session: Session, streams: Collection[str] = ("webhook",)) -> Inbox:
    """What stands there now. Deliveries are counted in these streams, by their content."""
    columns = (m.Message.remote_id, m.Message.conversation_id, m.Message.remote_at, m.Message.deleted_at)
    said = select(*columns).where(m.Message.direction == "in").order_by(m.Message.sort_at, m.Message.id)
    kept: Counter[str] = Counter()
    for (body,) in session.execute(select(m.RawItem.body).where(m.RawItem.stream.in_(streams))):
        kept[key_of(body)] += 1
    left = session.scalars(select(m.RawItem.state).where(m.RawItem.state != "done"))
    waiting = {c.id: c.waiting_since for c in session.execute(select(m.Conversation.id, m.Conversation.waiting_since))}
    return Inbox(
        [Heard(str(i), c, at, gone is not None) for i, c, at, gone in session.execute(said)], kept, list(left), waiting
    )


def key_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
