"""X through the delivery engine: what goes out, in what order, and how the truth is found on
a network without keys that calls a doubtful send a duplicate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from channels.rehearsal.base import Fault
from guichet import models as m
from guichet.clock import utc_now
from guichet.delivery import operations
from guichet.delivery.payload import MediaRef, freeze
from guichet.policy import SYSTEM
from tests.channels.rig import sample_image
from tests.channels.x_rig import XRig
from tests.workers.hearing import answer, begin, looking, messages, receive_all
from tests.workers.stage import Stage, open_stage
from tests.workers.test_deliver import settle_all


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with XRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def with_picture(stage: Stage, alt: str) -> dict[str, object]:
    image = sample_image(alt)
    key = stage.runtime.store.put(image.open())
    ref = MediaRef(1, image.sha256, image.mime, image.size, image.filename, alt, key, image.width, image.height)
    return freeze(text="Our new gate", surface="public", media=(ref,))


def test_a_post_goes_out_with_its_picture_and_what_it_shows(stage: Stage) -> None:
    id_ = stage.queue("", payload=with_picture(stage, "Gate F7 at dawn"))
    stage.drain()
    delivery = stage.delivery(id_)
    (entry,) = stage.rig.published()
    assert (delivery.state, delivery.remote_id) == ("published", entry["remote_id"])
    assert (entry["text"], [f["alt"] for f in entry["media"]]) == ("Our new gate", ["Gate F7 at dawn"])
    assert delivery.remote_url == f"https://x.com/acme/status/{delivery.remote_id}"


def test_an_upload_that_fails_is_no_doubt_and_is_done_again(stage: Stage) -> None:
    stage.rig.network.plant(Fault("status_after", match=r"POST /2/media/upload/\d+/finalize"))
    id_ = stage.queue("", payload=with_picture(stage, "Gate F7"))
    stage.drain()
    delivery = stage.delivery(id_)
    assert (delivery.state, delivery.attempts) == ("due", [])
    with stage.session() as session:
        session.get_one(m.Delivery, id_).not_before = utc_now()
    settle_all(stage, [id_])
    assert len(stage.rig.published()) == 1


def test_a_thread_hangs_together(stage: Stage) -> None:
    first = stage.queue("one")
    second = stage.queue("two", kind="thread_item", item=1, predecessor_id=first)
    third = stage.queue("three", kind="thread_item", item=2, predecessor_id=second)
    settle_all(stage, [first, second, third])
    one, two, three = stage.rig.published()
    assert [e["text"] for e in (one, two, three)] == ["one", "two", "three"]
    assert (two["in_reply_to"], three["in_reply_to"]) == (one["remote_id"], two["remote_id"])


@pytest.mark.parametrize("effect", ["status_after", "reset_after", "garbage_after"])
def test_what_went_out_without_an_answer_is_found_and_not_sent_again(stage: Stage, effect: str) -> None:
    stage.plant(effect)
    id_ = stage.queue("the lounge is open")
    settle_all(stage, [id_])
    (entry,) = stage.rig.published()
    delivery = stage.delivery(id_)
    assert (delivery.state, delivery.remote_id) == ("published", entry["remote_id"])
    assert [a.state for a in delivery.attempts] == ["accepted"]


def test_a_duplicate_of_an_older_post_goes_to_a_person_and_is_not_tried_for_ever(stage: Stage) -> None:
    """The older one is known as another delivery: it is never taken for this one, and sent
    again this one would be called a duplicate again."""
    older = stage.queue("Merry Christmas")
    settle_all(stage, [older])
    again = stage.queue("Merry Christmas")
    settle_all(stage, [again])
    delivery = stage.delivery(again)
    assert (delivery.state, delivery.reason_code) == ("needs_human", "duplicate")
    assert [a.error_code for a in delivery.attempts] == ["duplicate", "duplicate"]
    assert delivery.remote_id is None
    assert len(stage.rig.published()) == 1


def test_a_post_is_taken_down_and_taking_it_down_again_is_done(stage: Stage) -> None:
    id_ = stage.queue("to be taken down")
    settle_all(stage, [id_])
    takedowns = []
    for _ in range(2):
        with stage.session() as session:
            account = session.get_one(m.Account, stage.account_id)
            published = session.get_one(m.Delivery, id_)
            takedowns.append(operations.take_down(session, SYSTEM, published, account, utc_now()).id)
    settle_all(stage, takedowns)
    assert [e["act"] for e in stage.rig.network.ledger()] == ["post", "delete"]


def test_an_answer_whose_outcome_was_lost_ends_the_wait_as_its_authors(stage: Stage) -> None:
    """The network shows us our own answer, with the mention it adds, before it was found."""
    begin(stage)
    stage.rig.say_publicly("Are you open on Sunday?")
    receive_all(stage)
    stage.plant("reset_after")
    answer(stage, messages(stage)[-1], "Yes, until noon.")
    with looking(stage) as session:
        assert session.scalars(select(m.Wait)).one().ended_at is None
    receive_all(stage)
    with looking(stage) as session:
        id_ = session.scalars(select(m.Delivery.id)).one()
    settle_all(stage, [id_])
    receive_all(stage)
    (out,) = messages(stage, "out")
    with looking(stage) as session:
        wait = session.scalars(select(m.Wait)).one()
    assert (wait.end_kind, wait.answered_by) == ("human_reply", out.staff_id)
    assert len(stage.rig.published()) == 1
