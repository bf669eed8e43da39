"""A stage for delivery: a real database, real worker code, a rehearsal network on
loopback. Looking is hastened (the networks' lags are seconds to a minute)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from channels.contract import Connected, Connection
from channels.rehearsal.base import Fault
from channels.wire import Wire
from guichet import models as m
from guichet.accounts.operations import save_connected
from guichet.clock import utc_now
from guichet.config import Settings
from guichet.delivery import operations
from guichet.delivery.payload import freeze
from guichet.policy import SYSTEM
from guichet.runtime import Runtime, open_redis
from guichet.sealing import Sealer
from guichet.storage import FileStore
from tests import factories
from tests.channels.rig import Rig
from tests.workers.quick import QuickNetworks
from workers import deliver, reconcile
from workers.runtime import Process, use

SECRET = base64.b64decode("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")


@dataclass
class Stage:
    """One worker process on a database, with one account connected to a rehearsal network."""

    process: Process
    rig: Rig
    account_id: int

    @property
    def runtime(self) -> Runtime:
        return self.process.runtime

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self.runtime.unit() as unit:
            yield unit.session

    def queue(self, text: str, **more: Any) -> int:
        """Put a delivery into the queue, due now; its id."""
        now = utc_now()
        with self.session() as session:
            account = session.get_one(m.Account, more.pop("account_id", self.account_id))
            if "predecessor_id" in more:
                more["predecessor"] = session.get_one(m.Delivery, more.pop("predecessor_id"))
            given = {"kind": "post", "payload": freeze(text=text, surface="public"), "due_at": now, **more}
            return operations.create(session, SYSTEM, account=account, now=now, **given).id

    def plant(self, effect: str, **how: Any) -> None:
        self.rig.network.plant(Fault(effect, match=self.rig.publishes, **how))

    def drain(self) -> None:
        use(self.process)
        deliver.drain()

    def look(self) -> None:
        use(self.process)
        reconcile.look()

    def delivery(self, id_: int) -> m.Delivery:
        with self.runtime.reading() as session:
            delivery = session.get_one(m.Delivery, id_)
            _ = list(delivery.attempts)
            session.expunge_all()
            return delivery

    def texts(self) -> list[str]:
        """What the network really published, in order."""
        return [e["text"] for e in self.rig.network.ledger() if e["act"] in ("post", "reply", "direct")]


@contextmanager
def open_stage(engine: Engine, folder: Path, rig: Rig, **quick: timedelta) -> Iterator[Stage]:
    process = Process(runtime_on(engine, folder), networks_for(rig, **quick), "send")
    with Session(engine) as session, session.begin():
        account = connect_account(session, process.runtime.sealer, rig, rig.connect())
        account_id = account.id
    stage = Stage(process, rig, account_id)
    try:
        yield stage
    finally:
        use(None)
        if process.life is not None:
            process.life.let_go()


def networks_for(rig: Rig, patience: float = 10.0, **quick: timedelta) -> QuickNetworks:
    """`patience`: seconds until a call without an answer is given up. On a busy machine only a
    planted fault may run into it."""
    wire = Wire(policy=rig.wire.policy, connect_timeout=5, read_timeout=patience, deadline=2 * patience)
    return QuickNetworks(wire, {rig.spec.name: rig.server.url}, **quick)


def runtime_on(engine: Engine, folder: Path, threads: int = 8) -> Runtime:
    settings = Settings(
        database_url="", redis_url="", secret_keys=(("k1", SECRET),), public_url="http://localhost",
        data_dir=folder, send_threads=threads,
    )  # fmt: skip
    return Runtime(
        settings, engine, open_redis(f"unix://{folder}/none.sock"), Sealer(settings.secret_keys),
        FileStore(folder / "media"), wake=lambda job, params: None,
    )  # fmt: skip


def connect_account(session: Session, sealer: Sealer, rig: Rig, connection: Connection) -> m.Account:
    brand = factories.make_brand(session)
    connected = Connected(
        connection.remote_id, connection.handle, connection.handle, connection.base_url, connection.secrets,
        connection.settings,
    )  # fmt: skip
    return save_connected(session, SYSTEM, sealer, brand, rig.spec.name, connected, True, datetime.now(UTC))
