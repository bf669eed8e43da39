"""`guichet zones`: what a change of a time zone's rules moves, and what it moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from cli.opening import runtime_or_exit
from cli.output import Output, as_table
from guichet.policy import SYSTEM
from guichet.publishing.zone_changes import Move, moves_made, moves_to_come


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far to look back.")
@click.pass_obj
def zones(output: Output, days: int) -> None:
    """Which posts a change of their zone's rules moves, from when to when; they keep their wall time.

    First what the rules installed here would move: the clock follows them within a day of their
    installation. Then what was moved, from the log.
    """
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        now = runtime.now()
        to_come = _rows(moves_to_come(session, SYSTEM, now))
        made = _rows(moves_made(session, SYSTEM, now - timedelta(days=days)))
    parts = [f"To be moved: {len(to_come)}", as_table(to_come), f"Moved in {days} days: {len(made)}", as_table(made)]
    output.done("\n".join(part for part in parts if part), to_come=to_come, made=made)


def _rows(moves: Sequence[Move]) -> list[dict[str, Any]]:
    return [
        {
            "post": move.post_id,
            "zone": move.time_zone,
            "wall time": move.wall_time,
            "was": move.was,
            "is": move.due_at,
            "moved": move.at,
            "says": move.says[:40],
        }
        for move in moves
    ]


COMMANDS = (zones,)
