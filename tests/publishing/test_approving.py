"""Who must agree before a post goes out, on which account, and what becomes of that when
people leave, words change or somebody breaks the glass."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guichet import models as m
from guichet.delivery import operations as delivering
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.publishing import approving, brakes, commenting, operations, policies, versions
from guichet.publishing.cancelling import cancel_one
from guichet.publishing.drafting import VariantSpec, Words
from guichet.publishing.embargo import set_embargo
from guichet.publishing.policies import Policy
from guichet.publishing.reviewing import open_reviews
from guichet.publishing.steps import Step
from guichet.stats import needs_you
from tests import factories
from tests.publishing.desk import NOW, SPECS, Desk

LATER = NOW + timedelta(hours=3)


def person(desk: Desk, role: str = "publisher", **more: object) -> m.Staff:
    """Somebody more, with this role on both accounts."""
    staff = factories.make_staff(desk.session, **more)
    for account in (desk.here, desk.there):
        factories.make_grant(desk.session, staff, account, role)
    return staff


def act(desk: Desk, staff: m.Staff) -> Actor:
    return load_actor(desk.session, staff, NOW)


def rule(desk: Desk, *steps: Step, accounts: dict[int, str] | None = None, **more: bool) -> None:
    desk.brand.needs_approval = True
    policies.set_policy(desk.session, SYSTEM, desk.brand, Policy(steps, **more), accounts or {}, NOW)


def submitted(desk: Desk, **more: object) -> m.Post:
    post = desk.post(desk.author, **more)
    desk.schedule(post, desk.author)
    return post


def said(desk: Desk, post: m.Post) -> dict[int, str]:
    """The state of the review of each account."""
    return {r.account_id: r.state for r in open_reviews(desk.session, [post.id])}


def matters(desk: Desk, staff: m.Staff, now: object = NOW) -> set[str]:
    return set(needs_you.read(desk.session, act(desk, staff), now).counts)


def test_steps_are_gone_through_in_order_and_each_by_whom_it_names(desk: Desk) -> None:
    legal, chief = person(desk, "viewer"), person(desk)
    rule(desk, Step("Legal", staff=(legal.id,)), Step("Chief", staff=(chief.id,)))
    post = submitted(desk)
    assert (matters(desk, legal), matters(desk, chief)) == ({"awaiting_approval"}, set())
    [told] = needs_you.read(desk.session, act(desk, legal), NOW).items
    assert (told.account_ids, told.due_at) == ([desk.here.id, desk.there.id], post.due_at)
    with pytest.raises(NotAllowed, match="not your turn"):
        operations.approve(desk.session, act(desk, chief), post, NOW)
    operations.approve(desk.session, act(desk, legal), post, NOW)
    assert post.state == "awaiting_approval"
    assert (matters(desk, legal), matters(desk, chief)) == (set(), {"awaiting_approval"})
    operations.approve(desk.session, act(desk, chief), post, NOW)
    assert (post.state, set(desk.states(post)), post.approved_by) == ("scheduled", {"scheduled"}, chief.id)


def test_all_of_a_team_must_agree_and_nobody_twice(desk: Desk) -> None:
    one, two = person(desk), person(desk)
    rule(desk, Step(need="all", teams=(factories.make_team(desk.session, one, two).id,)))
    post = submitted(desk)
    operations.approve(desk.session, act(desk, one), post, NOW)
    with pytest.raises(NotAllowed):
        operations.approve(desk.session, act(desk, one), post, NOW)
    assert set(desk.states(post)) == {"awaiting_approval"}
    operations.approve(desk.session, act(desk, two), post, NOW)
    assert set(desk.states(post)) == {"scheduled"}


def test_a_deputy_decides_where_the_approver_is_away_has_left_or_lets_it_lie(desk: Desk) -> None:
    chief, deputy = person(desk), person(desk)
    rule(desk, Step(staff=(chief.id,), deputies=(deputy.id,), deputy_after=60))
    post = submitted(desk)
    assert (matters(desk, deputy), matters(desk, deputy, LATER)) == (set(), {"awaiting_approval"})
    chief.absent_until = NOW + timedelta(days=3)
    assert (matters(desk, deputy), matters(desk, chief)) == ({"awaiting_approval"}, set())
    operations.approve(desk.session, act(desk, deputy), post, NOW)
    assert post.state == "scheduled"
    assert desk.session.query(m.ReviewVote).filter_by(stands_in=True).count() == 2


def test_what_waits_for_somebody_who_left_goes_to_the_queue(desk: Desk) -> None:
    chief = person(desk)
    rule(desk, Step(staff=(chief.id,)))
    post = submitted(desk)
    with pytest.raises(NotAllowed):
        operations.approve(desk.session, desk.publisher, post, NOW)
    chief.disabled_at = NOW
    operations.approve(desk.session, desk.publisher, post, NOW)
    assert post.state == "scheduled"


def test_an_approval_given_outlives_its_giver(desk: Desk) -> None:
    """It was theirs to give. What it no longer does is carry somebody else's missing right."""
    chief = person(desk)
    rule(desk, Step(staff=(chief.id,)))
    post = submitted(desk)
    operations.approve(desk.session, act(desk, chief), post, NOW)
    chief.disabled_at = NOW
    assert set(said(desk, post).values()) == {"granted"}
    assert "orphaned_schedule" in needs_you.read(desk.session, desk.publisher, NOW).counts


