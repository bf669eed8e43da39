"""A sending process as workers.deliver is one, step by step, so that it can die between any
two. What it decides it asks of guichet.delivery; what is here is only what it remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from channels.contract import Receipt, Recovery
from channels.errors import AuthExpired, ChannelError, Gone, OutcomeUnknown, RateLimited, Rejected, Unavailable
from guichet.delivery import engine, repeating, rules
from guichet.delivery.engine import Claimed, Start
from guichet.delivery.rules import Verdict
from guichet.delivery.settling import Result, settle
from guichet.delivery.states import State
from tests.simulation.network import Coming, Network

if TYPE_CHECKING:
    from tests.simulation.world import World

# What may become of a request, and whether (and when) the network accepts it.
SLOW = timedelta(seconds=60)  # as long as a call may take (channels.wire)
FATES = ("accepted", "refused", "unreachable", "limited", "revoked", "lost", "silent", "late", "slow", "slow and late")


@dataclass
class Call:
    """A request under way: what its reply will be, and when."""

    start: Start
    ends_at: datetime
    verdict: Verdict | None
    error: ChannelError | None = None
    coming: Coming | None = None


@dataclass
class Worker:
    world: World
    name: str
    is_alive: bool = True
    has_lock: bool = True
    claimed: list[Claimed] = field(default_factory=list)
    started: list[tuple[Start, datetime]] = field(default_factory=list)
    under_way: list[Call] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def is_busy(self) -> bool:
        return bool(self.claimed or self.started or self.under_way or self.results)

    def rename(self, name: str) -> None:
        self.name, self.has_lock = name, True

    def die(self) -> None:
        """kill -9. Its requests end here, and may still arrive for as long as a network may take."""
        self.is_alive = False
        for call in self.under_way:
            if call.coming is not None:
                latest = self.world.networks[call.start.claimed.account_id].spec.latest_arrival
                call.coming.at = min(call.coming.at, self.world.now + latest)

    def step(self, fate: str, commits: bool = True) -> None:
        """The next thing that it would do. Where the database does not commit, it knows."""
        if self.results:
            self._settle(commits)
        elif any(c.ends_at <= self.world.now for c in self.under_way):
            self._hear()
        elif self.started:
            self._send(fate)
        elif self.claimed:
            self._start(commits)
        elif not self.under_way:
            self._claim(commits)

    def work(self, fate: str) -> None:
        """Go on until there is nothing to do at this moment."""
        self.step(fate)
        while self.claimed or self.started or self.results or any(c.ends_at <= self.world.now for c in self.under_way):
            self.step(fate)

    def _claim(self, commits: bool) -> None:
        if not self.has_lock:
            return
        with self.world.transaction(commits) as connection:
            claimed = engine.claim(connection, self.name, 10, self.world.now)
        if commits:
            self.claimed = sorted(claimed, key=lambda c: c.id)

    def _start(self, commits: bool) -> None:
        world = self.world
        wishes = [wish for c in self.claimed if (wish := self._prepare(c)) is not None]
        with world.transaction(commits) as connection:
            granted = engine.start(connection, self.name, wishes, world.now, world.lock_of(self))
        if commits:
            self.claimed = []
            self.started = [(w, world.now) for w in wishes if w.claimed.id in granted]
            world.judge.started(world, [w.claimed for w, _ in self.started])

    def _prepare(self, claimed: Claimed) -> Start | None:
        spec = self.world.networks[claimed.account_id].spec
        if claimed.kind == "delete":
            return Start(claimed, "", {})
        if rules.repeats_key(spec, claimed.key, claimed.key_first_used_at, self.world.now):
            return Start(claimed, claimed.key, claimed.prepared or {})
        if claimed.is_repeat:  # it may be out, and its key has ended
            with self.world.transaction() as connection:
                repeating.reopen(connection, [claimed.id], self.world.now)
            return None
        key = f"key-{claimed.id}-{claimed.fence}" if spec.recovery is Recovery.KEYED else ""
        return Start(claimed, key, {"text": claimed.payload["text"]})

    def _send(self, fate: str) -> None:
        wish, asked_at = self.started.pop(0)
        if not rules.start_holds(self.world.now - asked_at):
            self.under_way.append(Call(wish, self.world.now, rules.NOT_BEGUN))
            return
        self.world.judge.begins(self.world, wish.claimed)
        self.under_way.append(_request(self.world, wish, fate))

    def _hear(self) -> None:
        now = self.world.now
        for call in [c for c in self.under_way if c.ends_at <= now]:
            self.under_way.remove(call)
            claimed, spec = call.start.claimed, self.world.networks[call.start.claimed.account_id].spec
            verdict = call.verdict
            if verdict is None:
                assert call.error is not None
                verdict = rules.after_error(
                    call.error, kind=claimed.kind, is_reply=claimed.is_reply, tries=claimed.tries + 1, now=now
                )
            look_at = rules.first_look_at(spec, now) if verdict.state is State.UNKNOWN else None
            result = Result(
                claimed.id, claimed.account_id, claimed.fence, claimed.kind, claimed.due_at, verdict, now,
                first_look_at=look_at, post_id=claimed.post_id,
            )  # fmt: skip
            result = Result(
                claimed.id, claimed.account_id, claimed.fence, claimed.kind, claimed.due_at, verdict, now,
                first_look_at=look_at, post_id=claimed.post_id,
            )  # fmt: skip
            self.results.append(result)

    def _settle(self, commits: bool) -> None:
        with self.world.transaction(commits) as connection:
            settle(connection, self.results, self.world.now)
        if commits:
            self.results = []


def _request(world: World, wish: Start, fate: str) -> Call:
    """What the network makes of it."""
    claimed, now = wish.claimed, world.now
    network = world.networks[claimed.account_id]
    errors: dict[str, ChannelError] = {
        "refused": Rejected("no"), "unreachable": Unavailable("no route"), "revoked": AuthExpired("revoked"),
        "limited": RateLimited("slow down", retry_at=now + timedelta(minutes=20)),
    }  # fmt: skip
    if fate in errors:
        world.judge.refused(claimed.id, fate)
        return Call(wish, now, None, errors[fate])
    takes = SLOW if fate.startswith("slow") else timedelta(0)
    if claimed.kind == "delete":
        return _deletion(network, wish, fate, now + takes)
    target = claimed.payload["reply_to"]
    reply_to = target["remote_id"] if target else ""
    text = wish.prepared["text"]
    if fate == "accepted":
        receipt = network.receipt(text, reply_to, wish.key, now, timedelta(0))
        world.judge.count()
        return Call(wish, now, rules.after_receipt(receipt))
    call = Call(wish, now + takes, None, OutcomeUnknown("no answer"))
    if fate != "lost":
        after = network.spec.latest_arrival if fate.endswith("late") else timedelta(0)
        call.coming = network.take(text, reply_to, wish.key, now + takes + after, network.spec.read_lag)
        network.come_to(now)
        world.judge.count()
    return call


def _deletion(network: Network, wish: Start, fate: str, ends_at: datetime) -> Call:
    target = wish.claimed.target_remote_id or ""
    if fate != "lost":
        try:
            network.delete(target)
        except Gone as e:
            return Call(wish, ends_at, None, e)
    if fate == "accepted":
        return Call(wish, ends_at, rules.after_receipt(Receipt(target)))
    return Call(wish, ends_at, None, OutcomeUnknown("no answer"))
