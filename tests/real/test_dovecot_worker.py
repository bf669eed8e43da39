"""A real mail server and real workers: mail is told of, and is in the inbox within seconds."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from channels.contract import AppKeys
from channels.email import SPEC
from channels.networks import Networks
from guichet import models as m
from guichet.accounts.operations import save_connected
from guichet.clock import utc_now
from guichet.jobs import POLL, Job
from guichet.policy import SYSTEM
from tests import factories
from tests.real.dovecot_servers import MailHost, mail_host
from tests.real.test_dovecot import COMPANY, CUSTOMER, customer_writes, form, wire_to
from tests.workers.stage import runtime_on
from workers import listening, receive
from workers.runtime import Process, use

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
SOON = 30.0  # seconds, on a busy machine; the next poll by the clock is an hour away


@pytest.fixture
def host() -> Iterator[MailHost]:
    with mail_host(COMPANY, CUSTOMER) as host:
        yield host


@pytest.fixture
def process(host: MailHost, engine: Engine, tmp_path: Path) -> Iterator[Process]:
    """A worker whose mailbox was read once, and what wakes it."""
    process = Process(runtime_on(engine, tmp_path), Networks(wire_to(host)), "receive")
    connected = SPEC.connector(AppKeys(), wire_to(host)).sign_in(form(host))
    with Session(engine) as session, session.begin():
        brand = factories.make_brand(session)
        account = save_connected(
            session, SYSTEM, process.runtime.sealer, brand, "email", connected, False, utc_now()
        )  # fmt: skip
        account_id = account.id
    use(process)
    receive.poll(account_id)
    with Session(engine) as session, session.begin():
        session.execute(update(m.PollCursor).values(next_poll_at=utc_now() + timedelta(hours=1)))
    wakes: queue.SimpleQueue[tuple[Job, dict[str, Any]] | None] = queue.SimpleQueue()
    object.__setattr__(process.runtime, "wake", lambda job, params: wakes.put((job, params)))

    def work() -> None:
        while (woken := wakes.get()) is not None:
            job, params = woken
            receive.poll(**params) if job == POLL else receive.digest()

    threads = [threading.Thread(target=t, daemon=True) for t in (work, lambda: listening.listen(process))]
    for thread in threads:
        thread.start()
    yield process
    process.stopping.set()
    wakes.put(None)
    for thread in threads:
        thread.join(10)
    use(None)


def test_mail_is_in_the_inbox_within_seconds_also_after_its_numbers_were_thrown_away(
    host: MailHost, process: Process
) -> None:
    customer_writes(host, "Où est ma valise ?")
    until(lambda: texts(process) == ["Où est ma valise ?"])
    time.sleep(1.1)  # Dovecot takes the second as the new numbering
    host.new_uidvalidity(COMPANY)
    host.kick(COMPANY)  # a migration breaks every line
    customer_writes(host, "Vous êtes là ?")
    until(lambda: texts(process) == ["Où est ma valise ?", "Vous êtes là ?"])


def texts(process: Process) -> list[str]:
    with process.runtime.reading() as session:
        return list(session.scalars(select(m.Message.text).order_by(m.Message.id)))


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.05)