def test_who_may_not_publish_there_is_not_enough_where_the_author_may_not_either(desk: Desk) -> None:
    legal = person(desk, "viewer")
    rule(desk, Step(staff=(legal.id,)))
    post = submitted(desk)
    operations.approve(desk.session, act(desk, legal), post, NOW)
    assert post.state == "awaiting_approval"
    operations.approve(desk.session, desk.publisher, post, NOW)
    assert post.state == "scheduled"
    own = desk.post()
    desk.schedule(own)
    operations.approve(desk.session, act(desk, legal), own, NOW)
    assert own.state == "scheduled"


def test_only_the_accounts_that_need_it_wait(desk: Desk) -> None:
    rule(desk, accounts={desk.there.id: "none"})
    post = desk.post()
    desk.schedule(post)
    assert {d.account_id: d.state for d in desk.deliveries(post)} == {
        desk.here.id: "awaiting_approval", desk.there.id: "scheduled",
    }  # fmt: skip
    assert post.state == "awaiting_approval"


def test_only_what_changed_is_asked_for_anew(desk: Desk) -> None:
    rule(desk)
    other = act(desk, person(desk))
    post = submitted(desk, variants=[VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="Hello")])
    operations.approve(desk.session, desk.publisher, post, NOW)
    variants = [VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="Hello!")]
    operations.change(desk.session, desk.author, post, variants=variants, specs=SPECS, now=NOW)
    assert said(desk, post) == {desk.here.id: "granted", desk.there.id: "waiting"}
    assert {d.account_id: d.state for d in desk.deliveries(post)}[desk.here.id] == "scheduled"
    operations.approve(desk.session, other, post, NOW)
    assert said(desk, post) == {desk.here.id: "granted", desk.there.id: "granted"}


def test_four_eyes_hold_for_administrators_and_against_the_policy(desk: Desk) -> None:
    owner = load_actor(desk.session, factories.make_staff(desk.session, "owner"), NOW)
    rule(desk, authors_may_approve=True, accounts={desk.there.id: "four_eyes"})
    desk.brand.needs_approval = False
    post = desk.post(owner)
    desk.schedule(post, owner)
    assert said(desk, post) == {desk.there.id: "waiting"}
    with pytest.raises(NotAllowed) as refused:
        operations.approve(desk.session, owner, post, NOW)
    assert refused.value.code == "own_post"
    operations.approve(desk.session, desk.publisher, post, NOW)
    assert post.state == "scheduled"


