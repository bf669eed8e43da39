"""Rights: who may do what on which account, and what they may not even know of."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.errors import NotAllowed, NotFound
from guichet.models import Conversation, Grant
from guichet.policy import (
    ACCOUNT_RIGHTS,
    SCOPES,
    SYSTEM,
    AccountRole,
    Action,
    can,
    load_actor,
    require,
    visible,
)
from tests.factories import make_account, make_brand, make_conversation, make_grant, make_staff, make_team


def test_each_account_role_holds_the_rights_of_the_ones_before() -> None:
    roles = list(AccountRole)
    for weaker, stronger in itertools.pairwise(roles):
        assert ACCOUNT_RIGHTS[weaker] < ACCOUNT_RIGHTS[stronger]


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("viewer", Action.CONVERSATION_VIEW, Action.CONVERSATION_ANSWER),
        ("agent", Action.CONVERSATION_ANSWER, Action.POST_WRITE),
        ("author", Action.POST_WRITE, Action.POST_PUBLISH),
        ("publisher", Action.POST_PUBLISH, Action.ACCOUNT_MANAGE),
        ("manager", Action.ACCOUNT_MANAGE, Action.STAFF_MANAGE),
    ],
)
def test_a_role_reaches_just_so_far(session: Session, now: datetime, role: str, may: Action, may_not: Action) -> None:
    person, account = make_staff(session), make_account(session)
    make_grant(session, person, account, role)
    actor = load_actor(session, person, now)
    assert can(actor, may, account)
    assert not can(actor, may_not, account)


def test_a_right_on_one_account_is_none_on_another(session: Session, now: datetime) -> None:
    person, ours, theirs = make_staff(session), make_account(session), make_account(session)
    make_grant(session, person, ours, "manager")
    actor = load_actor(session, person, now)
    with pytest.raises(NotFound):
        require(actor, Action.CONVERSATION_VIEW, theirs)
    with pytest.raises(NotAllowed):
        require(actor, Action.STAFF_MANAGE)


def test_a_grant_on_a_brand_covers_its_accounts_also_later_ones(session: Session, now: datetime) -> None:
    person, brand = make_staff(session), make_brand(session)
    session.add(Grant(staff_id=person.id, brand_id=brand.id, role="agent", created_at=now))
    account = make_account(session, brand)
    assert can(load_actor(session, person, now), Action.CONVERSATION_ANSWER, account)


def test_a_grant_to_a_team_holds_for_its_members(session: Session, now: datetime) -> None:
    member, stranger, account = make_staff(session), make_staff(session), make_account(session)
    team = make_team(session, member)
    session.add(Grant(team_id=team.id, account_id=account.id, role="agent", created_at=now))
    session.flush()
    assert can(load_actor(session, member, now), Action.CONVERSATION_ANSWER, account)
    assert not can(load_actor(session, stranger, now), Action.CONVERSATION_VIEW, account)


def test_a_grant_ends_on_its_date(session: Session, now: datetime) -> None:
    person, account = make_staff(session), make_account(session)
    make_grant(session, person, account, "agent", ends_at=now)
    assert can(load_actor(session, person, now - timedelta(seconds=1)), Action.CONVERSATION_ANSWER, account)
    assert not can(load_actor(session, person, now), Action.CONVERSATION_ANSWER, account)


def test_who_was_disabled_has_no_rights_at_all(session: Session, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        load_actor(session, make_staff(session, "owner", disabled_at=now), now)


def test_a_token_never_holds_more_than_its_scope_nor_than_its_person(session: Session, now: datetime) -> None:
    person, account = make_staff(session), make_account(session)
    make_grant(session, person, account, "agent")
    reading = load_actor(session, person, now, kind="token", scopes=["read"])
    assert can(reading, Action.CONVERSATION_VIEW, account)
    assert not can(reading, Action.CONVERSATION_ANSWER, account)
    everything = load_actor(session, person, now, kind="token", scopes=list(SCOPES))
    assert not can(everything, Action.POST_WRITE, account)
    assert not can(everything, Action.STAFF_MANAGE)


def test_an_administrator_acts_on_every_account_but_not_as_the_system(session: Session, now: datetime) -> None:
    actor = load_actor(session, make_staff(session, "administrator"), now)
    assert can(actor, Action.ACCOUNT_MANAGE, make_account(session))
    assert not can(actor, Action.SYSTEM)
    assert can(SYSTEM, Action.SYSTEM)


def test_lists_hold_only_what_one_may_see(session: Session, now: datetime) -> None:
    person, ours, theirs = make_staff(session), make_account(session), make_account(session)
    make_grant(session, person, ours, "viewer")
    mine, hidden = make_conversation(session, ours), make_conversation(session, theirs)
    listed = select(Conversation.id).order_by(Conversation.id)

    def seen(actor: object) -> list[int]:
        return list(session.scalars(listed.where(visible(actor, Conversation.account_id))))

    assert seen(load_actor(session, person, now)) == [mine.id]
    assert seen(load_actor(session, make_staff(session), now)) == []
    assert seen(load_actor(session, make_staff(session, "owner"), now)) == [mine.id, hidden.id]
