"""Results that come in groups: an odd one costs the others nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, true

from channels.contract import Receipt
from guichet.delivery import engine as engine_
from guichet.delivery.rules import after_receipt
from guichet.delivery.settling import Result
from tests.channels.mastodon_rig import MastodonRig
from tests.workers.stage import Stage, open_stage
from workers.committing import Committer, Outcome


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def started(stage: Stage, texts: list[str]) -> list[engine_.Claimed]:
    for text in texts:
        stage.queue(text)
    life, now = stage.process.living(), stage.runtime.now() + timedelta(seconds=1)
    with stage.runtime.engine.begin() as connection:
        claimed = engine_.claim(connection, life.worker_id, len(texts), now)
        wishes = [engine_.Start(c, "", {}) for c in claimed]
        assert len(engine_.start(connection, life.worker_id, wishes, now, true())) == len(texts)
    return claimed


def settle(stage: Stage, claimed: list[engine_.Claimed], remote_ids: list[str]) -> None:
    committer = Committer(stage.process, lambda: 8, lambda: False)
    for c, remote_id in zip(claimed, remote_ids, strict=True):
        verdict = after_receipt(Receipt(remote_id))
        result = Result(c.id, c.account_id, c.fence, c.kind, c.due_at, verdict, stage.runtime.now())
        committer.settle(Outcome(result, is_answer=False))
    committer.close()


def states(stage: Stage, claimed: list[engine_.Claimed]) -> list[tuple[str, str]]:
    return sorted((d.state, d.reason_code) for d in (stage.delivery(c.id) for c in claimed))


def test_two_that_were_given_one_remote_id_at_once_are_told_apart_by_a_person(stage: Stage) -> None:
    claimed = started(stage, ["one", "two", "three"])
    settle(stage, claimed, ["9", "9", "10"])
    assert states(stage, claimed) == [("needs_human", "remote_id_taken"), ("published", ""), ("published", "")]


def test_so_are_those_of_which_one_was_there_before(stage: Stage) -> None:
    before = started(stage, ["one"])
    settle(stage, before, ["9"])
    after = started(stage, ["two", "three"])
    settle(stage, after, ["9", "10"])
    assert states(stage, after) == [("needs_human", "remote_id_taken"), ("published", "")]


def test_what_waits_for_one_of_a_group_follows_it(stage: Stage) -> None:
    leader, other = started(stage, ["one", "two"])
    follower = stage.queue("below one", kind="thread_item", predecessor_id=leader.id)
    settle(stage, [leader, other], ["9", "10"])
    assert stage.delivery(follower).state == "due"
