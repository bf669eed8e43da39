"""The `send` queue: one long job that empties the queue of rows.

A drain claims a batch, and its sending threads prepare, start, send and settle each
delivery. Claimed is not started: whoever dies with claimed rows loses nothing. Between
the start's commit and the request stands nothing but a check that we were not frozen
meanwhile, and for what a network knows by our key the wait for a free line (workers.lines).
There is no retry and no second request inside a send.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.contract import Deleter, Draft, Editor, Hider, Liker, Publisher, Receipt
from channels.errors import AuthExpired, ChannelError, RateLimited, Rejected
from guichet.db.dialect import database_now
from guichet.delivery import engine, rules, takeover
from guichet.delivery.engine import Claimed, Start
from guichet.delivery.payload import MediaLost, thaw
from guichet.delivery.repeating import Unproved, reopen
from guichet.delivery.rules import Verdict
from guichet.delivery.settling import Result
from guichet.delivery.states import OPPOSITES, State
from workers.committing import Committer, Outcome
from workers.desks import Desk, Desks, is_refused_again, renew
from workers.lines import Lines
from workers.runtime import Process, current
from workers.staging import prepare, stage

log = structlog.get_logger(__name__)

CLAIMING_FOR = 90.0  # seconds; below the job's time-out by more than one send takes
FINISHING_FOR = 75.0  # seconds that sends under way are waited for
EMPTY_FOR = 0.1  # seconds between looks at an empty queue while the last sends are under way
ACCOUNT_SHARE = 0.25  # of the lines, at most, for one account while others wait
LEAST_SHARE = 4
MOST_BLIPS = 3  # tries after which a "no" to our sign-in is believed


def drain() -> None:
    """Send what is due until nothing is, or this job's time is over."""
    process = current()
    sender = process.parts.get("sender")
    if not isinstance(sender, Sender):
        sender = process.parts["sender"] = Sender(process)
    sender.drain()


@dataclass(frozen=True)
class Started:
    """A start that is committed, and when it was asked for (monotonic seconds)."""

    wish: Start
    at: float