def test_authors_agree_with_themselves_only_where_the_policy_says_so(desk: Desk) -> None:
    rule(desk)
    post = desk.post()
    desk.schedule(post)
    with pytest.raises(NotAllowed):
        operations.approve(desk.session, desk.publisher, post, NOW)
    rule(desk, authors_may_approve=True)
    own = desk.post()
    desk.schedule(own)
    operations.approve(desk.session, desk.publisher, own, NOW)
    assert own.state == "scheduled"


def test_an_approval_is_for_its_time_only_where_the_policy_says_so(desk: Desk) -> None:
    def move(post: m.Post) -> None:
        operations.reschedule(
            desk.session, desk.publisher, post, wall_time="2026-03-12T10:00", time_zone="UTC", now=NOW
        )

    rule(desk)
    free = submitted(desk)
    operations.approve(desk.session, desk.publisher, free, NOW)
    move(free)
    assert free.state == "scheduled"
    rule(desk, binds_time=True)
    bound = submitted(desk)
    operations.approve(desk.session, desk.publisher, bound, NOW)
    move(bound)
    assert (bound.state, set(desk.states(bound))) == ("awaiting_approval", {"awaiting_approval"})


def test_breaking_the_glass_takes_an_administrator_and_a_reason_and_is_told(desk: Desk) -> None:
    owner = load_actor(desk.session, factories.make_staff(desk.session, "owner"), NOW)
    chief = person(desk)
    rule(desk, Step(staff=(chief.id,)))
    post = submitted(desk)
    with pytest.raises(NotAllowed):
        operations.send_unapproved(desk.session, desk.publisher, post, "we are on fire", NOW)
    with pytest.raises(Invalid):
        operations.send_unapproved(desk.session, owner, post, "  ", NOW)
    operations.send_unapproved(desk.session, owner, post, "we are on fire", NOW)
    assert (post.state, set(desk.states(post))) == ("scheduled", {"scheduled"})
    assert (matters(desk, chief), matters(desk, person(desk))) == ({"sent_unapproved"}, set())
    approving.acknowledge(desk.session, act(desk, chief), post, NOW)
    assert matters(desk, chief) == set()
    assert desk.session.query(m.AuditEntry).filter_by(action="post.send_unapproved").count() == 1


def test_what_is_turned_back_at_the_gate_is_asked_for_by_name(desk: Desk) -> None:
    """Nobody was asked, for nobody had to be: then the brand began to demand it."""
    post = desk.post()
    desk.schedule(post)
    for delivery in desk.deliveries(post):
        delivering.withhold(desk.session, SYSTEM, delivery, NOW)  # as the gate does
    assert approving.ask_for_what_lost_its_approval(desk.session, SYSTEM, NOW) == 1
    assert (post.state, set(said(desk, post).values())) == ("awaiting_approval", {"waiting"})
    assert approving.ask_for_what_lost_its_approval(desk.session, SYSTEM, NOW) == 0


def test_a_rejection_keeps_what_others_agreed_to(desk: Desk) -> None:
    rule(desk)
    post = submitted(desk, variants=[VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="Hello")])
    operations.approve(desk.session, desk.publisher, post, NOW)
    variants = [VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="Hello!")]
    operations.change(desk.session, desk.author, post, variants=variants, specs=SPECS, now=NOW)
    operations.reject(desk.session, desk.publisher, post, "no shouting", NOW)
    assert (post.state, post.rejected_reason) == ("draft", "no shouting")
    back = [VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="Hello.")]
    operations.change(desk.session, desk.author, post, variants=back, specs=SPECS, now=NOW)
    desk.schedule(post, desk.author)
    assert said(desk, post) == {desk.here.id: "granted", desk.there.id: "waiting"}


