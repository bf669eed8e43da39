"""The round on every network: a customer speaks, is heard once in the right conversation,
is answered in the right place; what they change or take back is changed or gone here too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select

from channels.contract import Draft, Surface, Target
from guichet import models as m
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.email_rig import EmailRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig
from tests.channels.x_rig import XRig
from tests.workers.hearing import answer, begin, count, looking, messages, receive_all, texts
from tests.workers.stage import Stage, open_stage
from workers import receive

RIGS: dict[str, type[Rig]] = {"x": XRig, "mastodon": MastodonRig, "bluesky": BlueskyRig, "email": EmailRig}
OTHER = {"x": "omar", "mastodon": "omar", "bluesky": "omar.test", "email": "omar"}


@pytest.fixture
def stage(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with RIGS[request.param]() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield begin(stage)


def on(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", names, indirect=True)


def spoken_by(stage: Stage, customer: str) -> Rig:
    """The bench, with this customer at it."""
    stage.rig.customer = customer  # of this bench alone
    return stage.rig


def publish(stage: Stage, text: str) -> str:
    """A post of ours, through the engine; its remote id."""
    id_ = stage.queue(text)
    stage.drain()
    remote_id = stage.delivery(id_).remote_id
    assert remote_id
    return remote_id


@on(*RIGS)
def test_customers_are_heard_once_each_in_a_conversation_of_their_own_and_answered_there(stage: Stage) -> None:
    rig, mail = stage.rig, stage.rig.spec.name == "email"
    one = rig.say_publicly("Where is my parcel?")
    two = spoken_by(stage, OTHER[rig.spec.name]).say_publicly("Are you open on Sunday?")
    for _ in range(3):  # the same pages again
        receive_all(stage)

    heard = {message.remote_id: message for message in messages(stage)}
    assert set(heard) == {one, two}
    assert len(messages(stage)) == 2
    assert heard[one].conversation_id != heard[two].conversation_id
    assert all(message.received_at >= message.remote_at for message in heard.values())

    answer(stage, heard[two], "Yes, until noon.")
    entry = rig.published()[-1]
    assert (entry["in_reply_to"], rig.addressees(entry)) == (two, {rig.customer})
    for _ in range(2):  # our own words come back as an echo, and are known
        receive_all(stage)
    with looking(stage) as session:
        waits = {w.conversation_id: w.end_kind for w in session.scalars(select(m.Wait))}
    assert waits == {heard[two].conversation_id: "human_reply", heard[one].conversation_id: None}
    assert [out.remote_id for out in messages(stage, "out")] == [entry["remote_id"]]

    thanks = rig.say_publicly("Thank you!", in_reply_to=entry["remote_id"])
    receive_all(stage)
    last = messages(stage)[-1]
    assert last.remote_id == thanks
    assert last.conversation_id == heard[two].conversation_id
    assert last.kind == ("mail" if mail else "reply")


@on("x", "mastodon", "bluesky")
def test_under_a_post_of_ours_and_in_private_each_speaks_in_its_own_place(stage: Stage) -> None:
    rig = stage.rig
    post = publish(stage, "What would you like to see in the spring?")
    below = rig.say_publicly("Longer opening hours", in_reply_to=post)
    private = rig.say_directly("And my invoice is wrong")
    other = spoken_by(stage, OTHER[rig.spec.name]).say_publicly("Flowers", in_reply_to=post)
    receive_all(stage)

    heard = {message.remote_id: message for message in messages(stage)}
    assert set(heard) == {below, private, other}
    with looking(stage) as session:
        conversations = {c.id: c for c in session.scalars(select(m.Conversation))}
    assert len(conversations) == 3
    for id_ in (below, other):
        conversation = conversations[heard[id_].conversation_id]
        assert (conversation.thread_root, conversation.above["remote_id"]) == (post, post)
    assert conversations[heard[private].conversation_id].surface == Surface.DIRECT

    rig.customer = XRig.customer if rig.spec.name == "x" else type(rig).customer
    answer(stage, heard[private], "We are looking into it.")
    entry = rig.published()[-1]
    assert (rig.surface_of(entry), rig.addressees(entry)) == (Surface.DIRECT, {rig.customer})
    receive_all(stage)
    assert len(messages(stage, "out")) == 1
    assert len(messages(stage)) == 3


@on(*RIGS)
def test_what_was_said_while_we_were_away_comes_in_order(stage: Stage) -> None:
    said = [stage.rig.say_publicly(f"While you were away {n}") for n in range(12)]
    receive_all(stage)
    assert [message.remote_id for message in messages(stage)] == said
    with looking(stage) as session:
        by_time = session.scalars(select(m.Message.remote_id).order_by(m.Message.sort_at, m.Message.id)).all()
    assert by_time == said


@on("mastodon", "x")
def test_an_edit_is_kept_as_a_version(stage: Stage) -> None:
    said = stage.rig.say_publicly("Where is my parcel?")
    receive_all(stage)
    stage.rig.network.say(stage.rig.customer, "Where are my two parcels?", edit=said)
    for _ in range(2):
        receive_all(stage)
    (message,) = messages(stage)
    assert message.text.endswith("Where are my two parcels?")
    assert message.edited_at is not None
    with looking(stage) as session:
        (version,) = session.scalars(select(m.MessageVersion)).all()
        assert version.text.endswith("Where is my parcel?")
        assert session.scalars(select(m.Wait)).one().ended_at is None


@on("mastodon", "bluesky")
def test_a_deletion_leaves_a_tombstone_and_ends_the_wait_as_withdrawn(stage: Stage) -> None:
    said = stage.rig.say_publicly("My password is hunter2")
    kept = stage.rig.say_publicly("Where is my parcel?")
    receive_all(stage)
    stage.rig.network.say(stage.rig.customer, "", delete=said)
    for _ in range(2):
        receive_all(stage)
    found = {message.remote_id: message for message in messages(stage)}
    assert (found[said].text, found[said].deleted_at is not None) == ("", True)
    assert found[kept].deleted_at is None
    with looking(stage) as session:
        ended = {w.opened_by_message_id: w.end_kind for w in session.scalars(select(m.Wait))}
    assert ended == {found[said].id: "withdrawn", found[kept].id: None}


@on("mastodon", "bluesky")
def test_what_was_taken_back_long_after_is_noticed_while_it_may_still_be_answered(stage: Stage) -> None:
    """More was said since than the network lists at once, so only asking about it tells."""
    old = stage.rig.say_publicly("My password is hunter2")
    receive_all(stage)
    with stage.session() as session:  # as if a hundred others had come since
        session.execute(delete(m.PollCursor).where(m.PollCursor.stream != receive.RECHECK))
    stage.rig.network.say(stage.rig.customer, "", delete=old)
    new = stage.rig.say_publicly("Where is my parcel?")
    for _ in range(2):
        receive_all(stage)
    found = {message.remote_id: message for message in messages(stage)}
    assert (found[old].text, found[old].deleted_at is not None) == ("", True)
    assert (found[new].text.endswith("parcel?"), found[new].deleted_at) == (True, None)


@on("mastodon", "bluesky")
def test_rechecking_goes_round_a_few_at_a_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "RECHECKED", 2)
    said = [stage.rig.say_publicly(f"Question {n}") for n in range(5)]
    receive_all(stage)
    asked_after = []
    for _ in range(4):
        with looking(stage) as session:
            asked_after.append(session.get_one(m.PollCursor, (stage.account_id, receive.RECHECK)).value)
        receive_all(stage)
    ids = {message.remote_id: message.id for message in messages(stage)}
    assert [v["after"] for v in asked_after] == [0, ids[said[1]], ids[said[3]], 0]


@on("x", "mastodon", "bluesky")
def test_an_answer_given_in_the_networks_own_app_ends_the_wait(stage: Stage) -> None:
    asked = stage.rig.say_publicly("Are you open on Sunday?")
    receive_all(stage)
    before = count(stage, m.Delivery)
    _answer_elsewhere(stage, asked)
    for _ in range(2):
        receive_all(stage)
    with looking(stage) as session:
        wait = session.scalars(select(m.Wait)).one()
        assert (wait.end_kind, wait.answered_by) == ("answered_elsewhere", None)
    assert len(texts(stage, "out")) == 1
    assert count(stage, m.Delivery) == before


def _answer_elsewhere(stage: Stage, asked: str) -> None:
    """As somebody with the network's own app in hand."""
    heard = messages(stage)[-1]
    with looking(stage) as session:
        author = session.get_one(m.Identity, heard.identity_id)
        conversation = session.get_one(m.Conversation, heard.conversation_id)
        surface = Surface(conversation.surface)
        target = Target(asked, author.remote_id, author.handle, conversation.thread_root, surface, heard.context)
    text = stage.rig.spec.answer_text("Yes!", target) if stage.rig.spec.answer_text else "Yes!"
    connection = stage.rig.connect()
    stage.rig.begin(connection, Draft(text, surface=surface, reply_to=target)).send()
