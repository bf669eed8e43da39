"""What is told by mail, to whom, when, and once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guichet import models as m
from guichet.errors import Invalid
from guichet.letters import operations, rules
from guichet.policy import SYSTEM
from tests import factories as f
from tests.inbox.scene import Scene


def wants(scene: Scene, daily_at: str = "08:00", **choices: str) -> m.LetterWish:
    scene.agent.time_zone = "UTC"
    scene.session.flush()
    return operations.change_wish(scene.session, scene.actor(), choices, daily_at, scene.now)


def notice(scene: Scene, kind: str = "mention", **more: Any) -> m.Notice:
    conversation = more.pop("conversation", None) or f.make_conversation(scene.session, scene.account, state="open")
    row = m.Notice(
        staff_id=scene.agent.id, account_id=scene.account.id, conversation_id=conversation.id, kind=kind, at=scene.now,
        **more,
    )  # fmt: skip
    scene.session.add(row)
    scene.session.flush()
    return row


def plan(scene: Scene) -> list[m.Letter]:
    operations.plan(scene.session, SYSTEM, scene.agent.id, scene.now)
    return list(scene.session.query(m.Letter).order_by(m.Letter.id))


def told(scene: Scene, letter: m.Letter) -> dict[str, list[str]]:
    written = operations.read_letter(scene.session, SYSTEM, letter.id, scene.now)
    return {} if written is None else {s: [i.page for i in items] for s, items in written.found.items()}


def test_at_once_is_only_while_no_page_is_open_and_gathers(scene: Scene) -> None:
    wants(scene, mentioned="soon")
    scene.agent.seen_at = scene.now
    scene.later(minutes=1)
    first = notice(scene)
    assert plan(scene) == []  # a page was open a minute ago
    scene.later(minutes=5)
    second = notice(scene)
    scene.later(minutes=1)
    (letter,) = plan(scene)
    assert told(scene, letter) == {"mentioned": [f"/inbox/{first.conversation_id}", f"/inbox/{second.conversation_id}"]}
    third = notice(scene)
    scene.later(minutes=4)
    assert len(plan(scene)) == 1  # not another so soon
    scene.later(minutes=10)
    letters = plan(scene)
    assert [told(scene, one) for one in letters[1:]] == [{"mentioned": [f"/inbox/{third.conversation_id}"]}]
    scene.later(hours=1)
    assert len(plan(scene)) == 2


def test_what_just_happened_waits_for_what_follows(scene: Scene) -> None:
    wants(scene, mentioned="soon")
    scene.later(minutes=1)
    notice(scene)
    assert plan(scene) == []
    scene.later(minutes=1)
    notice(scene)
    scene.later(minutes=2)
    (letter,) = plan(scene)
    assert len(told(scene, letter)["mentioned"]) == 2


def test_every_hour_and_once_a_day_come_once_and_only_with_news(scene: Scene) -> None:
    wants(scene, "16:00", mentioned="hourly", due="daily")
    scene.agent.seen_at = scene.now
    scene.later(minutes=1)
    notice(scene)
    notice(scene, "late")
    assert plan(scene) == []
    scene.now = scene.now.replace(hour=scene.now.hour + 1, minute=1)
    assert [one.rhythm for one in plan(scene)] == ["hourly"]
    assert len(plan(scene)) == 1
    scene.later(hours=1)
    assert len(plan(scene)) == 1  # nothing new
    scene.now = scene.now.replace(hour=16, minute=1)
    assert [one.rhythm for one in plan(scene)] == ["hourly", "daily"]
    assert len(plan(scene)) == 2
    scene.later(days=1)
    assert len(plan(scene)) == 2


def test_quiet_hours_and_absences_are_told_of_afterwards(scene: Scene) -> None:
    wants(scene, mentioned="soon")
    scene.agent.quiet_from, scene.agent.quiet_until = "00:00", "23:00"
    scene.later(minutes=1)
    notice(scene)
    scene.later(minutes=10)
    assert plan(scene) == []
    scene.agent.quiet_from = scene.agent.quiet_until = ""
    scene.agent.absent_until = scene.now + timedelta(days=1)
    assert plan(scene) == []
    scene.agent.absent_until = None
    assert len(plan(scene)) == 1


def test_what_was_seen_or_is_no_longer_theirs_to_see_is_not_told(scene: Scene) -> None:
    wants(scene, mentioned="soon")
    scene.later(minutes=1)
    seen = notice(scene)
    scene.later(minutes=5)
    (letter,) = plan(scene)
    assert told(scene, letter)
    seen.seen_at = scene.now
    scene.session.flush()
    assert told(scene, letter) == {}
    seen.seen_at = None
    scene.session.flush()
    assert told(scene, letter)
    scene.session.query(m.Grant).filter_by(staff_id=scene.agent.id).delete()
    assert told(scene, letter) == {}


def test_who_left_is_written_nothing(scene: Scene) -> None:
    wants(scene, mentioned="soon")
    scene.later(minutes=1)
    notice(scene)
    scene.later(minutes=5)
    (letter,) = plan(scene)
    scene.agent.disabled_at = scene.now
    scene.session.flush()
    assert told(scene, letter) == {}
    assert operations.list_wishes(scene.session, SYSTEM) == []
    scene.later(minutes=30)
    assert len(plan(scene)) == 1


def test_switched_off_even_what_waits_stays_here(scene: Scene) -> None:
    wish = wants(scene, mentioned="soon")
    scene.later(minutes=1)
    notice(scene)
    scene.later(minutes=5)
    (letter,) = plan(scene)
    operations.switch_off(scene.session, scene.actor(), scene.now)
    scene.session.refresh(letter)
    assert (wish.choices, letter.state, letter.next_at) == ({}, "dropped", None)
    assert told(scene, letter) == {}


def test_two_who_send_at_once_send_once_and_who_died_sends_no_second(scene: Scene) -> None:
    wants(scene, mentioned="soon")
    scene.later(minutes=1)
    notice(scene)
    scene.later(minutes=5)
    (letter,) = plan(scene)
    (claim,) = operations.claim_letters(scene.session, SYSTEM, scene.now)
    assert operations.claim_letters(scene.session, SYSTEM, scene.now) == []
    scene.later(minutes=4)
    assert operations.is_anything_due(scene.session, SYSTEM, scene.now)
    assert operations.claim_letters(scene.session, SYSTEM, scene.now) == []
    scene.session.refresh(letter)
    assert (letter.state, letter.next_at) == ("unclear", None)
    operations.settle(scene.session, SYSTEM, claim, scene.now, state="sent")  # it comes back: too late to be heard
    last = operations.last_letter(scene.session, scene.actor())
    assert last is not None
    assert last.state == "unclear"


def test_what_was_not_taken_is_tried_again_and_given_up_for_all_to_see(scene: Scene) -> None:
    wants(scene, mentioned="soon")
    scene.later(minutes=1)
    notice(scene)
    scene.later(minutes=5)
    (letter,) = plan(scene)
    waits = []
    for _ in range(len(rules.BACKOFF) + 1):
        (claim,) = operations.claim_letters(scene.session, SYSTEM, scene.now)
        operations.settle(scene.session, SYSTEM, claim, scene.now, state="failed", said="away", again=True)
        scene.session.refresh(letter)
        if letter.next_at is not None:
            waits.append((letter.next_at - scene.now).total_seconds())
            scene.now = letter.next_at
    assert (tuple(waits), letter.state, letter.said) == (rules.BACKOFF, "failed", "away")


def test_each_subject_finds_its_own(scene: Scene) -> None:
    wants(scene, **dict.fromkeys(rules.SUBJECTS, "soon"))
    scene.later(minutes=1)
    kinds = {"mentioned": "team_mention", "due": "late", "followed": "message"}
    pages = {subject: [f"/inbox/{notice(scene, kind).conversation_id}"] for subject, kind in kinds.items()}
    given = f.make_conversation(scene.session, scene.account, state="open", assignee_id=scene.agent.id)
    own = f.make_conversation(scene.session, scene.account, state="open", assignee_id=scene.agent.id)
    for one, by in ((given, scene.colleague.id), (own, scene.agent.id)):
        event = m.ConversationEvent(conversation_id=one.id, at=scene.now, kind="assigned", staff_id=by, data={})
        scene.session.add(event)
    failed = f.make_conversation(scene.session, scene.account, state="open")
    f.make_delivery(
        scene.session, scene.account, kind="reply", state="failed", is_answer=True, conversation_id=failed.id,
        actor_id=scene.agent.id, updated_at=scene.now,
    )  # fmt: skip
    post = m.Post(brand_id=scene.account.brand_id, author_id=scene.agent.id, created_at=scene.now, updated_at=scene.now)
    scene.session.add(post)
    scene.session.flush()
    f.make_grant(scene.session, scene.agent, scene.account, "author")
    review = m.Review(
        post_id=post.id, account_id=scene.account.id, state="rejected", content_hash="0", steps=[], step_at=scene.now,
        asked_at=scene.now, settled_by=scene.colleague.id, settled_at=scene.now,
    )  # fmt: skip
    scene.session.add(review)
    f.make_delivery(scene.session, scene.account, state="needs_human", post_id=post.id, updated_at=scene.now)
    scene.session.flush()
    scene.later(minutes=5)
    (letter,) = plan(scene)
    of_post = [f"/compose/{post.id}"]
    assert told(scene, letter) == {
        **pages, "assigned": [f"/inbox/{given.id}"], "answers": [f"/inbox/{failed.id}"], "approvals": of_post,
        "posts": of_post,
    }  # fmt: skip
    scene.session.query(m.Grant).filter_by(staff_id=scene.agent.id).delete()
    assert told(scene, letter) == {}


def test_what_cannot_be_is_refused_by_name(scene: Scene) -> None:
    with pytest.raises(Invalid) as e:
        wants(scene, "25:00", mentioned="pigeon", weather="daily")
    assert set(e.value.fields) == {"choices.mentioned", "choices.weather", "daily_at"}


def test_ones_wish_is_ones_own(scene: Scene) -> None:
    wants(scene, mentioned="soon")
    assert operations.find_wish(scene.session, scene.actor(scene.colleague)) is None


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-03-29T01:30:00", "2026-03-29T01:30:00"),  # 02:30 is skipped: 03:30 there
        ("2026-03-29T01:29:00", "2026-03-28T01:30:00"),
        ("2026-10-25T00:31:00", "2026-10-25T00:30:00"),  # 02:30 comes twice: the first
        ("2026-10-25T01:45:00", "2026-10-25T00:30:00"),
    ],
)
def test_once_a_day_is_once_where_clocks_change(now: str, at: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert rules.last_day("02:30", "Europe/Paris", moment) == datetime.fromisoformat(at).replace(tzinfo=UTC)
