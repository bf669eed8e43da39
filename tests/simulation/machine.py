"""Schedules: anything that may happen, in any order, at any time; then the world heals, time
goes on, and everything must have come to the right end."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from guichet.delivery import operations
from guichet.delivery.states import State
from tests.simulation.healing import come_to_rest
from tests.simulation.network import SPECS
from tests.simulation.worker import FATES
from tests.simulation.world import Company, World, found_company

SPANS = tuple(timedelta(seconds=s) for s in (0.5, 1.5, 6, 30, 61, 180, 1300))
MOST = 4  # deliveries of a schedule

networks = st.sampled_from(tuple(SPECS))
workers = st.integers(0, 1)
which = st.integers(0, MOST - 1)
commits = st.integers(0, 9).map(bool)  # one commit of ten fails
fates = st.sampled_from(FATES)
scopes = st.sampled_from(("all", "brand", "account"))


@cache
def company() -> Company:
    return found_company()


class Schedules(RuleBasedStateMachine):
    """One run is one schedule."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(company())
        self.planned: list[int] = []

    def teardown(self) -> None:
        try:
            come_to_rest(self.world)
        finally:
            self.world.end()

    # -- people

    @initialize(network=networks, seconds=st.sampled_from((0, 1, 30)))
    def begin(self, network: str, seconds: int) -> None:
        self.planned.append(self.world.plan(network, "good morning", timedelta(seconds=seconds)))

    @precondition(lambda self: len(self.planned) < MOST)
    @rule(
        network=networks, text=st.sampled_from(("good morning", "sold out")), seconds=st.sampled_from((0, 1, 30, 600)),
        is_answer=st.booleans(), late_limit=st.sampled_from((None, None, 60)), behind=st.none() | which,
    )  # fmt: skip
    def plan(self, network: str, text: str, seconds: int, behind: int | None, **more: Any) -> None:
        if behind is None:
            self.planned.append(self.world.plan(network, text, timedelta(seconds=seconds), **more))
        else:
            before = self._pick(behind)
            self.planned.append(self.world.plan(self.world.network_of(before), "and more", timedelta(0), behind=before))

    @rule(n=which, what=st.sampled_from(("cancel", "edit", "tomorrow", "in a moment")))
    def change(self, n: int, what: str) -> None:
        chosen = self._pick(n)
        if what == "cancel":
            self.world.cancel(chosen)
        elif what == "edit":
            self.world.edit(chosen, f"better {n}")
        else:
            later = timedelta(days=1) if what == "tomorrow" else timedelta(seconds=5)
            self.world.act(operations.reschedule, chosen, self.world.now + later)

    @precondition(lambda self: any(row.state == State.NEEDS_HUMAN for row in self.world.deliveries()))
    @rule()
    def decide(self) -> None:
        self.world.decide_all()

    @precondition(lambda self: not self.world.judge.brakes_on())
    @rule(scope=scopes, what=st.sampled_from(("posts", "answers", "both")))
    def brake(self, scope: str, what: str) -> None:
        self.world.pull(scope, what != "answers", what != "posts")

    @precondition(lambda self: self.world.judge.brakes_on())
    @rule(otherwise=st.sampled_from(("send", "drop")))
    def lift(self, otherwise: str) -> None:
        self.world.lift(self.world.judge.brakes_on()[0], otherwise)

    @rule(network=st.none() | networks, holds=st.booleans())
    def entitle(self, network: str | None, holds: bool) -> None:
        """The author's right (None), or the sign-in of an account."""
        if network is None:
            self.world.set_right(holds)
        else:
            self.world.set_connected(network, holds)

    # -- processes

    @rule(span=st.sampled_from(SPANS))
    def wait(self, span: timedelta) -> None:
        self.world.pass_time(span)

    @rule(span=st.sampled_from(SPANS))
    def wait_and_tick(self, span: timedelta) -> None:
        self.world.pass_time(span)
        self.world.tick()

    @rule(n=workers, steps=st.lists(st.tuples(fates, commits), min_size=1, max_size=5))
    def work(self, n: int, steps: list[tuple[str, bool]]) -> None:
        worker = self.world.a_worker(n)
        for fate, does_commit in steps:
            worker.step(fate, does_commit)

    @rule(n=workers, fate=fates)
    def work_through(self, n: int, fate: str) -> None:
        self.world.a_worker(n).work(fate)

    @rule(n=workers, is_over=st.booleans())
    def hurt(self, n: int, is_over: bool) -> None:
        """Kill a worker; or the database forgets its lock (it crashed, the line broke), and it lives on."""
        worker = self.world.a_worker(n)
        if is_over:
            worker.die()
        else:
            worker.has_lock = False

    @rule()
    def take_over(self) -> None:
        self.world.take_over()

    @rule(readable=st.integers(0, 3).map(bool), does_commit=commits)
    def reconcile(self, readable: bool, does_commit: bool) -> None:
        self.world.reconcile(readable, does_commit)

    # -- the end

    def _pick(self, n: int) -> int:
        return self.planned[n % len(self.planned)]


def run(settings: Any, number: int = 0) -> None:
    """Play as many schedules as `settings` say, those of a seed; raises judge.Fault with a
    short one that fails."""

    class Seeded(Schedules):  # a seed is kept with the class
        pass

    seed(number)(Seeded)
    run_state_machine_as_test(Seeded, settings=settings)
