"""Finding the truth about sends of unknown outcome. Reads only; what it cannot tell, a
person is asked, with what was seen."""

from __future__ import annotations

import structlog

from channels.contract import Draft, Looked, Reconciler
from channels.errors import ChannelError
from channels.sentences import say
from guichet.db.dialect import database_now
from guichet.delivery import doubts, rules, takeover
from guichet.delivery.doubts import Case
from guichet.delivery.operations import take_down
from guichet.delivery.payload import thaw
from guichet.delivery.rules import Verdict
from guichet.delivery.states import State
from guichet.jobs import DRAIN
from guichet.models import Account, Delivery
from guichet.policy import SYSTEM
from guichet.receiving.operations import follow_delivery
from workers.desks import open_reconciler
from workers.runtime import Process, current

log = structlog.get_logger(__name__)

MOST_READINGS = 3  # at once, of an account where more goes out all the while


def look() -> None:
    """Look at every doubt whose time has come."""
    process = current()
    worker_id = process.living().worker_id
    _take_back(process, worker_id)
    while not process.stopping.is_set():
        with process.runtime.engine.begin() as connection:
            now = database_now(connection)
            if not process.clock.agrees(now):  # an absence counts by the time at which it was seen
                return
            cases = doubts.take_cases(connection, worker_id, now)
        if not cases:
            return
        for case in cases:
            _look_at(process, case)


def _take_back(process: Process, worker_id: str) -> None:
    """What this worker took up and then let fall, since the database was away or the clock was
    wrong: nobody else would look before its lease is over."""
    with process.runtime.engine.begin() as connection:
        now = database_now(connection)
        if process.clock.agrees(now):
            takeover.recover(connection, worker_id, now)


def _look_at(process: Process, case: Case) -> None:
    result, verdict, counts = "error", None, False
    try:
        spec, reconciler = open_reconciler(process, case.account_id)
        if reconciler is None:
            verdict = rules.cannot_look(say("this network cannot be asked what became of it"))
        else:
            looked = _ask(process, reconciler, case)
            now = process.runtime.now()
            verdict = rules.after_look(spec, case.doubt, looked, now)
            result, counts = _name_of(looked), rules.counts(spec, case.doubt, now)
    except ChannelError as e:
        verdict = rules.after_look_failed(case.doubt, e, process.runtime.now())
    process.write_down()
    _write(process, case, result, verdict, counts)


def _ask(process: Process, reconciler: Reconciler, case: Case) -> Looked:
    """What the network shows. A near match says something only if nothing else of ours was sent
    or found in the meantime: it may be just that."""
    draft = thaw(case.payload, process.runtime.store)
    company = _company_of(process, case)
    for _ in range(MOST_READINGS):
        known, others = company
        looked = reconciler.look(draft, case.prepared, case.key, case.started_at, known, others)
        if not looked.candidates:
            return looked
        company = _company_of(process, case)
        if company == (known, others):
            return looked
    return Looked(evidence={**looked.evidence, "restless": True})


def _company_of(process: Process, case: Case) -> tuple[frozenset[str], list[Draft]]:
    """What else of ours may stand there: ids that are known, drafts whose ids are not."""
    with process.runtime.reading() as session:
        connection = session.connection()
        known, payloads = doubts.known_ids(connection, case), doubts.unplaced(connection, case)
    return known, [thaw(payload, process.runtime.store) for payload in payloads]


def _name_of(looked: Looked) -> str:
    if looked.found is not None:
        return "found"
    if looked.candidates:
        return "near"
    return "absent" if looked.absent else "undecided"


def _write(process: Process, case: Case, result: str, verdict: Verdict, counts: bool) -> None:
    with process.runtime.unit() as unit:
        session = unit.session
        connection = session.connection()
        now = database_now(connection)
        if not process.clock.agrees(now):
            return  # it is looked for again when its lease is over
        if not doubts.record_look(connection, case, result, verdict, now, counts):
            return
        log.info("looked", delivery=case.delivery_id, result=result, state=str(verdict.state))
        delivery = session.get_one(Delivery, case.delivery_id)
        if delivery.state == State.PUBLISHED and delivery.withdraw:
            take_down(session, SYSTEM, delivery, session.get_one(Account, case.account_id), now)
        if case.is_answer:
            follow_delivery(session, SYSTEM, delivery, now)
        if delivery.state in (State.DUE, State.PUBLISHED):
            unit.enqueue(DRAIN)
