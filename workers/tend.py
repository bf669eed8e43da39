"""The `tend` queue: what has to be looked after now and then. Each task is small, may run
twice and stands alone: one that fails is logged and does not keep the others from running."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import or_, select

from channels.errors import AuthExpired, ChannelError
from guichet import audit
from guichet.accounts import operations as accounts
from guichet.accounts.queries import find_due_refreshes, kept_at
from guichet.comparing import operations as comparing
from guichet.db.dialect import database_now
from guichet.delivery import takeover
from guichet.delivery.awaiting import hold_without_film, note_waiting
from guichet.delivery.life import seized
from guichet.evergreen import filling
from guichet.inbox import operations as inbox
from guichet.inbox import retention
from guichet.inbox.pending import follow_zones
from guichet.jobs import CHECK_ACCOUNT, COMPARE, DRAIN
from guichet.models import Account
from guichet.policy import SYSTEM
from guichet.publishing import approving, previewing, zones
from guichet.publishing.carrying_over import carry_over
from guichet.publishing.rules import due_time
from guichet.receiving import operations as receiving
from guichet.receiving import refusals
from guichet.replying import operations as replying
from guichet.staff import entry
from guichet.triage import elapsed
from guichet.triage.assignment import assign_teams
from workers.desks import connect, is_refused_again, renew
from workers.runtime import Process, current
from workers.staging import discard_leftovers
from workers.timekeeping import zones_installed

log = structlog.get_logger(__name__)

CHECK_EVERY = timedelta(hours=6)
FORGET_EVERY = 3600.0  # seconds
FORGOTTEN_LOTS = 5  # of one brand in one round


def tend() -> None:
    """All of it, once."""
    process = current()
    for task in TASKS:
        if process.stopping.is_set():
            return
        try:
            task(process)
        except Exception:
            log.exception("tending_failed", task=task.__name__)
    process.write_down()


def take_over_from_the_dead(process: Process) -> None:
    """Rows of workers whose life lock is free go back to the queue, or are looked for."""
    runtime = process.runtime
    with runtime.reading() as session:
        suspects = takeover.suspects(session.connection())
    for worker_id, lock_key in suspects:
        with (
            runtime.engine.connect() as connection,
            seized(connection, runtime.settings.data_dir, lock_key) as is_dead,
        ):
            if not is_dead:
                continue
            now = database_now(connection)
            if not process.clock.agrees(now):  # what is in doubt from now on is settled by this time
                return
            claimed, started = takeover.take_over(connection, worker_id, now)
            connection.commit()  # while the lock is still ours: nobody else takes over beside us
        log.info("took_over", worker=worker_id, claimed=claimed, started=started)
        if claimed or started:
            runtime.wake(DRAIN, {})


def follow_answers(process: Process) -> None:
    """Conversations whose answer settled without their knowing."""
    with process.runtime.unit() as unit:
        receiving.follow_settled(unit.session, SYSTEM, process.runtime.now())


def look_after_conversations(process: Process) -> None:
    """Claims lapse, snoozes and other waiting end, what is resolved long ago is closed, what was taken back goes,
    queues are shared out; what people were told long ago is forgotten."""
    for operation in (
        inbox.expire_leases,
        inbox.return_untouched,
        inbox.wake_snoozed,
        inbox.remind,
        inbox.close_old,
        receiving.catch_up,
        refusals.forget_old,
        assign_teams,
        inbox.forget_old_notices,
        replying.forget_old_drafts,
        receiving.forget_old_paces,
    ):
        with process.runtime.unit() as unit:
            operation(unit.session, SYSTEM, process.runtime.now())


def apply_rules_in_time(process: Process) -> None:
    """Rules that act after a time: lot by lot, so many in a round, the oldest first. One that fails
    does not keep the others from acting."""
    with process.runtime.reading() as session:
        lots = elapsed.list_lots(session, SYSTEM, process.runtime.now())
    acted = 0
    for lot in lots:
        for _ in range(elapsed.MOST_LOTS):
            if acted >= elapsed.MOST_ACTS or process.stopping.is_set():
                return
            try:
                with process.runtime.unit() as unit:
                    looked, done = elapsed.take_lot(unit.session, SYSTEM, lot, process.runtime.now())
            except Exception:
                log.exception("rule_failed", rule=lot.rule_id)
                break
            acted += done
            if not looked:
                break


def note_who_is_gone(process: Process) -> None:
    """Nobody is given work who has no window open."""
    with process.runtime.unit() as unit:
        entry.note_absent(unit.session, SYSTEM, process.runtime.now())


def forget_old_keys(process: Process) -> None:
    with process.runtime.unit() as unit:
        entry.forget_old_keys(unit.session, SYSTEM, process.runtime.now())


def forget_previews(process: Process) -> None:
    """What pages said of themselves lasts a day, their pictures a week where no post shows them."""
    with process.runtime.unit() as unit:
        keys = previewing.forget_previews(unit.session, SYSTEM, process.runtime.now())
    for key in keys:
        process.runtime.store.delete(key)


def forget_mail_pictures(process: Process) -> None:
    """What was loaded for mails is kept for a week."""
    with process.runtime.unit() as unit:
        keys = receiving.forget_pictures(unit.session, SYSTEM, process.runtime.now())
    for key in keys:
        process.runtime.store.delete(key)


def forget_what_is_old(process: Process) -> None:
    """What brands keep no longer, some at a time; an hour after nothing was left it is looked again."""
    if time.monotonic() < process.parts.get("forget_at", 0.0):
        return
    with process.runtime.reading() as session:
        brands = retention.brands_that_forget(session, SYSTEM)
    has_more = False
    for brand_id in brands:
        for _ in range(FORGOTTEN_LOTS):
            if process.stopping.is_set():
                return
            with process.runtime.unit() as unit:
                forgotten, keys = retention.forget_lot(unit.session, SYSTEM, brand_id, process.runtime.now())
            for key in keys:
                process.runtime.store.delete(key)
            with process.runtime.unit() as unit:
                emptied = retention.forget_raw(unit.session, SYSTEM, brand_id, process.runtime.now())
            if not forgotten and not emptied:
                break
        else:
            has_more = True
    if not has_more:
        process.parts["forget_at"] = time.monotonic() + FORGET_EVERY


def seal_audit_log(process: Process) -> None:
    """Chain what was recorded since the last time. The head goes into the process's log, which
    is kept elsewhere: who can rewrite the database cannot rewrite that."""
    with process.runtime.unit() as unit:
        sealed = audit.seal(unit.session, SYSTEM, process.runtime.now(), process.runtime.settings.secret_keys[0])
        head = audit.find_head(unit.session) if sealed else None
    if head is not None:
        log.info("audit_sealed", entries=sealed, **asdict(head))


def keep_wall_times(process: Process) -> None:
    """What is scheduled follows its zone, whose rules may be others than when this was last
    looked at: before this process began, or since."""
    installed = zones_installed()
    if process.parts.get("zones") == installed:
        return
    ZoneInfo.clear_cache()
    with process.runtime.unit() as unit:
        moved = zones.follow_zones(unit.session, SYSTEM, process.runtime.now())
        answers = follow_zones(unit.session, SYSTEM, due_time, process.runtime.now())
    process.parts["zones"] = installed
    if moved or answers:
        log.warning("zones_changed", posts_moved=moved, answers_moved=answers)


def ask_for_approvals(process: Process) -> None:
    """What lost its approval on its way waits for somebody by name, not for nobody."""
    with process.runtime.unit() as unit:
        approving.ask_for_what_lost_its_approval(unit.session, SYSTEM, process.runtime.now())


def ask_about_films(process: Process) -> None:
    """What waits for a film says so; where nobody makes it any more, a person decides."""
    with process.runtime.unit() as unit:
        note_waiting(unit.session, SYSTEM, process.runtime.now())
        hold_without_film(unit.session, SYSTEM, process.runtime.now())


def fill_queues(process: Process) -> None:
    """What goes out again is planned into the slots that nothing has taken; what one of its
    occurrences was agreed to for is agreed to for the others."""
    with process.runtime.unit() as unit:
        carry_over(unit.session, SYSTEM, process.runtime.now())
    with process.runtime.reading() as session:
        waiting = filling.queues_to_fill(session, SYSTEM, process.runtime.now())
    for queue_id in waiting:
        if process.stopping.is_set():
            return
        with process.runtime.unit() as unit:
            done = filling.fill_queue(unit.session, SYSTEM, queue_id, process.networks.specs(), process.runtime.now())
        if done.missed:
            log.warning("slots_missed", queue=queue_id, slots=done.missed)


def renew_secrets(process: Process) -> None:
    """Secrets that end soon, one flight each."""
    with process.runtime.reading() as session:
        ids = [c.account_id for c in find_due_refreshes(session, SYSTEM, process.runtime.now())]
    for account_id in ids:
        if not process.stopping.is_set():
            renew(process, account_id)


def check_accounts(process: Process) -> None:
    """Ask for a check of accounts that nobody looked at for a while."""
    before = process.runtime.now() - CHECK_EVERY
    with process.runtime.unit() as unit:
        stale = select(Account.id).where(
            Account.state == "connected", or_(Account.checked_at.is_(None), Account.checked_at < before)
        )
        for account_id in unit.session.scalars(stale.order_by(Account.checked_at).limit(5)):
            unit.enqueue(CHECK_ACCOUNT, account_id=account_id)


def compare_timelines(process: Process) -> None:
    """Ask for a comparison of accounts whose turn it is, once a day each."""
    with process.runtime.unit() as unit:
        for account_id in comparing.list_due(unit.session, SYSTEM, process.runtime.now()):
            unit.enqueue(COMPARE, account_id=account_id)


def check_account(account_id: int) -> None:
    """Ask the network who we are: whether the sign-in holds, and what is allowed there now."""
    process = current()
    runtime = process.runtime
    with runtime.reading() as session:
        used = kept_at(session, account_id)
    try:
        connection = connect(process, account_id)
        with runtime.reading() as session:
            is_rehearsal = session.get_one(Account, account_id).is_rehearsal
        connected = process.networks.connector(connection.network, is_rehearsal, connection).check(connection)
    except ChannelError as e:
        is_confirmed = isinstance(e, AuthExpired) and is_refused_again(process, account_id)
        with runtime.unit() as unit:
            account = unit.session.get_one(Account, account_id)
            account.checked_at = runtime.now()  # else it would be asked again at once
            accounts.note_check_failed(
                unit.session, SYSTEM, account, e, runtime.now(), used=used, is_confirmed=is_confirmed
            )
        return
    finally:
        process.write_down()
    with runtime.unit() as unit:
        account = unit.session.get_one(Account, account_id)
        accounts.note_checked(unit.session, SYSTEM, account, connected, runtime.now())


TASKS: tuple[Callable[[Process], None], ...] = (
    take_over_from_the_dead,
    follow_answers,
    note_who_is_gone,
    look_after_conversations,
    apply_rules_in_time,
    seal_audit_log,
    forget_old_keys,
    forget_previews,
    forget_mail_pictures,
    forget_what_is_old,
    keep_wall_times,
    ask_for_approvals,
    ask_about_films,
    fill_queues,
    renew_secrets,
    check_accounts,
    compare_timelines,
    discard_leftovers,
)
