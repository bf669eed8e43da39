"""Followers, calls by name and what people are told: no more than they may read, for as long."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import live
from guichet import models as m
from guichet.errors import Invalid, NotFound
from guichet.inbox import followers, notices, seeing
from guichet.inbox import operations as inbox
from guichet.inbox.queries import Filters, count_conversations, list_conversations
from guichet.inbox.rows import read_rows
from guichet.policy import SYSTEM, Action, can, load_actor, who_may
from tests import factories as f
from tests.inbox.scene import SPEC, Scene


@pytest.fixture
def conversation(scene: Scene) -> m.Conversation:
    scene.colleague.name, scene.colleague.email = "Jonas Weber", "j.weber@example.org"
    return scene.conversation_of(scene.customer_says())


def note(scene: Scene, conversation: m.Conversation, text: str) -> m.Message:
    return inbox.note(scene.session, scene.actor(), conversation, text=text, now=scene.now)


def told(scene: Scene, staff: m.Staff) -> list[tuple[str, int, bool]]:
    """Kind, count and whether it was seen, newest first."""
    found, _ = notices.list_notices(scene.session, scene.actor(staff))
    return [(one.notice.kind, one.notice.count, one.notice.seen_at is not None) for one in found]


def following(scene: Scene, conversation: m.Conversation) -> set[int]:
    return {s.id for s in followers.read_followers(scene.session, scene.actor(), conversation, scene.now)}


def test_who_is_called_is_told_and_follows_and_so_does_who_calls(scene: Scene, conversation: m.Conversation) -> None:
    made = note(scene, conversation, "@jonas weber, is the group desk open?")
    assert told(scene, scene.colleague) == [("mention", 1, False)]
    assert told(scene, scene.agent) == []
    assert following(scene, conversation) == {scene.agent.id, scene.colleague.id}
    assert made.context["called"] == ["Jonas Weber"]
    scene.later(minutes=1)
    inbox.note(scene.session, scene.actor(scene.colleague), conversation, text="It is.", now=scene.now)
    assert told(scene, scene.agent) == [("note", 1, False)]
    assert told(scene, scene.colleague) == [("mention", 1, False)]


def test_a_team_is_called_as_far_as_its_members_may_read_it(scene: Scene, conversation: m.Conversation) -> None:
    stranger, gone = f.make_staff(scene.session), f.make_staff(scene.session)
    for person in (stranger, gone):
        f.make_grant(scene.session, person, f.make_account(scene.session), "agent")
    f.make_grant(scene.session, gone, scene.account, "agent", ends_at=scene.now)
    team = f.make_team(scene.session, scene.agent, scene.colleague, stranger, gone, name="Night desk")
    f.make_team(scene.session, stranger, name="Elsewhere")
    people, teams = followers.read_readers(scene.session, scene.actor(), conversation, scene.now)
    assert ({p.id for p in people}, [t.id for t in teams]) == ({scene.agent.id, scene.colleague.id}, [team.id])
    note(scene, conversation, f"@night desk and @{stranger.name} and @elsewhere: see above")
    assert told(scene, scene.colleague) == [("team_mention", 1, False)]
    assert told(scene, stranger) == told(scene, gone) == []
    assert following(scene, conversation) == {scene.agent.id, scene.colleague.id}
    assert set(scene.session.scalars(select(m.ConversationFollower.staff_id))) == {scene.agent.id, scene.colleague.id}


def test_who_follows_is_told_of_everything_together_until_it_is_seen(
    scene: Scene, conversation: m.Conversation
) -> None:
    inbox.follow(scene.session, scene.actor(scene.colleague), conversation, scene.now)
    inbox.follow(scene.session, scene.actor(scene.colleague), conversation, scene.now)
    for _ in range(2):
        scene.later(minutes=1)
        scene.customer_says("Hello?")
    inbox.reply(
        scene.session, scene.actor(), conversation, spec=SPEC, text="Here", then_close=True,
        seen_through=conversation.last_message_id or 0, now=scene.later(minutes=1),
    )  # fmt: skip
    assert sorted(told(scene, scene.colleague)) == [("answer", 1, False), ("closed", 1, False), ("message", 2, False)]
    assert notices.count_unseen(scene.session, scene.actor(scene.colleague)) == 3
    through = conversation.last_message_id
    seeing.mark_seen(scene.session, scene.actor(scene.colleague), conversation, through=through, now=scene.now)
    assert {seen for *_, seen in told(scene, scene.colleague)} == {True}
    scene.later(minutes=1)
    scene.customer_says("And?")
    assert told(scene, scene.colleague)[0] == ("message", 1, False)
    inbox.unfollow(scene.session, scene.actor(scene.colleague), conversation, scene.now)
    scene.customer_says("And??")
    assert notices.count_unseen(scene.session, scene.actor(scene.colleague)) == 1


def is_called(scene: Scene, conversation: m.Conversation) -> bool:
    (row,) = read_rows(scene.session, [conversation.id], scene.colleague.id)
    return row.is_called


def test_what_was_not_read_yet_stays_unseen(scene: Scene, conversation: m.Conversation) -> None:
    first = note(scene, conversation, "@j.weber one")
    note(scene, conversation, "@j.weber two")
    actor = scene.actor(scene.colleague)
    seeing.mark_seen(scene.session, actor, conversation, through=first.id, now=scene.now)
    assert [seen for *_, seen in told(scene, scene.colleague)] == [False, True]
    assert is_called(scene, conversation)
    mine = notices.list_notices(scene.session, actor, unseen=True)[0]
    inbox.see_notices(scene.session, scene.actor(), [mine[0].notice.id], scene.now)  # somebody else's: nothing
    assert notices.count_unseen(scene.session, actor) == 1
    inbox.see_notices(scene.session, actor, None, scene.now)
    assert not is_called(scene, conversation)


def test_all_of_it_ends_with_the_right(scene: Scene, conversation: m.Conversation) -> None:
    session = scene.session
    note(scene, conversation, "@Jonas Weber")
    session.execute(m.Grant.__table__.delete().where(m.Grant.staff_id == scene.colleague.id))
    live.number_new(session, SYSTEM)
    actor = scene.actor(scene.colleague)
    assert told(scene, scene.colleague) == []
    assert notices.count_unseen(session, actor) == 0
    assert following(scene, conversation) == {scene.agent.id}
    assert count_conversations(session, actor, Filters(is_followed=True)).n == 0
    assert [e for e in live.read_after(session, actor, 0) if e.kind == "notice"] == []
    note(scene, conversation, "@Jonas Weber, again")
    assert len(session.scalars(select(m.Notice).where(m.Notice.staff_id == scene.colleague.id)).all()) == 1
    for act in (inbox.follow, inbox.unfollow):
        with pytest.raises(NotFound):
            act(session, actor, conversation, scene.now)
    with pytest.raises(NotFound):
        followers.read_readers(session, actor, conversation, scene.now)
    with pytest.raises(Invalid):
        inbox.follow(session, SYSTEM, conversation, scene.now)


def test_the_views_hold_what_one_follows_and_where_one_was_called(scene: Scene, conversation: m.Conversation) -> None:
    session, theirs = scene.session, scene.actor(scene.colleague)
    called = scene.conversation_of(scene.customer_says("Another", root="other"))
    inbox.follow(session, theirs, conversation, scene.now)
    note(scene, called, "@Jonas Weber")

    def shown(**filters: object) -> set[int]:
        return {row.id for row in list_conversations(session, theirs, Filters(**filters)).items}

    assert shown(is_followed=True) == shown(text="is:followed") == {conversation.id, called.id}
    assert shown(is_mentioned=True) == shown(text="est:mentionnée") == {called.id}
    assert count_conversations(session, theirs, Filters(is_mentioned=True)).n == 1
    assert count_conversations(session, scene.actor(), Filters(is_mentioned=True)).n == 0
    inbox.unfollow(session, theirs, called, scene.now)
    assert shown(is_mentioned=True) == set()


def test_a_page_goes_on_where_the_last_one_ended_and_old_ones_are_forgotten(
    scene: Scene, conversation: m.Conversation
) -> None:
    actor = scene.actor(scene.colleague)
    for number in range(3):
        note(scene, conversation, f"@Jonas Weber {number}")
        scene.later(minutes=1)
    first, cursor = notices.list_notices(scene.session, actor, limit=2)
    rest, end = notices.list_notices(scene.session, actor, after=cursor, limit=2)
    said = [one.message.text[-1] for one in (*first, *rest) if one.message]
    assert (said, end) == (["2", "1", "0"], "")
    inbox.forget_old_notices(scene.session, SYSTEM, scene.now + notices.KEPT)
    assert told(scene, scene.colleague) == []


def test_who_may_do_something_is_the_same_for_all_as_for_one(session: Session) -> None:
    """Every role, held directly or through a team, on the account or its brand, ended or not."""
    account, other = f.make_account(session), f.make_account(session)
    for role in ("viewer", "agent", "author", "publisher", "manager"):
        direct, member = f.make_staff(session), f.make_staff(session)
        f.make_grant(session, direct, account, role)
        team = f.make_team(session, member)
        session.add(m.Grant(team_id=team.id, brand_id=account.brand_id, role=role, created_at=f.NOW))
    ended, elsewhere, gone = (f.make_staff(session) for _ in range(3))
    f.make_grant(session, ended, account, "manager", ends_at=f.NOW)
    f.make_grant(session, elsewhere, other, "manager")
    f.make_grant(session, gone, account, "manager")
    gone.disabled_at = f.NOW
    f.make_staff(session, "administrator")
    f.make_staff(session, "team_lead")
    session.flush()
    people = [s for s in session.scalars(select(m.Staff)) if s.disabled_at is None]
    for action in (Action.CONVERSATION_VIEW, Action.CONVERSATION_ANSWER, Action.POST_PUBLISH, Action.ACCOUNT_MANAGE):
        found = {s.id for s in session.scalars(who_may(action, account, f.NOW))}
        assert found == {s.id for s in people if can(load_actor(session, s, f.NOW), action, account)}
        assert 0 < len(found) < len(people)
