"""A whole Guichet in the test's own process: the app over a database, people who are signed
in, and a clock that the test turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask_openapi import OpenAPI
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from channels.networks import Networks, open_networks
from guichet.config import Settings
from guichet.models import Staff
from guichet.runtime import Runtime, open_redis
from guichet.sealing import Sealer
from guichet.staff import operations, rules
from guichet.storage import FileStore
from tests.factories import NOW
from webapp import create_app

API = "/api/v1"
# A host that only our own requests name; nothing listens there.
HOST = "guichet.example.org"


@dataclass
class Clock:
    """The edge's clock."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Site:
    app: OpenAPI
    runtime: Runtime
    clock: Clock
    woken: list[str]

    @property
    def engine(self) -> Engine:
        return self.runtime.engine

    def close(self) -> None:
        """Write what it would write in a second, while its database is there."""
        self.app.extensions["guichet"]["intake"].refused.write_now()

    @contextmanager
    def rows(self) -> Iterator[Session]:
        """A transaction of the test's own, committed at the end."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def browser(self, staff: Staff) -> Browser:
        """Somebody signed in, without the slow password."""
        with self.rows() as session:
            person = session.get_one(Staff, staff.id)
            _, secret = operations.open_session(session, person, now=self.clock.now)
        return Browser(self, secret=secret)

    def program(self, staff: Staff, *scopes: str) -> Browser:
        """A program with a bearer token."""
        with self.rows() as session:
            from guichet.policy import SYSTEM

            person = session.get_one(Staff, staff.id)
            _, secret = operations.create_token_for(
                session, SYSTEM, person, name="test", scopes=list(scopes), expires_at=None, now=self.clock.now
            )
        return Browser(self, bearer=secret)

    def stranger(self) -> Browser:
        return Browser(self)


@dataclass
class Browser:
    """A client that does what our page does: cookie, CSRF token, JSON."""

    site: Site
    secret: str = ""
    bearer: str = ""
    csrf: bool = True
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, *, key: str = "", **more: Any) -> TestResponse:
        """A call of the API; `path` without its prefix, or an address beginning with "/-"."""
        client = self.site.app.test_client(use_cookies=False)
        headers = {"Host": HOST, **self.headers, **more.pop("headers", {})}
        if self.secret:
            headers["Cookie"] = f"guichet={self.secret}"
            if self.csrf and method != "GET":
                headers["X-CSRF-Token"] = rules.csrf_token(self.secret)
        if self.bearer:
            headers["Authorization"] = f"Bearer {self.bearer}"
        if key:
            headers["Idempotency-Key"] = key
        address = path[2:] if path.startswith("/-") else API + path
        return client.open(address, method=method, headers=headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.ask("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.ask("POST", path, json={} if json is None else json, **more)

    def put(self, path: str, json: Any) -> TestResponse:
        return self.ask("PUT", path, json=json)

    def patch(self, path: str, json: Any) -> TestResponse:
        return self.ask("PATCH", path, json=json)

    def delete(self, path: str) -> TestResponse:
        return self.ask("DELETE", path)


def open_site(engine: Engine, folder: Path, networks: Networks | None = None, **settings: Any) -> Site:
    """A site over `engine`. Redis is not there: nothing may depend on it."""
    clock, woken = Clock(), []
    given: dict[str, Any] = {
        "database_url": "sqlite://", "redis_url": "unix:///nowhere", "secret_keys": (("k1", bytes(range(32))),),
        "public_url": f"http://{HOST}", "data_dir": folder, **settings,
    }  # fmt: skip
    made = Settings(**given)
    runtime = Runtime(
        settings=made,
        engine=engine,
        redis=open_redis(f"unix://{folder}/no.sock"),
        sealer=Sealer(made.secret_keys),
        store=FileStore(folder / "media"),
        wake=lambda job, params: woken.append(job.path),
        now=clock,
    )
    app = create_app(runtime, networks or open_networks())
    app.config["TESTING"] = False
    return Site(app, runtime, clock, woken)
