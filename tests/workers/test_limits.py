"""Networks that count for themselves, and workers that keep within what they say: no 429 is
provoked, nothing is lost, and nobody is starved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, func, select, update

from channels.contract import Connected
from channels.x import SPEC
from guichet import models as m
from guichet.accounts.operations import save_connected
from guichet.clock import utc_now
from guichet.delivery import engine as queue
from guichet.policy import SYSTEM
from tests import factories
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig
from tests.channels.x_rig import KEYS, REDIRECT, XRig, press
from tests.workers.stage import Stage, open_stage
from workers import receive
from workers.runtime import use


@contextmanager
def on_x(engine: Engine, folder: Path, **how: Any) -> Iterator[Stage]:
    with XRig(**how) as rig, counting_refusals(rig), open_stage(engine, folder, rig) as stage:
        yield stage


@contextmanager
def counting_refusals(rig: Rig) -> Iterator[None]:
    """The twin's own count of what it refused."""
    answers: Counter[int] = Counter()
    rig.network.app.after_request(lambda r: answers.update([r.status_code]) or r)
    rig.answers = answers
    yield


def refused(stage: Stage) -> int:
    return stage.rig.answers[429]


def states(stage: Stage) -> Counter[str]:
    with stage.session() as session:
        return Counter(session.scalars(select(m.Delivery.state)))


def know_limits(stage: Stage, text: str = "first") -> None:
    """One post, whose answer tells."""
    stage.queue(text)
    stage.drain()


def add_account(stage: Stage, user: str) -> int:
    """Another account of the same application."""
    connector = SPEC.connector(KEYS, stage.rig.wire)
    consent = connector.begin({"auth": "oauth2"}, REDIRECT, "state-of-this-session")
    connected: Connected = connector.complete(consent.memory, press(consent.authorize_url, user=user))
    with stage.session() as session:
        brand = factories.make_brand(session)
        return save_connected(
            session, SYSTEM, stage.runtime.sealer, brand, "x", connected, True, utc_now()
        ).id  # fmt: skip


def test_workers_stop_before_the_network_says_no_and_keep_a_little_for_an_answer(
    engine: Engine, tmp_path: Path
) -> None:
    with on_x(engine, tmp_path, rates={"POST /2/tweets": (20, 900)}) as stage:
        know_limits(stage)
        for n in range(30):
            stage.queue(f"post {n}")
        stage.drain()
        stage.drain()
        assert (len(stage.texts()), refused(stage)) == (19, 0)
        answer = stage.queue("yes, until noon", kind="reply", is_answer=True)
        stage.drain()
        assert stage.delivery(answer).state == "published"
        assert (states(stage), refused(stage)) == (Counter({"published": 20, "due": 12}), 0)


def test_what_waits_for_a_limit_wakes_nobody_and_goes_when_the_window_is_over(engine: Engine, tmp_path: Path) -> None:
    with on_x(engine, tmp_path, rates={"POST /2/tweets": (12, 900)}) as stage:
        know_limits(stage)
        for n in range(20):
            stage.queue(f"post {n}")
        stage.drain()
        with stage.runtime.reading() as session:
            assert not queue.is_anything_due(session.connection(), utc_now())
            assert queue.is_anything_due(session.connection(), utc_now() + timedelta(hours=1))
            window = session.get_one(m.RateWindow, (f"account:{stage.account_id}", "posts"))
            assert (window.remaining, window.quota) == (1, 12)
        stage.rig.network.used.clear()  # the network's next window
        with stage.session() as session:
            session.execute(update(m.RateWindow).values(reset_at=utc_now() - timedelta(seconds=1)))
        stage.drain()
        assert states(stage)["published"] == 21
        assert refused(stage) == 0


def test_a_forgotten_window_costs_a_refusal_and_never_a_post(engine: Engine, tmp_path: Path) -> None:
    """Whatever is lost of what we knew, the network's own answer is the most that follows."""
    with on_x(engine, tmp_path, rates={"POST /2/tweets": (12, 900)}) as stage:
        know_limits(stage)
        for n in range(20):
            stage.queue(f"post {n}")
        stage.drain()
        with stage.session() as session:
            session.execute(delete(m.RateWindow))
        stage.drain()
        assert refused(stage) > 0
        with stage.session() as session:
            account = session.get_one(m.Account, stage.account_id)
            assert account.parked_until is not None
            account.parked_until = None
            session.execute(update(m.Delivery).values(not_before=utc_now()))
        stage.rig.network.used.clear()
        stage.process.parts.clear()  # as another process would go on
        with stage.session() as session:
            session.execute(delete(m.RateWindow))
        stage.drain()
        stage.drain()
        assert states(stage) == Counter({"published": 21})
        assert len(set(stage.texts())) == 21


def test_five_hundred_posts_of_one_account_do_not_starve_anothers_single_one(engine: Engine, tmp_path: Path) -> None:
    with on_x(engine, tmp_path, posts_a_day=40, rates={"POST /2/tweets": (1000, 900)}) as stage:
        other = add_account(stage, "acme_fr")
        know_limits(stage)
        for n in range(100):
            stage.queue(f"post {n}")
        stage.drain()
        stage.drain()
        assert 30 <= len(stage.texts()) < 40
        alone = stage.queue("our only post", account_id=other)
        stage.drain()
        assert stage.delivery(alone).state == "published"
        assert refused(stage) == 0


def test_rows_in_another_workers_hand_count_against_the_limit(engine: Engine, tmp_path: Path) -> None:
    with on_x(engine, tmp_path, rates={"POST /2/tweets": (20, 900)}) as stage:
        know_limits(stage)
        for n in range(40):
            stage.queue(f"post {n}")
        with engine.begin() as connection:
            first = queue.claim(connection, "w-1", 10, utc_now())
        with engine.begin() as connection:
            second = queue.claim(connection, "w-2", 50, utc_now())
            third = queue.claim(connection, "w-3", 50, utc_now())
        assert (len(first), len(second), len(third)) == (10, 8, 0)


def test_every_reading_tells_of_an_instances_limits(engine: Engine, tmp_path: Path) -> None:
    with MastodonRig() as rig, counting_refusals(rig), open_stage(engine, tmp_path, rig) as stage:
        use(stage.process)
        receive.poll(stage.account_id)
        with stage.runtime.reading() as session:
            window = session.get_one(m.RateWindow, (f"account:{stage.account_id}", "calls"))
            assert 0 < window.remaining < window.quota == 300
            assert session.scalar(select(func.count()).select_from(m.Spend)) == 0
