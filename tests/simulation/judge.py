"""Who judges a schedule: what the networks accepted against what people had asked for. Texts
are the measure: two deliveries with the same words are worth each other, to a network as to
a reader."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from guichet.delivery.engine import Claimed
from guichet.delivery.states import State
from tests.simulation.network import Network

if TYPE_CHECKING:
    from tests.simulation.world import World

AFTER_A_BRAKE = timedelta(seconds=1)  # DESIGN §4 rule 9


class Fault(AssertionError):
    """What must never happen, happened."""


class Judge:
    def __init__(self, networks: Mapping[int, Network]) -> None:
        self._networks = networks
        self._wanted: dict[int, tuple[int, str]] = {}  # delivery: its account and its words now
        self._may_end: set[int] = set()
        self._brakes: dict[str, tuple[int | None, bool, bool, datetime]] = {}

    # -- what people asked for

    def expect(self, delivery_id: int, account_id: int, text: str) -> None:
        self._wanted[delivery_id] = (account_id, text)

    def may_end(self, delivery_id: int) -> None:
        """Somebody gave it up: it need not go out."""
        self._may_end.add(delivery_id)

    def refused(self, delivery_id: int, fate: str) -> None:
        if fate == "refused":
            self.may_end(delivery_id)

    def braked(self, scope: str, scope_id: int | None, posts: bool, answers: bool, now: datetime) -> None:
        since = self._brakes[scope][3] if scope in self._brakes else now
        self._brakes[scope] = (scope_id, posts, answers, since)

    def lifted(self, scope: str) -> None:
        self._brakes.pop(scope, None)

    def brakes_on(self) -> list[str]:
        return list(self._brakes)

    # -- while it goes on

    def started(self, world: World, claimed: Sequence[Claimed]) -> None:
        for one in claimed:
            row = world.delivery(one.id)
            if row.due_at > world.now:
                raise Fault(f"early: {one.id} starts {row.due_at - world.now} before its time")
            if row.deadline_at is not None and row.deadline_at < world.now:
                raise Fault(f"late: {one.id} starts past its deadline")

    def begins(self, world: World, claimed: Claimed) -> None:
        for scope, (scope_id, posts, answers, since) in self._brakes.items():
            covers = scope != "account" or scope_id == claimed.account_id
            stops = answers if claimed.is_answer else posts
            if covers and stops and claimed.kind != "delete" and world.now > since + AFTER_A_BRAKE:
                raise Fault(f"braked: {claimed.id} begins {world.now - since} after a brake on {scope}")

    def count(self) -> None:
        """Nothing may stand on a network more often than it was to be sent."""
        wanted = Counter(self._wanted.values())
        for account_id, network in self._networks.items():
            for text, times in Counter(p.text for p in network.ledger).items():
                if times > wanted[account_id, text]:
                    raise Fault(f"twice: {text!r} is out {times} times and was asked for {wanted[account_id, text]}")

    # -- when all has come to rest

    def conclude(self, deliveries: Sequence[Any]) -> None:
        """Rows and ledgers say the same, and nobody is forgotten."""
        for delivery in deliveries:
            if delivery.predecessor_id in self._may_end:
                self.may_end(delivery.id)  # it went with the one before
            if delivery.state not in (State.PUBLISHED, State.CANCELLED, State.FAILED):
                raise Fault(f"stuck: {delivery.id} ({delivery.kind}) is {delivery.state}: {delivery.reason_code}")
            if delivery.state != State.PUBLISHED and delivery.kind != "delete" and delivery.id not in self._may_end:
                raise Fault(f"lost: {delivery.id} is {delivery.state}, and nobody gave it up")
        self._compare(deliveries)

    def _compare(self, deliveries: Sequence[Any]) -> None:
        out: dict[int, Counter[str]] = defaultdict(Counter)
        for account_id, network in self._networks.items():
            out[account_id] = Counter(p.text for p in network.ledger if not p.is_deleted)
        taken_down = {d.target_remote_id for d in deliveries if d.kind == "delete" and d.state == State.PUBLISHED}
        said: dict[int, Counter[str]] = defaultdict(Counter)
        for delivery in deliveries:
            if delivery.state == State.PUBLISHED and delivery.kind != "delete":
                posts = {p.remote_id: p for p in self._networks[delivery.account_id].ledger}
                if delivery.remote_id not in posts or posts[delivery.remote_id].text != delivery.payload["text"]:
                    raise Fault(f"falsely published: {delivery.id} as {delivery.remote_id}")
                if delivery.remote_id not in taken_down:
                    said[delivery.account_id][delivery.payload["text"]] += 1
        for account_id, texts in out.items():
            if texts != said[account_id]:
                raise Fault(f"rows say {dict(said[account_id])} and the network has {dict(texts)}")
