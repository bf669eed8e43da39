"""A company, three networks, two workers and a clock in virtual time. What decides is ours
and real, on a database in memory; what is played is only what stands around it: processes
that die, networks that say what they like, people who change their minds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, create_engine, event, false, insert, select, true, update
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from channels.errors import ChannelError, Unavailable
from channels.sentences import say
from guichet import models as m
from guichet.db.engine import prepare_sqlite
from guichet.delivery import doubts, operations, rules, takeover
from guichet.delivery import engine as engine_
from guichet.delivery.payload import freeze
from guichet.delivery.states import AttemptState, State
from guichet.errors import Conflict
from guichet.models import Base, table_of
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.publishing import brakes
from tests import factories
from tests.simulation.judge import Judge
from tests.simulation.network import SPECS, Network
from tests.simulation.worker import Worker

NOW = factories.NOW
ACCOUNTS = tuple(SPECS)


_D, _T, _A, _G = (table_of(model) for model in (m.Delivery, m.Attempt, m.Account, m.Grant))
_ROWS = select(_D).order_by(_D.c.id)
_ROW = select(_D).where(_D.c.id == bindparam("id"))
_MOMENTS = select(_D.c.state, _D.c.due_at, _D.c.not_before, _D.c.next_look_at, _A.c.parked_until).join(
    _A, _A.c.id == _D.c.account_id
)
_OPEN_ATTEMPT = select(_T.c.id).where(
    _T.c.delivery_id == bindparam("id"), _T.c.state.in_((AttemptState.IN_FLIGHT, AttemptState.UNKNOWN))
)


@dataclass(frozen=True)
class Company:
    """What stands before any schedule begins. `accounts` by network."""

    engine: Engine
    accounts: dict[str, int]
    brand_id: int
    author_id: int
    owner: Actor
    author: Actor


def found_company() -> Company:
    """A company on a database of its own, in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    prepare_sqlite(engine)
    # Accounts are claimed from in no particular order; a schedule is to run twice alike.
    event.listen(engine, "connect", lambda c, _: c.create_function("random", 0, lambda: 0))
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        brand = factories.make_brand(session)
        accounts = {name: factories.make_account(session, brand, name) for name in ACCOUNTS}
        owner, author = factories.make_staff(session, "owner"), factories.make_staff(session)
        session.add(m.Grant(staff_id=author.id, brand_id=brand.id, role="publisher", created_at=NOW))
        session.flush()
        return Company(
            engine, {n: a.id for n, a in accounts.items()}, brand.id, author.id,
            load_actor(session, owner, NOW), load_actor(session, author, NOW),
        )  # fmt: skip


