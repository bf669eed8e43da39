"""The durable webhook, over 32 keep-alive connections, against a no-op POST and an ORM insert per request.

All are served by one gunicorn as Guichet configures it; deliveries are signed, each is
another one. Rounds take turns, the median of each counts, and every accepted delivery must
be a row. Good deliveries are answered before Flask is asked, so beside the no-op route of
Flask there is a bare one, which does nothing at the same place: the harder floor.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from bench.databases import fresh
from bench.figures import Figure, median
from bench.posting import body
from bench.serving import serve, served
from channels.contract import Connected
from guichet.accounts.operations import save_connected
from guichet.db.engine import open_engine
from guichet.models import Base, RawItem
from guichet.policy import SYSTEM
from guichet.sealing import Sealer
from tests.architecture.source import ROOT
from tests.factories import make_brand

CONNECTIONS = 32
ROUNDS = 3
SECONDS = 4.0
ROUTES = {
    "bare no-op": "/bench/bare",
    "no-op": "/hooks/bench/noop",
    "webhook": "/hooks/x/{}",
    "ORM insert": "/hooks/bench/orm/{}",
}


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("PostgreSQL", "SQLite"):
            with (
                fresh(kind, Path(folder)) as database,
                _prepared(database, Path(folder) / kind) as (engine, port, account_id),
            ):
                yield from _compare(kind, engine, port, account_id)


def _compare(kind: str, engine: Engine, port: int, account_id: int) -> Iterator[Figure]:
    rates: dict[str, list[float]] = {name: [] for name in ROUTES}
    kept = 0
    for turn in range(ROUNDS):
        for name, path in ROUTES.items():
            series = f"{name} {turn}"
            told = _post(port, path.format(account_id), series)
            assert set(told["statuses"]) == {"200"}, told["statuses"]
            rates[name].append(len(told["accepted"]) / told["took"])
            if "no-op" not in name:
                _require_rows(engine, series, told["accepted"])
                kept += len(told["accepted"])
    with engine.connect().execution_options(writes=False) as c:
        assert c.scalar(select(func.count()).select_from(RawItem)) == kept, "a row that nobody was told of"
    found = {name: median(values) for name, values in rates.items()}
    for name, rate in found.items():
        yield Figure(f"{name} on {kind}", rate, "requests/s")
    yield Figure(f"webhook on {kind}, of a no-op POST", found["webhook"] / found["no-op"], "×", goal=0.5)
    yield Figure(f"webhook on {kind}, of a bare no-op", found["webhook"] / found["bare no-op"], "×")
    yield Figure(f"webhook on {kind}, of an ORM insert", found["webhook"] / found["ORM insert"], "×", goal=5)


def _post(port: int, path: str, series: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.posting", str(port), path, str(CONNECTIONS), str(SECONDS), series]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _require_rows(engine: Engine, series: str, accepted: list[int]) -> None:
    """Every accepted delivery is a row, to the byte."""
    with engine.connect().execution_options(writes=False) as c:
        keys = set(c.scalars(select(RawItem.delivery_key)))
    missing = [n for n in accepted if hashlib.sha256(body(series, n)).hexdigest() not in keys]
    assert not missing, f"{len(missing)} of {len(accepted)} accepted deliveries were not kept"


# ---------------------------------------------------------------- the server


@contextmanager
def _prepared(database: str, folder: Path) -> Iterator[tuple[Engine, int, int]]:
    engine = open_engine(database)
    Base.metadata.create_all(engine)
    account_id = _account(engine)
    with served("bench.webhook", database, folder) as port:
        yield engine, port, account_id
    engine.dispose()


def _account(engine: Engine) -> int:
    connected = Connected("900", "@guichet", "Guichet", "https://api.x.com", {"token": "t"})
    with Session(engine) as session, session.begin():
        brand, sealer = make_brand(session), Sealer([("k1", bytes(32))])
        return save_connected(session, SYSTEM, sealer, brand, "x", connected, True, datetime.now(UTC)).id


def _application() -> Any:
    """The application, with the two routes that it is compared with."""
    from flask import Blueprint, jsonify, request

    from guichet.accounts.operations import connection_of
    from guichet.models import Account
    from webapp.gate import policy
    from webapp.wsgi import app

    runtime, networks = (app.extensions["guichet"][name] for name in ("runtime", "networks"))
    pages = Blueprint("bench", __name__)

    @pages.post(ROUTES["no-op"])
    @policy(public=True)
    def noop() -> Any:
        request.get_data()
        return jsonify(received=True)

    @pages.post(ROUTES["ORM insert"].format("<int:account_id>"))
    @policy(public=True)
    def insert(account_id: int) -> Any:
        """The obvious webhook: one session, one row, one commit."""
        headers, data = {name.lower(): value for name, value in request.headers}, request.get_data()
        with runtime.unit() as unit:
            account = unit.session.get_one(Account, account_id)
            keys = networks.keys_for(account.network, account.is_rehearsal)
            receiver = networks.receiver(connection_of(unit.session, runtime.sealer, account, keys))
            item = receiver.verify(headers, data)
            unit.session.add(
                RawItem(
                    account_id=account.id, stream=item.stream, delivery_key=item.delivery_key, body=item.body,
                    headers=dict(item.headers), received_at=runtime.now(), state="waiting",
                )
            )  # fmt: skip
        return jsonify(received=True)

    app.register_blueprint(pages)
    inner = app.wsgi_app

    def bare(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != ROUTES["bare no-op"]:
            return inner(environ, start)
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "18")])
        return [b'{"received":true}\n']

    app.wsgi_app = bare  # type: ignore[method-assign, assignment]
    return app


if __name__ == "__main__":
    serve(_application)
