"""Deciding about many posts at once: each by itself, as it was read, and what is refused holds
back no other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from guichet import models as m
from guichet.errors import Invalid, NotAllowed
from guichet.policy import Actor
from guichet.publishing import operations
from guichet.publishing.deciding import Outcome, Read, decide, list_to_decide, require_askable
from guichet.publishing.drafting import VariantSpec, Words
from tests import factories
from tests.publishing.desk import NOW, SPECS, Desk


def submitted(desk: Desk, text: str, at: str = "2026-03-11T09:00", actor: Actor | None = None) -> m.Post:
    desk.brand.needs_approval = True
    post = desk.post(actor or desk.author, text)
    desk.schedule(post, actor or desk.author, at)
    return post


def as_read(*posts: m.Post) -> list[Read]:
    return [Read(p.id, p.version) for p in posts]


def decide_all(desk: Desk, choice: str, read: Sequence[Read], reason: str = "") -> list[Outcome]:
    return [decide(desk.session, desk.publisher, choice, one, NOW, reason) for one in read]


def refusals(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.refused.code if one.refused else "" for one in outcomes]


def test_each_is_agreed_to_as_it_was_read_and_what_is_refused_says_why(desk: Desk) -> None:
    first, changed, own = submitted(desk, "one"), submitted(desk, "two"), submitted(desk, "three", actor=desk.publisher)
    foreign = submitted(desk, "elsewhere")
    foreign.targets = [m.PostTarget(account_id=factories.make_account(desk.session).id, variant=foreign.variants[0])]
    desk.session.flush()
    read = as_read(changed, foreign, first, own)
    operations.change(desk.session, desk.author, changed, words=Words("two, and more"), specs=SPECS, now=NOW)
    outcomes = decide_all(desk, "approve", read)
    assert [one.post_id for one in outcomes] == [changed.id, foreign.id, first.id, own.id]
    assert refusals(outcomes) == ["changed", "not_found", "", "own_post"]
    assert [p.state for p in (first, changed, own)] == ["scheduled", "awaiting_approval", "awaiting_approval"]
    assert set(desk.states(changed)) == {"awaiting_approval"}
    log = desk.session.query(m.AuditEntry).filter_by(action="post.approve")
    assert [entry.target_id for entry in log] == [first.id]


def test_a_refusal_in_the_middle_of_a_post_leaves_nothing_of_it(desk: Desk) -> None:
    """Its reviews are voted on one after the other: one whose content is another is found late."""
    whole, half = submitted(desk, "whole"), submitted(desk, "half")
    desk.session.query(m.Review).filter_by(post_id=half.id, account_id=desk.there.id).one().content_hash = "another"
    outcomes = decide_all(desk, "approve", as_read(half, whole))
    assert refusals(outcomes) == ["changed", ""]
    votes = desk.session.query(m.ReviewVote).join(m.Review).filter(m.Review.post_id == half.id)
    assert votes.count() == 0


def test_only_what_was_read_is_sent_back(desk: Desk) -> None:
    good, changed = submitted(desk, "one"), submitted(desk, "two")
    read = as_read(good, changed)
    operations.change(desk.session, desk.author, changed, words=Words("better"), specs=SPECS, now=NOW)
    assert refusals(decide_all(desk, "reject", read, "say which train")) == ["", "changed"]
    assert (good.state, good.rejected_reason) == ("draft", "say which train")
    assert (changed.state, changed.rejected_reason) == ("awaiting_approval", "")


def test_what_cannot_be_asked_at_all_is_refused_whole(desk: Desk) -> None:
    one = Read(1, 1)
    with pytest.raises(Invalid, match="once"):
        require_askable(desk.publisher, "approve", [one, one])
    with pytest.raises(Invalid, match="once"):
        require_askable(desk.publisher, "approve", [Read(n, 1) for n in range(101)])
    with pytest.raises(Invalid, match="approve or reject"):
        require_askable(desk.publisher, "burn", [one])
    with pytest.raises(Invalid, match="say what should be otherwise"):
        require_askable(desk.publisher, "reject", [one], "  ")
    with pytest.raises(NotAllowed):
        require_askable(desk.stranger, "approve", [one])


def test_what_is_ones_turn_is_listed_by_when_it_goes_out(desk: Desk) -> None:
    later, sooner = submitted(desk, "later", "2026-03-13T09:00"), submitted(desk, "sooner")
    submitted(desk, "own", actor=desk.publisher)
    operations.approve(desk.session, desk.publisher, submitted(desk, "agreed"), NOW)
    listed = list_to_decide(desk.session, desk.publisher, NOW)
    assert [one.post.id for one in listed] == [sooner.id, later.id]
    assert listed[0].account_ids == [desk.here.id, desk.there.id]
    assert list_to_decide(desk.session, desk.author, NOW) == []


def test_where_others_are_asked_too_it_is_said(desk: Desk) -> None:
    desk.here.approval = "four_eyes"
    post = desk.post(desk.author, variants=[VariantSpec(desk.here.id)])
    desk.schedule(post, desk.author)
    review = desk.session.query(m.Review).filter_by(post_id=post.id).one()
    review.steps = [*review.steps, *review.steps]
    [outcome] = decide_all(desk, "approve", as_read(post))
    assert (outcome.refused, outcome.still_waits, post.state) == (None, True, "awaiting_approval")
