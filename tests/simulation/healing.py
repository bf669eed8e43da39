"""The end of every schedule: the world heals, time goes on, and all must come to the right end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from guichet.delivery.states import FINAL, State
from tests.simulation.world import World

ROUNDS = 120  # more than any schedule needs


def come_to_rest(world: World) -> None:
    """Mend what is broken, let time pass until nothing changes any more, and judge. Raises
    judge.Fault."""
    world.entitle_all()
    for scope in world.judge.brakes_on():
        world.lift(scope, "send")
    for _ in range(ROUNDS):
        rows = world.deliveries()
        is_coming = any(network.is_anything_coming() for network in world.networks.values())
        if not is_coming and all(row.state in FINAL for row in rows):
            break
        _give_up_what_waits_in_vain(world, rows)
        _go_on(world, {row.state for row in rows})
    world.judge.conclude(world.deliveries())


def _go_on(world: World, states: set[str]) -> None:
    world.tick()
    if states & {State.CLAIMED, State.SENDING}:
        world.take_over()
    for n in (0, 1):
        world.a_worker(n).work("accepted")
    world.reconcile()
    if State.NEEDS_HUMAN in states:
        world.decide_all()
    moment = world.next_moment()
    world.pass_time(moment - world.now if moment else timedelta(seconds=30))


def _give_up_what_waits_in_vain(world: World, rows: Sequence[Any]) -> None:
    """What stands behind something that will never be out."""
    states = {row.id: row.state for row in rows}
    for row in rows:
        if row.state == State.BLOCKED and states[row.predecessor_id] in (State.FAILED, State.CANCELLED):
            world.cancel(row.id)
