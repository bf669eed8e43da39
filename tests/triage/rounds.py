"""A process that applies the rules in time, round after round, until nothing is left to do.

    python -m tests.triage.rounds DATABASE_URL NOW [KILLED_AT]

`KILLED_AT`: it is ended by kill -9 before it keeps its firing of this number: in the middle of a lot,
with a transaction open.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from datetime import datetime

from sqlalchemy import event

from guichet.db.engine import open_engine
from guichet.policy import SYSTEM
from guichet.triage import elapsed
from guichet.unit import open_reading, open_unit


def main(url: str, now: datetime, killed_at: int) -> None:
    engine = open_engine(url)
    firings = itertools.count(1)

    @event.listens_for(engine, "before_cursor_execute")
    def strike(connection: object, cursor: object, statement: str, *rest: object) -> None:
        number = next(firings) if statement.startswith("INSERT INTO rule_firing") else 0
        if number == 1:
            print("acting", flush=True)
        if number and number == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    print("ready", flush=True)
    sys.stdin.readline()
    while True:
        with open_reading(engine) as session:
            lots = elapsed.list_lots(session, SYSTEM, now)
        if not lots:
            break
        for lot in lots:
            with open_unit(engine) as unit:
                elapsed.take_lot(unit.session, SYSTEM, lot, now)


if __name__ == "__main__":
    main(sys.argv[1], datetime.fromisoformat(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