def test_nothing_is_planned_or_sent_before_an_embargo_ends(desk: Desk) -> None:
    post = desk.post()
    set_embargo(desk.session, desk.publisher, post, "2026-03-11T12:00", "Europe/Paris", NOW)
    with pytest.raises(Conflict, match="under embargo until 2026-03-11 12:00"):
        desk.schedule(post)
    with pytest.raises(Conflict) as refused:
        operations.publish_now(desk.session, desk.publisher, post, specs=SPECS, now=NOW)
    assert refused.value.code == "embargo"
    desk.schedule(post, at="2026-03-11T12:00")
    with pytest.raises(Conflict):
        operations.publish_now(desk.session, desk.publisher, post, specs=SPECS, now=NOW)
    with pytest.raises(Invalid, match="move it first"):
        set_embargo(desk.session, desk.publisher, post, "2026-03-11T13:00", "Europe/Paris", NOW)


def test_neither_a_retry_nor_a_lifted_brake_is_earlier_than_an_embargo(desk: Desk) -> None:
    post = desk.post()
    set_embargo(desk.session, desk.publisher, post, "2026-03-11T12:00", "UTC", NOW)
    desk.schedule(post, at="2026-03-11T14:00")
    failed, held = desk.deliveries(post)
    failed.state, held.state = "failed", "held"
    delivering.retry(desk.session, desk.publisher, failed, NOW)
    brakes.pull(desk.session, SYSTEM, now=NOW)
    brakes.lift(desk.session, SYSTEM, otherwise="send", now=NOW)
    assert {failed.not_before, held.not_before} == {post.embargo_at}


def test_a_name_in_a_comment_calls_who_sees_the_post(desk: Desk) -> None:
    anna, alien = person(desk, name="Anna Lee"), factories.make_staff(desk.session, name="Anna")
    post = desk.post(desk.author)
    commenting.comment(desk.session, desk.author, post, "@Anna Lee, is this so? Or @Anna, or x@Anna", NOW)
    assert matters(desk, anna) == {"mention"}
    assert commenting.unseen_mentions(desk.session, act(desk, alien)) == []
    commenting.see_mentions(desk.session, act(desk, anna), post, NOW)
    assert matters(desk, anna) == set()


def test_versions_are_kept_and_compared_word_by_word(desk: Desk) -> None:
    post = desk.post(desk.author, words=Words("Open on Monday"))
    operations.change(desk.session, desk.publisher, post, words=Words("Open on Tuesday"), specs=SPECS, now=LATER)
    operations.change(desk.session, desk.publisher, post, title="a title", specs=SPECS, now=LATER)
    first, second = versions.list_versions(desk.session, desk.author, post)
    assert (first.staff_id, second.staff_id) == (desk.author.staff_id, desk.publisher.staff_id)
    (changed,) = versions.compare(desk.session, desk.author, post, 1, 2)
    assert changed.accounts == (desk.here.id, desk.there.id)
    assert changed.pieces == (("same", "Open on "), ("gone", "Monday"), ("new", "Tuesday"))
    assert versions.list_versions(desk.session, desk.stranger, post) == []


def test_a_review_ends_with_the_last_delivery_that_it_was_to_let_go(desk: Desk) -> None:
    rule(desk)
    post = submitted(desk)
    first, second = desk.deliveries(post)
    cancel_one(desk.session, desk.publisher, first, NOW)
    assert (said(desk, post), post.state) == ({second.account_id: "waiting"}, "awaiting_approval")
    cancel_one(desk.session, desk.publisher, second, NOW)
    assert (said(desk, post), post.state) == ({}, "cancelled")
    assert needs_you.read(desk.session, desk.publisher, NOW).counts == {}


def test_what_was_agreed_to_goes_out_when_what_still_waited_is_cancelled(desk: Desk) -> None:
    rule(desk, accounts={desk.there.id: "none"})
    post = desk.post()
    desk.schedule(post)
    waits = next(d for d in desk.deliveries(post) if d.account_id == desk.here.id)
    cancel_one(desk.session, desk.publisher, waits, NOW)
    assert (post.state, sorted(desk.states(post))) == ("scheduled", ["cancelled", "scheduled"])
