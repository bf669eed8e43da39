"""Comparing one account's timeline with our rows: reads, and leaves what differs for a person."""

from __future__ import annotations

import structlog

from channels.contract import InboundKind, Lister, Rechecker, Timeline
from channels.errors import AuthExpired, ChannelError
from guichet.comparing import operations as comparing
from guichet.comparing import queries
from guichet.comparing.rules import MARGIN, MOST_CONFIRMED, Stretch
from guichet.models import Account
from guichet.policy import SYSTEM
from workers.desks import connect, open_reconciler
from workers.runtime import Process, current

log = structlog.get_logger(__name__)


def compare(account_id: int) -> None:
    """Compare, if it is the account's turn."""
    process = current()
    runtime = process.runtime
    with runtime.unit() as unit:
        account = unit.session.get_one(Account, account_id)
        spec = process.networks.spec(account.network)
        asked = comparing.begin(unit.session, SYSTEM, account, spec, runtime.now())
    if asked is None:
        return
    try:
        _, lister = open_reconciler(process, account_id)
        if not isinstance(lister, Lister):
            with runtime.unit() as unit:
                account = unit.session.get_one(Account, account_id)
                comparing.note_unlisted(unit.session, SYSTEM, account, runtime.now())
            return
        timeline = lister.list_since(asked.read_since - MARGIN, asked.most)
        gone = _confirmed(process, account_id, asked, timeline)
    except ChannelError as e:
        with runtime.unit() as unit:
            account = unit.session.get_one(Account, account_id)
            comparing.note_failed(unit.session, SYSTEM, account, e, runtime.now())
        log.info("not_compared", account=account_id, code=e.code, sign_in=isinstance(e, AuthExpired))
        return
    finally:
        process.write_down()
    with runtime.unit() as unit:
        account = unit.session.get_one(Account, account_id)
        new = comparing.note_compared(unit.session, SYSTEM, account, asked, timeline, gone, runtime.now())
        found = [(d.kind, d.code, d.remote_id) for d in new]
    log.info("compared", account=account_id, read=len(timeline.standing), complete=timeline.is_complete)
    for kind, code, remote_id in found:
        log.warning("timeline_differs", account=account_id, kind=kind, code=code, remote_id=remote_id)


def _confirmed(process: Process, account_id: int, asked: Stretch, timeline: Timeline) -> frozenset[str]:
    """Which of those that the timeline does not show are gone: where the network can be asked
    about each by itself, it is. What is too much for one day is left for a person to see anyway."""
    with process.runtime.reading() as session:
        account = session.get_one(Account, account_id)
        is_rehearsal = account.is_rehearsal
        missing = [f.remote_id for f in queries.absences(session, account, asked, timeline)]
    if not missing:
        return frozenset()
    connection = connect(process, account_id)
    reader = process.networks.reader(connection, is_rehearsal)
    if not isinstance(reader, Rechecker):
        return frozenset(missing)
    some, rest = missing[:MOST_CONFIRMED], missing[MOST_CONFIRMED:]
    told = [inbound for item in reader.recheck(some) for inbound in reader.parse(item)]
    return frozenset(rest) | {inbound.remote_id for inbound in told if inbound.kind is InboundKind.DELETION}
