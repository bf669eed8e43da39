"""The obvious design: one RQ job for each post, which reads its row, sends it and writes down
that it went. Fast to write, and it posts twice when a worker dies (DESIGN §4)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from bench.counter import WORKERS, Counter
from bench.network import Sent, published
from channels.networks import Networks, open_networks
from guichet import models as m
from guichet.accounts.operations import connection_of
from guichet.config import read_settings
from guichet.delivery.payload import thaw
from guichet.runtime import Runtime, open_runtime
from tests.architecture.source import ROOT

POSTS = 200


def run(counter: Counter, url: str, accounts: Sequence[int]) -> Sent:
    """From the first job taken to the network's last acceptance."""
    prefix = f"naive {time.time_ns()}"
    redis = Redis(unix_socket_path=counter.environment["GUICHET_REDIS_URL"].removeprefix("unix://"))
    queue = Queue("naive", connection=redis, serializer=JSONSerializer)
    for id_ in counter.queue(accounts, prefix, POSTS):
        queue.enqueue_call("bench.naive.send_one", args=(id_,))
    worker = [sys.executable, "-m", "rq.cli", "worker", "naive", "--burst", "-w", "rq.SimpleWorker"]
    worker += ["-S", "rq.serializers.JSONSerializer", "--url", counter.environment["GUICHET_REDIS_URL"], "--quiet"]
    processes = [subprocess.Popen(worker, cwd=ROOT, env=dict(counter.environment)) for _ in range(WORKERS)]
    while queue.count == POSTS:
        time.sleep(0.01)  # the workers' own start is not counted
    began = time.time()
    for process in processes:
        process.wait()
    return Sent(began, published(url, prefix, POSTS))


@cache
def _parts() -> tuple[Runtime, Networks]:
    settings = read_settings(os.environ)
    return open_runtime(settings), open_networks(**settings.network_options())


def send_one(delivery_id: int) -> None:
    """The job."""
    runtime, networks = _parts()
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
