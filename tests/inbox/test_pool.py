"""Questions before those who know: what an expert sees and may, and that nothing is lost there."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from guichet import live
from guichet import models as m
from guichet.delivery import engine
from guichet.errors import Conflict, GuichetError, Invalid, NotAllowed, NotFound
from guichet.inbox import notices, pool, queries, resolving, reviewing, thread, topics
from guichet.inbox import operations as inbox
from guichet.inbox.queries import Filters
from guichet.policy import SYSTEM, Action, can
from guichet.receiving import operations as receiving
from guichet.triage import assignment, carrying_out, macros, operations, undoing
from guichet.triage.applying import apply_rules
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, spec_of

MINUTES = 60


class Pool:
    """A topic with two experts, a question in it, and one beside it."""

    def __init__(self, scene: Scene, **topic) -> None:
        self.scene, self.session = scene, scene.session
        self.anna = f.make_staff(self.session, name="Anna Berg", initials="AB")
        self.bill = f.make_staff(self.session, name="Bill Cole", initials="BC")
        self.boss = scene.actor(f.make_staff(self.session, "administrator"))
        given = {"name": "Baggage", "return_minutes": MINUTES, "expert_ids": [self.anna.id, self.bill.id], **topic}
        self.topic = topics.add_topic(self.session, self.boss, now=scene.now, **given)
        self.asked = scene.customer_says("Where is my bag?")
        self.beside = scene.customer_says("And my secret?", who="other", root="elsewhere")
        self.question = scene.conversation_of(self.asked)
        self.other = scene.conversation_of(self.beside)
        pool.put(self.session, scene.actor(), self.question, self.topic, scene.now)
        self.session.flush()

    def reply(self, staff: m.Staff, text: str = "It is on its way.") -> m.Message:
        return inbox.reply(
            self.session, self.scene.actor(staff), self.question, spec=SPEC, text=text,
            seen_through=self.question.last_message_id, now=self.scene.now,
        )  # fmt: skip

    def start(self, message: m.Message) -> str:
        self.session.flush()
        connection = self.session.connection()
        engine.promote(connection, self.scene.now)
        engine.claim(connection, "nobody", 10, self.scene.now)
        self.session.expire_all()
        return self.session.get_one(m.Delivery, message.delivery_id).state

    def seen_by(self, staff: m.Staff, **filters) -> list[int]:
        page = queries.list_conversations(self.session, self.scene.actor(staff), Filters(states=("all",), **filters))
        return [row.id for row in page.items]


@pytest.fixture
def desk(scene: Scene) -> Pool:
    return Pool(scene)


def test_an_expert_sees_the_open_questions_of_their_topics_and_nothing_else(desk: Pool) -> None:
    scene, session = desk.scene, desk.session
    actor = scene.actor(desk.anna)
    assert desk.seen_by(desk.anna) == [desk.question.id]
    assert desk.seen_by(desk.anna, text="bag") == [desk.question.id]
    assert desk.seen_by(desk.anna, text="secret") == []
    assert queries.count_conversations(session, actor, Filters(states=("all",))).n == 1
    assert queries.count_conversations(session, actor, Filters(states=("all",), text="secret")).n == 0
    assert queries.read_badges(session, actor) == queries.Badges()
    live.number_new(session, SYSTEM)
    assert not [e for e in live.read_after(session, actor, 0, 1000) if e.account_id is not None]
    assert thread.get_conversation(session, actor, desk.question.id) is desk.question
    assert [row.message.id for row in thread.read_messages(session, actor, desk.question).items] == [desk.asked.id]
    assert thread.get_message(session, actor, desk.asked.id).message is desk.asked
    for refused in (
        lambda: thread.get_conversation(session, actor, desk.other.id),
        lambda: thread.get_message(session, actor, desk.beside.id),
        lambda: thread.get_customer(session, actor, desk.question.identity.customer_id),
        lambda: inbox.claim(session, actor, desk.other, scene.now),
        lambda: inbox.note(session, actor, desk.other, text="Hm.", now=scene.now),
    ):
        with pytest.raises(NotFound):
            refused()
    # Who is in no topic sees nothing at all; who answers on the account sees both as before.
    assert desk.seen_by(f.make_staff(session)) == []
    assert set(desk.seen_by(scene.agent)) == {desk.question.id, desk.other.id}
    assert desk.seen_by(scene.agent, is_pooled=True) == [desk.question.id]


def test_an_expert_claims_writes_notes_and_answers_and_does_nothing_else(desk: Pool) -> None:
    session, now, actor = desk.session, desk.scene.now, desk.scene.actor(desk.anna)
    inbox.claim(session, actor, desk.question, now)
    inbox.note(session, actor, desk.question, text="I look.", now=now)
    inbox.save_draft(session, actor, desk.question, text="It is", now=now)
    for refused in (
        lambda: inbox.snooze(session, actor, desk.question, until=None, now=now),
        lambda: resolving.resolve(session, actor, desk.question, how="not_needed", now=now),
        lambda: inbox.assign(session, actor, desk.question, staff=desk.bill, now=now),
        lambda: inbox.mark_spam(session, actor, desk.question, now),
        lambda: inbox.set_priority(session, actor, desk.question, priority=3, now=now),
        lambda: inbox.close(session, actor, desk.question, now),
        lambda: pool.take_out(session, actor, desk.question, now),
        lambda: pool.put(session, actor, desk.question, desk.topic, now),
        lambda: topics.add_topic(session, actor, name="Mine", now=now),
    ):
        with pytest.raises(NotAllowed):
            refused()
    for action in (Action.ACCOUNT_VIEW, Action.POST_VIEW, Action.STATS_VIEW, Action.CONVERSATION_VIEW):
        assert not can(actor, action, desk.scene.account)


def test_an_answer_bears_the_credit_which_counts_in_its_length(desk: Pool) -> None:
    desk.scene.account.brand.expert_credit = "via {name}, {topic}"
    # "@customer " and " via Anna, Baggage" leave 32 of 60.
    with pytest.raises(Invalid):
        desk.reply(desk.anna, "x" * 33)
    out = desk.reply(desk.anna, "x" * 32)
    assert (len(out.text), out.text[-18:]) == (60, " via Anna, Baggage")
    assert (out.staff_id, desk.start(out)) == (desk.anna.id, "claimed")


def test_of_two_experts_one_claims_and_the_other_cannot_answer(desk: Pool) -> None:
    inbox.claim(desk.session, desk.scene.actor(desk.anna), desk.question, desk.scene.now)
    with pytest.raises(Conflict) as refused:
        inbox.claim(desk.session, desk.scene.actor(desk.bill), desk.question, desk.scene.now)
    assert refused.value.code == "held"
    with pytest.raises(Conflict):
        desk.reply(desk.bill)
    # Nor an agent of the desk.
    with pytest.raises(Conflict):
        desk.reply(desk.scene.agent)
    assert desk.session.query(m.Delivery).count() == 0


def test_a_claim_that_is_let_lie_returns_to_the_pool_and_then_to_the_desk_which_is_told(desk: Pool) -> None:
    session, scene = desk.session, desk.scene
    inbox.claim(session, scene.actor(desk.anna), desk.question, scene.now)
    scene.later(minutes=11)
    inbox.expire_leases(session, SYSTEM, scene.now)
    assert (desk.question.assignee_id, desk.question.topic_id) == (None, desk.topic.id)
    assert desk.seen_by(desk.bill) == [desk.question.id]
    assert inbox.return_untouched(session, SYSTEM, scene.now) == 0
    scene.later(minutes=MINUTES)
    assert inbox.return_untouched(session, SYSTEM, scene.now) == 1
    assert (desk.question.topic_id, desk.question.state) == (None, "new")
    assert desk.seen_by(desk.bill) == []
    assert desk.question.id in desk.seen_by(scene.agent)
    told, _ = notices.list_notices(session, scene.actor())
    assert [one.notice.kind for one in told] == ["pool_returned"]


def test_what_an_expert_has_in_hand_does_not_leave_the_pool(desk: Pool) -> None:
    inbox.claim(desk.session, desk.scene.actor(desk.anna), desk.question, desk.scene.later(minutes=MINUTES))
    assert inbox.return_untouched(desk.session, SYSTEM, desk.scene.now) == 0


@pytest.mark.parametrize("is_away", [False, True])
def test_the_customers_next_message_is_for_who_answered_then_for_all_then_for_the_desk(
    desk: Pool, is_away: bool
) -> None:
    session, scene = desk.session, desk.scene
    out = desk.reply(desk.anna)
    receiving.follow_delivery(session, SYSTEM, scene.accept(out), scene.now)
    assert desk.question.state == "waiting_customer"
    assert desk.seen_by(desk.bill) == []  # it is not open any more
    scene.later(minutes=11)
    inbox.expire_leases(session, SYSTEM, scene.now)
    if is_away:
        desk.anna.absent_until = scene.now + pool.FIRST_CALL * 4
    scene.customer_says("And when?", remote_at=scene.later(minutes=5))
    assert desk.question.assignee_id == (None if is_away else desk.anna.id)
    assert desk.question.waiting_since == scene.now
    scene.later(minutes=31)
    inbox.expire_leases(session, SYSTEM, scene.now)
    assert desk.question.assignee_id is None
    assert desk.seen_by(desk.bill) == [desk.question.id]
    scene.later(minutes=MINUTES)
    assert inbox.return_untouched(session, SYSTEM, scene.now) == 1


def test_through_review_it_waits_and_its_expert_is_told(scene: Scene) -> None:
    desk = Pool(scene, reviewed=True)
    out = desk.reply(desk.anna)
    assert desk.start(out) == "awaiting_approval"
    assert desk.seen_by(desk.anna) == [desk.question.id]
    delivery = desk.session.get_one(m.Delivery, out.delivery_id)
    with pytest.raises(GuichetError):
        reviewing.approve(
            desk.session, scene.actor(desk.bill), desk.question, out.id, spec=SPEC, now=scene.now,
            content_hash=delivery.payload_hash, seen_through=out.id,
        )  # fmt: skip
    reviewing.approve(
        desk.session, scene.actor(), desk.question, out.id, spec=SPEC, now=scene.now,
        content_hash=delivery.payload_hash, seen_through=out.id, text="It comes tomorrow.",
    )  # fmt: skip
    assert out.text.endswith("It comes tomorrow. via Anna")
    told, _ = notices.list_notices(desk.session, scene.actor(desk.anna))
    assert [one.notice.kind for one in told] == ["approved"]
    assert desk.start(out) == "claimed"


def test_what_an_expert_sent_stops_when_they_are_one_no_more(desk: Pool) -> None:
    out = desk.reply(desk.anna)
    topics.change_topic(desk.session, desk.boss, desk.topic, {"expert_ids": [desk.bill.id]}, desk.scene.now)
    assert desk.start(out) == "needs_human"
    assert desk.seen_by(desk.anna) == []


def test_a_topic_of_another_brand_takes_nothing_and_one_that_goes_gives_all_back(desk: Pool) -> None:
    session, scene = desk.session, desk.scene
    elsewhere = topics.add_topic(session, desk.boss, name="Rail", brand_id=f.make_brand(session).id, now=scene.now)
    with pytest.raises(Invalid):
        pool.put(session, scene.actor(), desk.other, elsewhere, scene.now)
    with pytest.raises(Conflict):
        topics.add_topic(session, desk.boss, name="Rail", now=scene.now)
    topics.remove_topic(session, desk.boss, desk.topic, scene.now)
    assert desk.question.topic_id is None
    assert session.scalars(select(m.TopicExpert)).all() == []
    assert desk.seen_by(desk.anna) == []


def test_counters_stay_what_is_counted(desk: Pool) -> None:
    inbox.claim(desk.session, desk.scene.actor(desk.anna), desk.question, desk.scene.now)
    pool.take_out(desk.session, desk.scene.actor(), desk.question, desk.scene.now)
    badges = queries.read_badges(desk.session, desk.scene.actor())
    counted = queries.count_conversations(desk.session, desk.scene.actor())
    assert badges.active == counted.n == 2


def test_as_long_as_it_is_there_its_team_does_not_share_it_out(desk: Pool) -> None:
    session, scene = desk.session, desk.scene
    team = f.make_team(session, scene.agent, assignment="round_robin")
    scene.agent.presence = "online"
    desk.question.team_id = team.id
    session.flush()
    assert assignment.assign_team(session, SYSTEM, team.id, scene.now) == 0
    assert desk.question.assignee_id is None
    pool.return_untouched(session, SYSTEM, scene.later(minutes=MINUTES))
    assert assignment.assign_team(session, SYSTEM, team.id, scene.now) == 1
    assert desk.question.assignee_id == scene.agent.id


def test_a_rule_puts_what_comes_in_before_experts_of_its_brand(desk: Pool) -> None:
    session, scene = desk.session, desk.scene
    elsewhere = topics.add_topic(session, desk.boss, name="Of others", brand_id=f.make_brand(session).id, now=scene.now)
    for word, topic in (("strike", elsewhere), ("bag", desk.topic)):
        operations.create_rule(
            session, desk.boss, name=word, brand_id=None, is_on=True, stops=True,
            conditions=[{"field": "text", "operator": "any_of", "value": [word]}],
            actions=[{"kind": "topic", "value": topic.id}], now=scene.now,
        )  # fmt: skip
    mine, other = (scene.customer_says(text, who=text, root=text) for text in ("My bag", "The strike"))
    apply_rules(session, SYSTEM, [mine, other], scene.now, spec_of)
    assert [scene.conversation_of(one).topic_id for one in (mine, other)] == [desk.topic.id, None]
    assert mine.conversation_id in desk.seen_by(desk.anna)
    with pytest.raises(Invalid):
        operations.create_rule(
            session, desk.boss, name="gone", brand_id=None, is_on=True, stops=True, conditions=[],
            actions=[{"kind": "topic", "value": 999_999}], now=scene.now,
        )  # fmt: skip


def test_a_macro_puts_it_before_experts_and_undone_it_is_whose_it_was(desk: Pool) -> None:
    session, scene = desk.session, desk.scene
    inbox.claim(session, scene.actor(), desk.other, scene.now)
    macro = macros.add_macro(
        session, scene.actor(), name="Ask", actions=[{"kind": "topic", "value": desk.topic.id}], now=scene.now
    )
    (done,) = carrying_out.apply_macro(session, scene.actor(), macro, [desk.other], {}, scene.now)
    assert (desk.other.topic_id, desk.other.assignee_id) == (desk.topic.id, None)
    assert desk.other.id in desk.seen_by(desk.anna)
    undoing.undo_macro(session, scene.actor(), desk.other, done.event_id, scene.now)
    assert (desk.other.topic_id, desk.other.assignee_id) == (None, scene.agent.id)
    assert desk.other.id not in desk.seen_by(desk.anna)


def test_an_expert_is_told_of_what_happens_to_what_they_have_and_to_nothing_else(desk: Pool) -> None:
    scene, session = desk.scene, desk.session
    inbox.claim(session, scene.actor(desk.anna), desk.question, scene.now)
    live.number_new(session, SYSTEM)
    before = max(e.id for e in session.scalars(select(m.LiveEvent)))
    inbox.note(session, scene.actor(), desk.question, text="Belt 4.", now=scene.now)
    inbox.note(session, scene.actor(), desk.other, text="Hm.", now=scene.now)
    live.number_new(session, SYSTEM)
    told = {
        staff.id: [e.data["id"] for e in live.read_after(session, scene.actor(staff), 0, 1000)
                   if e.kind == "conversation" and e.id > before]
        for staff in (desk.anna, desk.bill)
    }  # fmt: skip
    assert told == {desk.anna.id: [desk.question.id], desk.bill.id: []}