class Sender:
    """The sending threads of one worker process, and what they have in hand."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._runtime = process.runtime
        self._desks = Desks(process)
        self._lines = Lines(process.runtime.settings.send_threads)
        self._committer = Committer(process, lambda: self._at_work, self._lines.are_short)
        self._threads = 2 * self._lines.count  # one begins while another sends
        self._share = max(LEAST_SHARE, int(self._lines.count * ACCOUNT_SHARE))
        lock = threading.RLock()
        self._changed = threading.Condition(lock)  # for the feeding thread
        self._ready = threading.Condition(lock)  # for the sending threads: waking all for one costs more than a send
        self._waiting: dict[int, deque[Claimed]] = {}
        self._busy: Counter[int] = Counter()
        self._at_work = 0  # the sum of it
        self._parked: dict[int, datetime] = {}
        self._in_hand: set[int] = set()
        for n in range(self._threads):
            threading.Thread(target=self._work, name=f"send-{n}", daemon=True).start()

    # -- the feeding side

    def drain(self) -> None:
        """Feed the threads until the queue is empty, or it is time to end."""
        self._recover()
        began = time.monotonic()
        try:
            while self._may_go_on(began):
                fed = self._feed()
                if fed == 0 and self._is_idle() and not self._recover():
                    break
                with self._changed:
                    if fed:
                        self._changed.wait_for(self._wants_more, timeout=0.25)
                    else:  # asking again at once would find nothing either
                        self._changed.wait_for(lambda: not self._in_hand, timeout=EMPTY_FOR)
        finally:
            self._give_back_waiting()
            self._await_idle(FINISHING_FOR)

    def _recover(self) -> bool:
        """Take back up what this very process let fall; whether there was anything."""
        life = self._process.living()
        with self._changed:
            in_hand = frozenset(self._in_hand)
        with self._runtime.engine.begin() as connection:
            now = database_now(connection)
            # A doubt that began at a wrong time would be settled at a wrong time.
            return self._process.clock.agrees(now) and any(takeover.recover(connection, life.worker_id, now, in_hand))

    def _may_go_on(self, began: float) -> bool:
        if self._process.stopping.is_set() or time.monotonic() - began > CLAIMING_FOR:
            return False
        return self._process.clock.is_trusted()

    def _feed(self) -> int:
        """Claim a batch if the threads run short; returns how many were claimed or waited."""
        with self._changed:
            waiting = sum(map(len, self._waiting.values()))
        if waiting > self._threads:
            return waiting
        life = self._process.living()
        with self._runtime.engine.begin() as connection:
            now = database_now(connection)
            if not self._process.clock.agrees(now):
                return waiting
            parked = {a for a, until in self._parked.items() if until > now}
            claimed = engine.claim(connection, life.worker_id, self._threads * 3, now, parked)
        with self._changed:
            for c in claimed:
                self._in_hand.add(c.id)
                self._waiting.setdefault(c.account_id, deque()).append(c)
            self._ready.notify(len(claimed))
        return waiting + len(claimed)

    def _wants_more(self) -> bool:
        return sum(map(len, self._waiting.values())) <= self._threads // 2 and self._at_work < self._threads

    def _is_idle(self) -> bool:
        with self._changed:
            return not self._in_hand

    def _await_idle(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._in_hand, timeout=seconds)

    def _give_back_waiting(self, account_id: int | None = None) -> None:
        with self._changed:
            accounts = list(self._waiting) if account_id is None else [account_id]
            ids = [c.id for a in accounts for c in self._waiting.pop(a, ())]
        if ids and self._process.life is not None:
            with self._runtime.engine.begin() as connection:
                engine.hand_back(connection, self._process.life.worker_id, ids, database_now(connection))
        self._let_fall(ids)

    def _let_fall(self, ids: Iterable[int]) -> None:
        with self._changed:
            self._in_hand.difference_update(ids)
            if not self._in_hand:
                self._changed.notify()

    # -- the sending side

    def _work(self) -> None:
        while True:
            with self._changed:
                claimed = self._next()
                while claimed is None:
                    self._ready.wait()
                    claimed = self._next()
                self._busy[claimed.account_id] += 1
                self._at_work += 1
            try:
                self._deliver(claimed)
            except Exception:
                # It stays claimed, or started: the next drain finds it in nobody's hand.
                log.exception("delivery_dropped", delivery=claimed.id)
                self._let_fall([claimed.id])
            finally:
                with self._changed:
                    self._busy[claimed.account_id] -= 1
                    self._at_work -= 1
                    if self._wants_more():
                        self._changed.notify()

    def _next(self) -> Claimed | None:
        """The next one, of the account that is served least at this moment."""
        most = self._share if len(self._waiting) > 1 else self._threads
        open_ = [a for a, waiting in self._waiting.items() if waiting and self._busy[a] < most]
        if not open_:
            return None
        account_id = min(open_, key=lambda a: self._busy[a])
        claimed = self._waiting[account_id].popleft()
        if not self._waiting[account_id]:
            del self._waiting[account_id]
        return claimed

    def _deliver(self, claimed: Claimed) -> None:
        try:
            desk = self._desks.take(claimed.account_id)
        except ChannelError as e:
            self._unprepared(claimed, e)
            return
        try:
            self._send(claimed, desk)
        finally:
            self._desks.give_back(desk)

    def _send(self, claimed: Claimed, desk: Desk) -> None:
        draft = thaw(claimed.payload, self._runtime.store)
        if self._lines.may_start_early(desk.spec, draft):
            if started := self._start(claimed, draft, desk):
                with self._lines.taken(is_early=True):
                    self._begin(started, draft, desk)
        else:
            with self._lines.taken():
                if started := self._start(claimed, draft, desk):
                    self._begin(started, draft, desk)

    def _start(self, claimed: Claimed, draft: Draft, desk: Desk) -> Started | None:
        """Prepare it and have its start committed. None: it may not be sent, and is seen to."""
        try:
            wish = self._prepare(claimed, draft, desk)
        except MediaLost as e:
            self._unprepared(claimed, Rejected(e.message, code=e.code), desk)
            return None
        except Unproved:
            self._reopen(claimed)
            return None
        except SQLAlchemyError:
            raise  # the database was away, which says nothing of the delivery: it is found in nobody's hand
        except Exception as e:
            self._unprepared(claimed, e, desk)
            return None
        at = self._committer.start(wish) if wish else None
        if wish is None or at is None:
            self._let_fall([claimed.id])
            return None
        return Started(wish, at)

    def _begin(self, started: Started, draft: Draft, desk: Desk) -> None:
        """Send what is started."""
        claimed = started.wish.claimed
        if not rules.start_holds(timedelta(seconds=time.monotonic() - started.at)):
            self._settle(claimed, desk, rules.NOT_BEGUN)
            return
        try:
            receipt = _request(desk, draft, started.wish, self._runtime.now())
        except Exception as e:
            self._settle(claimed, desk, self._judge(claimed, e), e)
        else:
            self._settle(claimed, desk, rules.after_receipt(receipt))

    def _prepare(self, claimed: Claimed, draft: Draft, desk: Desk) -> Start | None:
        """What to start with; None: it is no longer ours."""
        if claimed.kind == "delete" or claimed.kind in OPPOSITES:
            return Start(claimed, "", {})
        if desk.stager is not None and claimed.kind != "edit":
            return stage(self._process, claimed, draft, desk, desk.stager)
        now = self._runtime.now()
        if claimed.prepared is not None and rules.repeats_key(desk.spec, claimed.key, claimed.key_first_used_at, now):
            return Start(claimed, claimed.key, claimed.prepared)
        if claimed.is_repeat:
            raise Unproved
        prepared = prepare(self._process, claimed, draft, desk)
        return Start(claimed, desk.publisher.new_key(now), prepared)

    def _reopen(self, claimed: Claimed) -> None:
        with self._runtime.engine.begin() as connection:
            reopen(connection, [claimed.id], database_now(connection))
        self._let_fall([claimed.id])

    def _judge(self, claimed: Claimed, error: Exception) -> Verdict:
        now = self._runtime.now()
        self._doubt_times(error)
        verdict = rules.after_error(
            error, kind=claimed.kind, is_reply=claimed.is_reply, tries=claimed.tries + 1, now=now
        )  # fmt: skip
        return self._unless_signed_in(verdict, claimed, error, now)

    def _unless_signed_in(self, verdict: Verdict, claimed: Claimed, error: Exception, now: datetime) -> Verdict:
        """A "no" to our sign-in that a renewal answers, or that was a blip (asked who we are,
        the network knows), is no reason to ask a person. Believed a few times only."""
        if not isinstance(error, AuthExpired) or claimed.tries >= MOST_BLIPS:
            return verdict
        if claimed.tries == 0 and renew(self._process, claimed.account_id):
            self._desks.forget(claimed.account_id)
            return replace(verdict, state=State.DUE)
        if is_refused_again(self._process, claimed.account_id):
            return verdict
        return replace(verdict, state=State.DUE, not_before=now + rules.backoff(claimed.tries + 1))

    def _doubt_times(self, error: Exception) -> None:
        """Until when to wait was reckoned from the wall clock."""
        if isinstance(error, RateLimited) and not self._process.clock.is_trusted():
            error.retry_at = None

    def _unprepared(self, claimed: Claimed, error: Exception, desk: Desk | None = None) -> None:
        if not isinstance(error, ChannelError):
            log.error("cannot_prepare", delivery=claimed.id, error=type(error).__name__)
        now = self._runtime.now()
        self._doubt_times(error)
        verdict = rules.after_failed_preparation(error, tries=claimed.tries + 1, now=now)
        self._settle(claimed, desk, self._unless_signed_in(verdict, claimed, error, now), error)

    def _settle(
        self, claimed: Claimed, desk: Desk | None, verdict: Verdict, error: Exception | None = None
    ) -> None:  # fmt: skip
        ended_at = self._runtime.now()
        if verdict.park_until is not None:
            self._parked[claimed.account_id] = verdict.park_until
        is_unknown = verdict.state is State.UNKNOWN
        result = Result(
            claimed.id, claimed.account_id, claimed.fence, claimed.kind, claimed.due_at, verdict, ended_at,
            first_look_at=rules.first_look_at(desk.spec, ended_at) if is_unknown and desk else None,
            post_id=claimed.post_id,
        )  # fmt: skip
        account_error = error if isinstance(error, AuthExpired) and verdict.state is State.NEEDS_HUMAN else None
        used = desk.facts.kept_at if desk else self._desks.kept_at(claimed.account_id)
        self._committer.settle(
            Outcome(
                result,
                claimed.is_answer or claimed.kind in OPPOSITES,
                account_error,
                used,
                done=lambda id_: self._let_fall([id_]),
            )
        )
        if verdict.park_until is not None:
            self._give_back_waiting(None if verdict.parks_app else claimed.account_id)


def _request(desk: Desk, draft: Draft, wish: Start, now: datetime) -> Receipt:
    """The one request."""
    claimed, publisher = wish.claimed, desk.publisher
    if claimed.kind == "delete":
        if not isinstance(publisher, Deleter):
            raise Rejected("what this network was given cannot be taken back", code="cannot_delete")
        target = claimed.target_remote_id or ""
        publisher.delete(target, claimed.payload["options"].get("context") or {})
        return Receipt(target)
    if claimed.kind == "edit":
        if not isinstance(publisher, Editor):
            raise Rejected("this network cannot change what is published", code="cannot_edit")
        return publisher.edit(claimed.target_remote_id or "", draft, wish.prepared)
    if claimed.kind in OPPOSITES:
        return _act(publisher, claimed.kind, draft, now)
    return publisher.send(draft, wish.prepared, wish.key)


def _act(publisher: Publisher, kind: str, draft: Draft, now: datetime) -> Receipt:
    """What is done with somebody else's message."""
    target = draft.reply_to
    if target is None or not isinstance(publisher, Liker if kind in ("like", "unlike") else Hider):
        raise Rejected("this network does not do that", code="cannot_act")
    getattr(publisher, kind)(target, now)
    return Receipt(target.remote_id)
