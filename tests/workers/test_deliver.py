"""Real sends to a rehearsal network: what each way of going wrong leads to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from guichet import models as m
from tests.channels.mastodon_rig import MastodonRig
from tests.workers.stage import Stage, networks_for, open_stage


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def test_what_is_due_goes_out_once_and_its_receipt_is_kept(stage: Stage) -> None:
    ids = [stage.queue(f"flight {n:02} is on time") for n in range(30)]
    stage.drain()
    stage.drain()
    assert sorted(stage.texts()) == [f"flight {n:02} is on time" for n in range(30)]
    for id_ in ids:
        delivery = stage.delivery(id_)
        assert delivery.state == "published", delivery.reason
        assert delivery.remote_id
        assert delivery.remote_url.startswith("http")
        assert [a.state for a in delivery.attempts] == ["accepted"]
        assert delivery.lateness_ms is not None


@pytest.mark.parametrize(
    ("effect", "how", "state", "attempt"),
    [
        ("reset_after", {}, "unknown", "unknown"),
        ("reset_before", {}, "unknown", "unknown"),
        ("status_after", {"status": 500}, "unknown", "unknown"),
        ("status_before", {"status": 503}, "unknown", "unknown"),
        ("garbage_after", {}, "unknown", "unknown"),
        ("slow", {"seconds": 1.5}, "unknown", "unknown"),
        ("drip", {"seconds": 0.2}, "unknown", "unknown"),
        ("status_before", {"status": 422}, "failed", "refused"),
        ("status_before", {"status": 403}, "failed", "refused"),
        ("status_before", {"status": 429, "headers": {"Retry-After": "60"}}, "due", "refused"),
        ("status_before", {"status": 401}, "due", "refused"),
    ],
)
def test_each_way_of_going_wrong_is_judged_by_what_the_network_may_have_done(
    stage: Stage, effect: str, how: dict[str, object], state: str, attempt: str
) -> None:
    if effect in ("slow", "drip"):
        stage.process.networks = networks_for(stage.rig, patience=0.5)
    stage.plant(effect, **how)
    id_ = stage.queue("boarding is at gate F7")
    stage.drain()
    delivery = stage.delivery(id_)
    assert (delivery.state, delivery.attempts[0].state) == (state, attempt), delivery.reason


def test_one_no_to_our_sign_in_is_asked_again_before_a_person_is(stage: Stage) -> None:
    stage.plant("status_before", status=401)
    blip = stage.queue("boarding is at gate F8")
    stage.drain()
    assert (stage.delivery(blip).state, account_state(stage)) == ("due", "connected")
    stage.rig.network.revoke("guichet")
    revoked = stage.queue("boarding is at gate F9")
    stage.drain()
    assert (stage.delivery(revoked).state, account_state(stage)) == ("needs_human", "needs_reconnect")


def account_state(stage: Stage) -> str:
    with stage.session() as session:
        return session.get_one(m.Account, stage.account_id).state


@pytest.mark.parametrize("effect", ["reset_after", "status_after", "garbage_after", "late"])
def test_what_went_out_without_an_answer_is_found_and_not_sent_again(stage: Stage, effect: str) -> None:
    stage.plant(effect, seconds=0.05)
    id_ = stage.queue("the lounge is open")
    settle_all(stage, [id_])
    assert stage.texts() == ["the lounge is open"]
    assert stage.delivery(id_).state == "published"


@pytest.mark.parametrize("effect", ["reset_before", "status_before"])
def test_what_did_not_go_out_is_proved_absent_twice_and_sent_once(stage: Stage, effect: str) -> None:
    stage.plant(effect)
    id_ = stage.queue("the lounge is closed")
    settle_all(stage, [id_])
    assert stage.texts() == ["the lounge is closed"]
    delivery = stage.delivery(id_)
    assert [a.state for a in delivery.attempts] == ["absent", "accepted"]
    assert delivery.attempts[0].idempotency_key != delivery.attempts[1].idempotency_key


def test_texts_alike_that_are_in_doubt_at_once_are_told_apart_without_asking(stage: Stage) -> None:
    for effect in ("reset_after", "reset_before", "reset_after"):
        stage.plant(effect)
    texts = [f"flight SN{n} leaves from gate 12" for n in (3591, 3592, 3593)]
    ids = [stage.queue(text) for text in texts]
    settle_all(stage, ids)
    assert sorted(stage.texts()) == texts
    assert [stage.delivery(i).state for i in ids] == ["published"] * 3


def settle_all(stage: Stage, ids: list[int], seconds: float = 8) -> None:
    """Drain and look until all are settled."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        stage.drain()
        stage.look()
        if all(stage.delivery(i).state in ("published", "failed", "cancelled", "needs_human") for i in ids):
            return
        time.sleep(0.05)
    raise AssertionError([(i, stage.delivery(i).state, stage.delivery(i).reason) for i in ids])
