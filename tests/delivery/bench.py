"""A queue on the bench: rows as they stand before the engine touches them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, true
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.delivery import engine as engine_
from guichet.delivery.engine import Claimed, Start
from guichet.delivery.payload import freeze, payload_hash
from tests import factories

NOW = factories.NOW


@dataclass
class Bench:
    """One account of one brand, a publisher who may use it, a worker that lives."""

    engine: Engine
    folder: Path
    account_id: int
    brand_id: int
    staff_id: int
    worker_id: str = "w-1"

    def session(self) -> Session:
        return Session(self.engine, expire_on_commit=False)

    def queue(self, **more: Any) -> int:
        """A delivery that is due, in the publisher's right; its id."""
        payload = freeze(text=more.pop("text", "on time"), surface="public")
        given = {
            "kind": "post", "state": "due", "account_id": self.account_id, "actor_id": self.staff_id,
            "payload": payload, "payload_hash": payload_hash(payload), "due_at": NOW, "not_before": NOW,
            "created_at": NOW, "updated_at": NOW, **more,
        }  # fmt: skip
        with self.session() as session, session.begin():
            delivery = m.Delivery(**given)
            session.add(delivery)
            session.flush()
            return delivery.id

    def post(self, approved_by: int | None = None, digest: str = "", **more: Any) -> int:
        """A scheduled post, agreed to by somebody where they are named; its id."""
        post = m.Post(
            brand_id=self.brand_id, author_id=self.staff_id, state="scheduled", created_at=NOW, updated_at=NOW, **more
        )
        post_id = int(self.add(post).id)
        if approved_by is not None:
            self.add(
                m.Review(
                    post_id=post_id, account_id=self.account_id, state="granted", content_hash=digest, steps=[],
                    step_at=NOW, asked_at=NOW, settled_at=NOW, settled_by=approved_by, carried_by=approved_by,
                )
            )  # fmt: skip
        return post_id

    def change(self, row: type[Any], id_: Any, **values: Any) -> None:
        with self.session() as session, session.begin():
            found = session.get_one(row, id_)
            for name, value in values.items():
                setattr(found, name, value)

    def add(self, row: Any) -> Any:
        with self.session() as session, session.begin():
            session.add(row)
        return row

    def claim(self, limit: int = 10, now: datetime = NOW, worker_id: str = "") -> list[Claimed]:
        with self.engine.begin() as connection:
            return engine_.claim(connection, worker_id or self.worker_id, limit, now)

    def start(self, *claimed: Claimed, now: datetime = NOW, held: Any = None, worker_id: str = "") -> set[int]:
        starts = [Start(c, f"key-{c.id}", {}) for c in claimed]
        condition = true() if held is None else held
        with self.engine.begin() as connection:
            return engine_.start(connection, worker_id or self.worker_id, starts, now, condition)

    def delivery(self, id_: int) -> m.Delivery:
        with self.session() as session:
            delivery = session.get_one(m.Delivery, id_)
            _ = list(delivery.attempts)
            return delivery


def make_bench(engine: Engine, folder: Path) -> Bench:
    with Session(engine) as session, session.begin():
        account = factories.make_account(session)
        staff = factories.make_staff(session)
        factories.make_grant(session, staff, account, "publisher", ends_at=NOW + timedelta(days=30))
        add_worker(session, "w-1")
        return Bench(engine, folder, account.id, account.brand_id, staff.id)


def add_worker(session: Session, id_: str, lock_key: int = 1) -> None:
    session.add(m.Worker(id=id_, kind="send", host="here", pid=1, lock_key=lock_key, started_at=NOW, seen_at=NOW))
