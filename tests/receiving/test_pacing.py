"""Who writes too often: everything is kept, in one place, and nobody is told of each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from channels.contract import InboundKind, Surface
from guichet import models as m
from guichet.errors import NotAllowed
from guichet.inbox import followers, merging, notices
from guichet.inbox import operations as inbox
from guichet.policy import SYSTEM
from guichet.receiving import operations as receiving
from guichet.receiving import pace_rules, pacing
from tests import factories as f
from tests.inbox.scene import Scene, echo, said

MAIL: dict[str, Any] = {"kind": InboundKind.MAIL, "surface": Surface.MAIL}
MOST = pace_rules.MOST["mail"]
FIRST = MOST + 1  # a stranger's first message is not counted yet


def mails(scene: Scene, count: int, seconds: float = 2, start: int = 0, **more: Any) -> list[m.Message]:
    """Each of them begins a thread of its own."""
    return [
        scene.hears(said(f"Mail {n}", remote_at=scene.later(seconds=seconds), **{"root": f"root-{n}", **MAIL, **more}))[
            0
        ]
        for n in range(start, start + count)
    ]


def homes(messages: list[m.Message]) -> list[int]:
    return list(dict.fromkeys(message.conversation_id for message in messages))


def events(scene: Scene, kind: str) -> int:
    row = m.ConversationEvent
    scene.session.flush()
    return scene.session.scalar(select(func.count()).select_from(row).where(row.kind == kind)) or 0


# ---------------------------------------------------------------- the rules alone


def paces(gaps: list[float], *, surface: str = "mail", automatic: bool = False) -> pace_rules.Pace:
    at, pace = f.NOW, None
    for gap in gaps:
        at += timedelta(seconds=gap)
        pace = pace_rules.after(pace, at, surface=surface, automatic=automatic)
    assert pace is not None
    return pace


def test_somebody_may_write_as_often_as_the_bucket_holds_and_once_more_is_too_often() -> None:
    assert paces([0] * MOST).rushing_since is None
    assert paces([0] * (MOST + 1)).rushing_since == f.NOW
    assert paces([0] * (MOST // 2), automatic=True).rushing_since is None
    assert paces([0] * (MOST // 2 + 1), automatic=True).rushing_since == f.NOW
    assert paces([0] * (MOST + 1), surface="direct").rushing_since is None
    assert paces([0] * (pace_rules.MOST_ELSEWHERE + 1), surface="direct").rushing_since == f.NOW


def test_who_writes_at_an_even_pace_below_the_rate_never_writes_too_often() -> None:
    assert paces([pace_rules.WINDOW.total_seconds() / MOST] * 1000).rushing_since is None


def test_it_is_over_after_quiet_and_not_before() -> None:
    rush = paces([0] * 500)
    assert (rush.count, pace_rules.is_rushing(rush, rush.at)) == (500 - MOST, True)
    nearly = rush.at + pace_rules.QUIET - timedelta(seconds=1)
    assert pace_rules.is_rushing(rush, nearly)
    assert pace_rules.after(rush, nearly, surface="mail", automatic=False).count == rush.count + 1
    over = rush.at + pace_rules.QUIET
    assert not pace_rules.is_rushing(rush, over)
    assert pace_rules.after(rush, over, surface="mail", automatic=False) == pace_rules.Pace(1, over)


@given(st.lists(st.floats(-7200, 7200), min_size=1, max_size=60))
def test_what_arrives_out_of_order_never_empties_the_bucket_below_what_order_would(gaps: list[float]) -> None:
    moments = [f.NOW + timedelta(seconds=sum(gaps[:n])) for n in range(1, len(gaps) + 1)]
    pace = None
    for at in moments:
        before, pace = pace, pace_rules.after(pace, at, surface="mail", automatic=False)
        assert 0 < pace.level <= MOST + pace_rules.BY_MACHINE
        if before is not None and at < before.at:
            assert pace.level >= min(before.level, MOST)
            assert pace.at == before.at


# ---------------------------------------------------------------- in the inbox


def test_a_flood_is_kept_whole_and_gathered_in_one_conversation(scene: Scene) -> None:
    heard = mails(scene, FIRST + 30)
    assert len({message.id for message in heard}) == FIRST + 30
    assert len(homes(heard)) == FIRST + 1
    assert len(homes(heard[FIRST:])) == 1
    gathering = scene.conversation_of(heard[-1])
    rush = pacing.find_rush(scene.session, gathering, scene.now)
    assert rush is not None
    assert (rush.count, rush.conversation_id) == (30, gathering.id)
    assert pacing.find_rush(scene.session, scene.conversation_of(heard[0]), scene.now) == rush
    assert events(scene, "rush_began") == 1


def test_nobody_else_is_touched_by_it(scene: Scene) -> None:
    mails(scene, FIRST + 5)
    others = mails(scene, 3, who="other", start=500)
    assert len(homes(others)) == 3
    direct = [scene.customer_says(f"Line {n}", surface=Surface.DIRECT, root=f"talk-{n}") for n in range(2)]
    assert len(homes(direct)) == 2
    assert pacing.find_rush(scene.session, scene.conversation_of(others[0]), scene.now) is None
    assert pacing.find_rush(scene.session, scene.conversation_of(direct[0]), scene.now) is None


def test_who_follows_is_told_of_the_first_and_of_no_other(scene: Scene) -> None:
    first = mails(scene, 1)[0]
    home = scene.conversation_of(first)
    followers.follow(scene.session, scene.actor(), home, scene.now)
    for n in range(MOST + 30):
        scene.hears(said(f"Again {n}", remote_at=scene.later(seconds=1), root="root-0", in_reply_to="x", **MAIL))
    (told,) = notices.list_notices(scene.session, scene.actor())[0]
    assert told.notice.count == FIRST  # the last of them is the one with which it began
    assert home.message_count == MOST + 31


def test_an_answer_to_a_gathered_mail_stays_in_the_conversation_that_took_it(scene: Scene) -> None:
    heard = mails(scene, FIRST + 5)
    gathered = heard[-1]
    scene.later(hours=2)
    back = scene.hears(
        said("Thank you", remote_at=scene.now, root=str(gathered.remote_id), in_reply_to="ours", **MAIL),
        said("Stranger", remote_at=scene.now, root=str(gathered.remote_id), in_reply_to="ours", who="other", **MAIL),
    )
    assert back[0].conversation_id == gathered.conversation_id
    assert back[1].conversation_id != gathered.conversation_id
    ours = echo("From our own mail program", remote_at=scene.now, root=str(gathered.remote_id), surface=Surface.MAIL)
    scene.hears(ours)
    spoken = scene.session.scalars(select(m.Message).where(m.Message.remote_id == ours.remote_id)).one()
    assert spoken.conversation_id == gathered.conversation_id


def test_a_form_that_writes_for_many_is_never_gathered(scene: Scene) -> None:
    heard = mails(scene, FIRST + 10, answers_elsewhere=True)
    assert len(homes(heard)) == FIRST + 10
    assert pacing.find_rush(scene.session, scene.conversation_of(heard[0]), scene.now) is not None


def test_what_came_in_an_outage_is_judged_by_when_it_was_sent_but_a_forged_date_is_not_believed(scene: Scene) -> None:
    slowly = [f.NOW - timedelta(days=2) + timedelta(hours=n) for n in range(FIRST + 10)]
    scene.now = f.NOW
    honest = [
        scene.hears(said(f"{n}", remote_at=at, arrived_at=at, root=f"slow-{n}", **MAIL))[0]
        for n, at in enumerate(slowly)
    ]  # fmt: skip
    assert len(homes(honest)) == FIRST + 10
    forged = [
        scene.hears(said(f"{n}", remote_at=at, arrived_at=f.NOW, root=f"forged-{n}", who="liar", **MAIL))[0]
        for n, at in enumerate(slowly)
    ]
    assert len(homes(forged)) == FIRST + 1


def test_after_quiet_each_thread_has_its_own_conversation_again(scene: Scene) -> None:
    before = mails(scene, FIRST + 5)
    scene.later(minutes=61)
    assert pacing.find_rush(scene.session, scene.conversation_of(before[-1]), scene.now) is None
    after = mails(scene, 2, start=200)
    assert len(homes(after)) == 2
    assert not set(homes(after)) & set(homes(before))


def test_it_is_ended_by_hand_and_counted_anew(scene: Scene) -> None:
    before = mails(scene, FIRST + 5)
    gathering = scene.conversation_of(before[-1])
    viewer = f.make_staff(scene.session)
    f.make_grant(scene.session, viewer, scene.account, "viewer")
    with pytest.raises(NotAllowed):
        receiving.end_rush(scene.session, scene.actor(viewer), gathering, scene.now)
    receiving.end_rush(scene.session, scene.actor(), gathering, scene.now)
    receiving.end_rush(scene.session, scene.actor(), gathering, scene.now)  # twice does no harm
    assert events(scene, "rush_ended") == 1
    assert pacing.find_rush(scene.session, gathering, scene.now) is None
    assert len(homes(mails(scene, MOST, start=200, seconds=0))) == MOST
    again = mails(scene, 2, start=300, seconds=0)
    assert len(homes(again)) == 1
    assert homes(again)[0] != gathering.id  # what was ended takes no more


def test_the_gathering_follows_a_merge_and_begins_anew_once_closed(scene: Scene) -> None:
    before = mails(scene, FIRST + 2)
    first, gathering = scene.conversation_of(before[0]), scene.conversation_of(before[-1])
    merging.merge(scene.session, scene.actor(), gathering, into=first, now=scene.now)
    assert homes(mails(scene, 1, start=100)) == [first.id]
    inbox.close(scene.session, scene.actor(), first, scene.now)
    anew = mails(scene, 3, start=200)
    assert len(homes(anew)) == 1
    assert homes(anew)[0] not in (first.id, gathering.id)


def test_what_is_old_is_forgotten(scene: Scene) -> None:
    mails(scene, 2)
    receiving.forget_old_paces(scene.session, SYSTEM, scene.now)
    assert scene.session.query(m.SenderPace).count() == 1
    receiving.forget_old_paces(scene.session, SYSTEM, scene.now + timedelta(hours=3))
    assert scene.session.query(m.SenderPace).count() == 0
