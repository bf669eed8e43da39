"""Lists, counts and search: complete, in order, without doubles, and never beyond one's rights."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guichet import models as m
from guichet.errors import Invalid, NotFound
from guichet.inbox import operations as inbox
from guichet.inbox import presence, queries, thread
from guichet.inbox.queries import Filters
from guichet.policy import Actor, load_actor
from guichet.runtime import open_redis
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, make_scene
from tests.statements import heard_by


def everything(scene: Scene, actor: Actor, filters: Filters = Filters(), **more: str) -> list[int]:  # noqa: B008 - frozen
    """All pages of a list, two rows at a time."""
    ids: list[int] = []
    after = ""
    while True:
        page = queries.list_conversations(scene.session, actor, filters, after=after, limit=2, **more)
        ids += [row.id for row in page.items]
        after = page.next_cursor
        if not after:
            return ids


@pytest.fixture
def busy(scene: Scene) -> Scene:
    """Seven conversations on two accounts that the agent sees, one on an account they do not."""
    second = make_scene(scene.session, scene.now)
    f.make_grant(scene.session, scene.agent, second.account, "agent")
    for n in range(7):
        at = scene.now - timedelta(minutes=n * (-1) ** n)
        (scene if n % 2 else second).customer_says(f"Question {n} éléphant", who=f"c{n}", root=f"r{n}", remote_at=at)
    hidden = make_scene(scene.session, scene.now)
    hidden.customer_says("secret éléphant", who="hidden")
    resolved = scene.conversation_of(scene.session.query(m.Message).order_by(m.Message.id).first())
    inbox.resolve(scene.session, scene.actor(), resolved, how="not_needed", now=scene.now)
    scene.session.commit()
    return scene


def test_pages_are_complete_in_order_and_without_doubles(busy: Scene) -> None:
    found = everything(busy, busy.actor())
    rows = {c.id: c for c in busy.session.query(m.Conversation)}
    assert len(found) == len(set(found)) == 6
    assert found == sorted(found, key=lambda i: (rows[i].waiting_since, i))

    newest = everything(busy, busy.actor(), Filters(states=("all",)), order="newest")
    assert len(newest) == len(set(newest)) == 7
    assert newest == sorted(newest, key=lambda i: (rows[i].last_message_at, i), reverse=True)


def test_who_waits_comes_before_who_does_not(busy: Scene) -> None:
    found = everything(busy, busy.actor(), Filters(states=("all",)))
    waiting = [busy.session.get_one(m.Conversation, i).waiting_since is not None for i in found]
    assert waiting == sorted(waiting, reverse=True)
    assert len(found) == 7


def test_no_list_count_or_search_shows_what_is_not_ones_own(busy: Scene) -> None:
    stranger = load_actor(busy.session, f.make_staff(busy.session), busy.now)
    boss = load_actor(busy.session, f.make_staff(busy.session, "administrator"), busy.now)
    secret = busy.session.query(m.Message).filter_by(text="secret éléphant").one()
    assert everything(busy, stranger) == []
    assert queries.read_badges(busy.session, stranger) == queries.Badges()
    assert queries.count_conversations(busy.session, stranger).n == 0
    assert everything(busy, stranger, Filters(text="elephant")) == []
    assert secret.conversation_id not in everything(busy, busy.actor(), Filters(text="elephant"))
    assert secret.conversation_id in everything(busy, boss, Filters(text="elephant"))
    with pytest.raises(NotFound):
        thread.get_conversation(busy.session, busy.actor(), secret.conversation_id)
    identity = busy.session.get_one(m.Identity, secret.identity_id)
    with pytest.raises(NotFound):
        thread.get_customer(busy.session, busy.actor(), identity.customer_id)


def test_badges_count_what_the_lists_show(busy: Scene) -> None:
    mine = queries.list_conversations(busy.session, busy.actor()).items[0].id
    inbox.claim(busy.session, busy.actor(), busy.session.get_one(m.Conversation, mine), busy.now)
    badges = queries.read_badges(busy.session, busy.actor())
    assert (badges.active, badges.unassigned, badges.mine) == (6, 5, 1)
    assert badges.by_state == {"new": 6, "resolved": 1}
    assert everything(busy, busy.actor(), Filters(assignee="me")) == [mine]
    assert mine not in everything(busy, busy.actor(), Filters(assignee="none"))
    assert queries.count_conversations(busy.session, busy.actor()) == queries.Count(6)


def test_filters(busy: Scene) -> None:
    row = queries.list_conversations(busy.session, busy.actor()).items[0]
    conversation = busy.session.get_one(m.Conversation, row.id)
    team = f.make_team(busy.session)
    boss = load_actor(busy.session, f.make_staff(busy.session, "administrator"), busy.now)
    label = inbox.create_label(busy.session, boss, name="Lost", now=busy.now)
    inbox.set_labels(busy.session, busy.actor(), conversation, labels=[label], now=busy.now)
    inbox.assign(busy.session, busy.actor(), conversation, team=team, now=busy.now)
    number = row.preview.split()[1]
    for filters in (
        Filters(label_id=label.id), Filters(team_id=team.id), Filters(text=f"QUESTION {number} elephant"),
        Filters(text=f"{number} eleph"),
    ):  # fmt: skip
        for order in queries.ORDERS:
            assert everything(busy, busy.actor(), filters, order=order) == [row.id], (filters, order)
    own = everything(busy, busy.actor(), Filters(account_ids=(row.account_id,)))
    assert row.id in own
    assert len(own) < 6
    assert everything(busy, busy.actor(), Filters(network="nowhere")) == []


@pytest.mark.parametrize("filters", [Filters(states=("odd",)), Filters(assignee="x")])
def test_a_filter_that_makes_no_sense_is_refused(scene: Scene, filters: Filters) -> None:
    with pytest.raises(Invalid):
        queries.list_conversations(scene.session, scene.actor(), filters)


@pytest.mark.parametrize("after", ["x", "%%%", "W10", "WyJ4IiwgMSwgMl0", "bnVsbA"])
def test_a_made_up_cursor_is_refused(scene: Scene, after: str) -> None:
    with pytest.raises(Invalid):
        queries.list_conversations(scene.session, scene.actor(), after=after)


def test_many_lists_are_counted_in_one_statement(busy: Scene) -> None:
    lists = [Filters(), Filters(assignee="none"), Filters(states=("all",)), Filters(network="nowhere")] * 5
    lists.append(Filters(text="label:gone"))  # a kept search may outlive what it names
    actor = busy.actor()
    with heard_by(busy.session.get_bind()) as statements:
        counts = queries.count_each(busy.session, actor, lists)
    assert [c.n for c in counts] == [6, 6, 7, 0] * 5 + [0]
    assert len(statements) <= 3  # the accounts, the label, the counts
    with pytest.raises(Invalid):
        queries.count_conversations(busy.session, actor, lists[-1])


def test_a_list_takes_the_same_few_queries_whatever_its_length(busy: Scene) -> None:
    def count(limit: int) -> int:
        with heard_by(busy.session.get_bind()) as statements:
            queries.list_conversations(busy.session, actor, limit=limit)
        return len(statements)

    actor = busy.actor()
    assert count(1) <= 3  # the walk of those who wait and of the others, the rows
    assert count(6) <= 3


def test_a_conversation_is_read_in_windows(scene: Scene) -> None:
    said = [scene.customer_says(f"line {n}", remote_at=scene.later(seconds=1)) for n in range(5)]
    conversation = scene.conversation_of(said[0])
    out = inbox.reply(
        scene.session, scene.actor(), conversation, spec=SPEC, text="ok", seen_through=said[-1].id,
        now=scene.later(seconds=1),
    )  # fmt: skip
    newest = thread.read_messages(scene.session, scene.actor(), conversation, limit=4)
    older = thread.read_messages(scene.session, scene.actor(), conversation, before=newest.older, limit=4)
    assert [r.message.id for r in (*older.items, *newest.items)] == [*(m_.id for m_ in said), out.id]
    assert older.older == ""
    assert newest.items[-1].staff_initials == "AL"
    card = thread.get_customer(scene.session, scene.actor(), conversation.identity.customer_id)
    assert [c.id for c in card.conversations] == [conversation.id]


def test_without_redis_nobody_is_shown(scene: Scene) -> None:

    away = open_redis("unix:///nonexistent/valkey.sock")
    presence.show(away, 1, 2, "writing", scene.now)
    assert presence.who_is_there(away, [1], scene.now) == {}