class World:
    """One schedule's world. Every act is one transaction, as in production; `end` undoes all."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.now = NOW
        self.networks = {company.accounts[name]: Network(spec) for name, spec in SPECS.items()}
        self.judge = Judge(self.networks)
        self.workers: list[Worker] = []
        self._connection = company.engine.connect()
        self._schedule = self._connection.begin()
        self._names = 0

    def end(self) -> None:
        self._schedule.rollback()
        self._connection.close()

    @contextmanager
    def transaction(self, commits: bool = True) -> Iterator[Connection]:
        """One of ours inside of the schedule's. One that does not commit leaves nothing."""
        inner = self._connection.begin_nested()
        try:
            yield self._connection
        except BaseException:
            inner.rollback()
            raise
        inner.commit() if commits else inner.rollback()

    @contextmanager
    def session(self) -> Iterator[Session]:
        with Session(self._connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
            session.commit()

    # -- time

    def pass_time(self, span: timedelta) -> None:
        self.now += span
        for network in self.networks.values():
            network.come_to(self.now)
        self.judge.count()

    def next_moment(self) -> datetime | None:
        """When the next thing is to happen by itself."""
        moments = []
        for row in self._connection.execute(_MOMENTS):
            if row.state == State.SCHEDULED:
                moments.append(row.due_at)
            elif row.state == State.DUE:
                moments.append(max(row.not_before, row.parked_until or row.not_before))
            elif row.state in (State.UNKNOWN, State.RECONCILING):
                moments.append(row.next_look_at or self.now)
        moments += [call.ends_at for w in self.workers for call in w.under_way]
        return min((t for t in moments if t > self.now), default=None)

    # -- processes

    def a_worker(self, number: int) -> Worker:
        """The worker in this place; a new one where the last has died."""
        while len(self.workers) <= number:
            self.workers.append(self._new_worker())
        if not self.workers[number].is_alive:
            self.workers[number] = self._new_worker()
        worker = self.workers[number]
        if not worker.has_lock and not worker.is_busy():
            worker.rename(self._register())  # it has noticed, and goes on under another name
        return worker

    def _new_worker(self) -> Worker:
        return Worker(self, self._register())

    def _register(self) -> str:
        self._names += 1
        name = f"w-{self._names}"
        row = {"id": name, "kind": "send", "host": "here", "pid": 1, "lock_key": self._names}
        with self.transaction() as connection:
            connection.execute(insert(m.Worker).values(**row, started_at=self.now, seen_at=self.now))
        return name

    def is_locked(self, name: str) -> bool:
        return any(w.name == name and w.is_alive and w.has_lock for w in self.workers)

    def lock_of(self, worker: Worker) -> Any:
        return true() if worker.has_lock else false()

    def tick(self) -> None:
        """The clock's."""
        with self.transaction() as connection:
            engine_.promote(connection, self.now)

    def take_over(self) -> None:
        """As workers.tend does."""
        with self.transaction() as connection:
            for name, _ in takeover.suspects(connection):
                if not self.is_locked(name):
                    takeover.take_over(connection, name, self.now)

    def reconcile(self, readable: bool = True, commits: bool = True) -> None:
        """As workers.reconcile does: take up, look, write down."""
        with self.transaction() as connection:
            cases = doubts.take_cases(connection, "looker", self.now)
        for case in cases:
            spec = self.networks[case.account_id].spec
            with self.transaction(commits) as connection:
                result, verdict, counts = self._look(connection, case, readable)
                recorded = doubts.record_look(connection, case, result, verdict, self.now, counts)
            if recorded and commits and spec.publisher is not None:
                self._withdraw_what_was_found(case.delivery_id)

    def _look(self, connection: Connection, case: doubts.Case, readable: bool) -> tuple[str, rules.Verdict, bool]:
        network = self.networks[case.account_id]
        spec = network.spec
        if spec.recovery == "blind":
            return "error", rules.cannot_look(say("this network cannot be asked what became of it")), False
        known = doubts.known_ids(connection, case)
        if not readable:
            error: ChannelError = Unavailable("no route")
            return "error", rules.after_look_failed(case.doubt, error, self.now), False
        target = case.payload["reply_to"]
        reply_to = target["remote_id"] if target else ""
        looked = network.look(case.payload["text"], reply_to, case.key, case.started_at, known, self.now)
        verdict = rules.after_look(spec, case.doubt, looked, self.now)
        name = "found" if looked.found else "near" if looked.candidates else "absent"
        return name, verdict, rules.counts(spec, case.doubt, self.now)

    def _withdraw_what_was_found(self, delivery_id: int) -> None:
        with self.session() as session:
            delivery = session.get_one(m.Delivery, delivery_id)
            if delivery.state == State.PUBLISHED and delivery.withdraw:
                account = session.get_one(m.Account, delivery.account_id)
                operations.take_down(session, SYSTEM, delivery, account, self.now)

    # -- people

    def plan(self, network: str, text: str, due_in: timedelta, **more: Any) -> int:
        """Put one thing into the queue, in the author's right; its id."""
        behind = more.pop("behind", None)
        with self.session() as session:
            account = session.get_one(m.Account, self.company.accounts[network])
            before = session.get_one(m.Delivery, behind) if behind else None
            delivery = operations.create(
                session, self.company.author, account=account, kind="thread_item" if behind else "post",
                payload=freeze(text=text, surface="public"), due_at=self.now + due_in, now=self.now,
                predecessor=before, **more,
            )  # fmt: skip
        self.judge.expect(delivery.id, account.id, text)
        return delivery.id

    def act(self, do: Any, delivery_id: int, *args: Any, **more: Any) -> bool:
        """Something a person does with a delivery; False where it is refused."""
        try:
            with self.session() as session:
                delivery = session.get_one(m.Delivery, delivery_id)
                do(session, self.company.owner, delivery, *args, now=self.now, **more)
        except Conflict:
            return False
        return True

    def edit(self, delivery_id: int, text: str) -> None:
        payload = self.delivery(delivery_id).payload
        if self.act(operations.replace_content, delivery_id, {**payload, "text": text}, ""):
            self.judge.expect(delivery_id, self.delivery(delivery_id).account_id, text)

    def cancel(self, delivery_id: int) -> None:
        if self.act(operations.cancel, delivery_id):
            self.judge.may_end(delivery_id)

    def pull(self, scope: str, posts: bool, answers: bool) -> None:
        with self.session() as session:
            brakes.pull(
                session, self.company.owner, scope=scope, scope_id=self._of(scope), posts=posts, answers=answers,
                now=self.now,
            )  # fmt: skip
        self.judge.braked(scope, self._of(scope), posts, answers, self.now)

    def lift(self, scope: str, otherwise: str) -> None:
        try:
            with self.session() as session:
                held = brakes.list_stopped(session, self.company.owner, scope=scope, scope_id=self._of(scope))[0]
                brakes.lift(
                    session, self.company.owner, scope=scope, scope_id=self._of(scope), otherwise=otherwise,
                    now=self.now,
                )  # fmt: skip
        except Conflict:
            return
        self.judge.lifted(scope)
        if otherwise == "drop":
            for delivery in held:
                self.judge.may_end(delivery.id)

    def _of(self, scope: str) -> int | None:
        return {"all": None, "brand": self.company.brand_id, "account": self.company.accounts["bluesky"]}[scope]

    def set_right(self, holds: bool) -> None:
        ends_at = None if holds else self.now
        self._set(update(_G).where(_G.c.staff_id == self.company.author_id).values(ends_at=ends_at))

    def set_connected(self, network: str, connected: bool) -> None:
        account_id = self.company.accounts[network]
        state = "connected" if connected else "needs_reconnect"
        self._set(update(_A).where(_A.c.id == account_id).values(state=state))

    def entitle_all(self) -> None:
        self.set_right(True)
        self._set(update(_A).values(state="connected"))

    def _set(self, statement: Any) -> None:
        with self.transaction() as connection:
            connection.execute(statement)

    def decide_all(self) -> None:
        """Somebody who sees the networks as they are decides what they can."""
        for delivery in self.deliveries():
            if delivery.state == State.NEEDS_HUMAN:
                self._decide(delivery)

    def _decide(self, delivery: Any) -> None:
        network = self.networks[delivery.account_id]
        if delivery.kind == "delete" or not self._may_be_out(delivery):
            self.act(operations.decide, delivery.id, "resend")
            return
        if network.is_anything_coming():
            return  # they wait and look again
        bound = {d.remote_id for d in self.deliveries() if d.account_id == delivery.account_id}
        target = delivery.payload["reply_to"]
        text, reply_to = delivery.payload["text"], target["remote_id"] if target else ""
        there = [p for p in network.ledger if (p.text, p.reply_to) == (text, reply_to) and p.remote_id not in bound]
        if there:
            self.act(operations.decide, delivery.id, "link", remote_id=there[0].remote_id)
        elif delivery.withdraw:
            self.act(operations.decide, delivery.id, "drop")
        else:
            self.act(operations.decide, delivery.id, "resend")

    def _may_be_out(self, delivery: Any) -> bool:
        return self._connection.scalar(_OPEN_ATTEMPT, {"id": delivery.id}) is not None

    # -- looking

    def delivery(self, id_: int) -> Any:
        """Its row as it stands."""
        return self._connection.execute(_ROW, {"id": id_}).one()

    def network_of(self, delivery_id: int) -> str:
        account_id = self.delivery(delivery_id).account_id
        return next(name for name, id_ in self.company.accounts.items() if id_ == account_id)

    def deliveries(self) -> list[Any]:
        return list(self._connection.execute(_ROWS))
