"""People: who may be taken on, changed and let go, and what ends with them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.errors import Conflict, Invalid, NotAllowed, NotSignedIn
from guichet.models import AuditEntry, Brand, Post, Review, Staff, Team
from guichet.policy import SYSTEM, Action, Actor, can, load_actor
from guichet.publishing.policies import Policy, set_policy
from guichet.publishing.steps import Step
from guichet.staff import operations, queries, rules
from tests.factories import make_account, make_brand, make_staff, make_team


def acting(session: Session, staff: Staff, now: datetime) -> Actor:
    return load_actor(session, staff, now)


def test_the_last_owner_can_neither_leave_nor_step_down(session: Session, now: datetime) -> None:
    owner, admin = make_staff(session, "owner"), make_staff(session, "administrator")
    me = acting(session, owner, now)
    with pytest.raises(Conflict, match="last owner"):
        operations.disable_staff(session, me, owner, now)
    with pytest.raises(Conflict, match="last owner"):
        operations.change_staff(session, me, owner, {"role": "member"}, now)
    operations.change_staff(session, me, admin, {"role": "owner"}, now)
    operations.disable_staff(session, me, owner, now)
    assert owner.disabled_at == now


def test_nobody_gives_or_takes_a_role_above_their_own(session: Session, now: datetime) -> None:
    owner, admin, member = make_staff(session, "owner"), make_staff(session, "administrator"), make_staff(session)
    me = acting(session, admin, now)
    for attempt in (
        lambda: operations.add_staff(session, me, email="x@example.org", name="X", role="owner", now=now),
        lambda: operations.change_staff(session, me, member, {"role": "owner"}, now),
        lambda: operations.change_staff(session, me, owner, {"name": "Y"}, now),
        lambda: operations.disable_staff(session, me, owner, now),
        lambda: operations.change_password(session, me, owner, "hash", now),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_an_address_is_taken_whatever_its_case(session: Session, now: datetime) -> None:
    operations.add_staff(session, SYSTEM, email="Ann@Example.org", name="Ann Bee", now=now)
    assert queries.find_staff_by_email(session, " ann@example.ORG ").initials == "AB"
    with pytest.raises(Conflict, match="address"):
        operations.add_staff(session, SYSTEM, email="ann@example.org", name="Other", now=now)


def test_who_leaves_is_out_everywhere_and_what_they_leave_is_listed(session: Session, now: datetime) -> None:
    person = make_staff(session, "team_lead")
    _, secret = operations.open_session(session, person, now=now)
    _, bearer = operations.create_token(
        session, acting(session, person, now), name="t", scopes=["read"], expires_at=None, now=now
    )
    assert queries.find_session(session, secret, now)
    assert queries.find_token(session, bearer, now)
    left = operations.disable_staff(session, SYSTEM, person, now)
    assert (left.sessions_ended, left.tokens_revoked) == (1, 1)
    assert queries.find_session(session, secret, now) is None
    assert queries.find_token(session, bearer, now) is None
    with pytest.raises(NotAllowed):
        load_actor(session, person, now)


def test_passwords_are_checked_and_stored_hashed(session: Session, now: datetime) -> None:
    hashed = rules.hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$")
    make_staff(session, email="ann@example.org", password_hash=hashed)
    assert operations.sign_in(session, email="ann@example.org", password="correct horse battery").id
    for email, password in (("ann@example.org", "wrong"), ("bob@example.org", "correct horse battery")):
        with pytest.raises(NotSignedIn, match="address or the password"):
            operations.sign_in(session, email=email, password=password)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaa", "password1234", "x" * 1001, "annabelle123"])
def test_a_password_that_anybody_would_try_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.require_good_password(password, "annabelle", "Ann Bee")
    assert "password" in refused.value.fields
    assert password not in str(refused.value)


def test_a_token_cannot_make_tokens_and_ends_with_its_time(session: Session, now: datetime) -> None:
    person = make_staff(session)
    ends = now + timedelta(days=1)
    token, bearer = operations.create_token(
        session, acting(session, person, now), name="t", scopes=["read"], expires_at=ends, now=now
    )
    assert bearer not in (token.token_hash, token.prefix)
    as_token = load_actor(session, person, now, kind="token", scopes=["read", "manage"])
    with pytest.raises(NotAllowed):
        operations.create_token(session, as_token, name="t2", scopes=["read"], expires_at=None, now=now)
    assert queries.find_token(session, bearer, ends) is None


def test_a_grant_through_a_team_ends_with_the_membership(session: Session, now: datetime) -> None:
    person, account = make_staff(session), make_account(session)
    team = make_team(session, person)
    operations.give_grant(session, SYSTEM, role="agent", team=team, account=account, now=now)
    assert can(acting(session, person, now), Action.CONVERSATION_ANSWER, account)
    operations.change_team(session, SYSTEM, team, member_ids=[], now=now)
    session.flush()
    assert not can(acting(session, person, now), Action.CONVERSATION_ANSWER, account)


def test_a_second_grant_of_the_same_scope_changes_the_first(session: Session, now: datetime) -> None:
    person, brand = make_staff(session), make_brand(session)
    one = operations.give_grant(session, SYSTEM, role="viewer", staff=person, brand=brand, now=now)
    two = operations.give_grant(session, SYSTEM, role="manager", staff=person, brand=brand, now=now)
    assert (two.id, two.role) == (one.id, "manager")
    for wrong in ({"staff": person}, {"staff": person, "brand": brand, "account": make_account(session)}):
        with pytest.raises(Invalid):
            operations.give_grant(session, SYSTEM, role="viewer", now=now, **wrong)


def test_every_act_is_in_the_audit_log_without_names(session: Session, now: datetime) -> None:
    staff = operations.add_staff(session, SYSTEM, email="zoe@example.org", name="Zoe", now=now)
    operations.disable_staff(session, SYSTEM, staff, now)
    session.flush()
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [e.action for e in entries] == ["staff.add", "staff.disable"]
    assert "zoe" not in str([e.data for e in entries]).lower()


def test_who_is_away_says_until_when_and_not_for_ever(session: Session, now: datetime) -> None:
    staff = make_staff(session)
    me = acting(session, staff, now)
    week = now + timedelta(days=7)
    operations.change_own(session, me, {"absent_until": week}, now)
    assert (rules.absence(staff.absent_until, now), rules.absence(staff.absent_until, week)) == (week, None)
    for never in (now, now + timedelta(days=400)):
        with pytest.raises(Invalid):
            operations.change_own(session, me, {"absent_until": never}, now)
    operations.change_own(session, me, {"absent_until": None}, now)
    assert staff.absent_until is None


def test_a_team_that_must_agree_to_posts_is_not_dissolved(session: Session, now: datetime) -> None:
    """Else what waits for it would fall to deputies without a word."""
    team, brand = make_team(session, make_staff(session)), make_brand(session, name="Aurore")
    step = Step("Legal", teams=(team.id,))
    set_policy(session, SYSTEM, brand, Policy((step,)), {}, now)
    with pytest.raises(Conflict, match="Aurore"):
        operations.remove_team(session, SYSTEM, team, now)
    set_policy(session, SYSTEM, brand, Policy(), {}, now)
    waits = _review(session, brand, step, now)
    with pytest.raises(Conflict) as refused:
        operations.remove_team(session, SYSTEM, team, now)
    assert refused.value.data["current"] == {"posts": [waits.post_id]}
    waits.state = "void"
    operations.remove_team(session, SYSTEM, team, now)
    session.flush()
    assert session.get(Team, team.id) is None


def _review(session: Session, brand: Brand, step: Step, now: datetime) -> Review:
    author = make_staff(session)
    post = Post(brand_id=brand.id, author_id=author.id, state="awaiting_approval", created_at=now, updated_at=now)
    session.add(post)
    session.flush()
    made = Review(
        post_id=post.id, account_id=make_account(session, brand).id, content_hash="", steps=[step.plain()], step_at=now,
        asked_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made
