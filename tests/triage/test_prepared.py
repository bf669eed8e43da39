"""What is prepared beforehand: whose it is, who may change it, and that it says what was written."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import NotAllowed, NotFound
from guichet.policy import Actor, load_actor
from guichet.triage import prepared
from tests import factories as make


@pytest.fixture
def account(session: Session) -> m.Account:
    return make.make_account(session)


@pytest.fixture
def agent(session: Session, account: m.Account, now: datetime) -> Actor:
    return person(session, now, account=account)


@pytest.fixture
def lead(session: Session, account: m.Account, now: datetime) -> Actor:
    return person(session, now, "team_lead", account)


def person(session: Session, now: datetime, role: str = "member", account: m.Account | None = None) -> Actor:
    staff = make.make_staff(session, role)
    if account is not None:
        make.make_grant(session, staff, account, "agent")
    return load_actor(session, staff, now)


def test_a_reply_of_a_brand_is_for_who_sees_that_brand(
    session: Session, account: m.Account, agent: Actor, lead: Actor, now: datetime
) -> None:
    add = {"text": "Bonjour {customer.name}", "now": now}
    everybodys = prepared.add_canned(session, lead, title="Thanks", **add)
    brands = prepared.add_canned(session, lead, title="Hours", brand_id=account.brand_id, **add)
    assert prepared.list_canned(session, agent) == [everybodys, brands]
    assert prepared.list_canned(session, agent, after=everybodys.id) == [brands]
    assert prepared.list_canned(session, agent, limit=1) == [everybodys]
    stranger = person(session, now, "team_lead")
    assert prepared.list_canned(session, stranger) == [everybodys]
    with pytest.raises(NotFound):
        prepared.get_canned(session, stranger, brands.id)
    with pytest.raises(NotFound):
        prepared.add_canned(session, stranger, title="Theirs", brand_id=account.brand_id, **add)
    assert brands in prepared.list_canned(session, person(session, now, "administrator"))


def test_who_only_answers_uses_what_leads_have_written(
    session: Session, agent: Actor, lead: Actor, now: datetime
) -> None:
    canned = prepared.add_canned(session, lead, title="Thanks", text="Thank you", now=now)
    for act in (
        lambda: prepared.add_canned(session, agent, title="Mine", text="x", now=now),
        lambda: prepared.change_canned(session, agent, canned, {"text": "x"}, now),
        lambda: prepared.remove_canned(session, agent, canned, now),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert prepared.get_canned(session, agent, canned.id).text == "Thank you"


def test_a_reply_keeps_its_name_and_its_variables_and_only_what_is_named_changes(
    session: Session, account: m.Account, lead: Actor, now: datetime
) -> None:
    words = "Hello {customer.first_name}, this is {agent.name} of {account.name} {unknown} {0}"
    canned = prepared.add_canned(
        session, lead, title="Who we are", text=words, shortcut="who", language="en", brand_id=account.brand_id, now=now
    )
    changes = {"title": "Us", "brand_id": None, "created_by": None}
    prepared.change_canned(session, lead, canned, changes, now)
    session.flush()
    session.expire_all()
    kept = prepared.get_canned(session, lead, canned.id)
    assert (kept.title, kept.text, kept.shortcut, kept.language) == ("Us", words, "who", "en")
    assert (kept.brand_id, kept.created_by) == (account.brand_id, lead.staff_id)
    prepared.remove_canned(session, lead, kept, now)
    session.flush()
    with pytest.raises(NotFound):
        prepared.get_canned(session, lead, canned.id)
    acts = [
        e.action for e in session.query(m.AuditEntry).filter_by(target_kind="canned_reply").order_by(m.AuditEntry.id)
    ]
    assert acts == ["canned.add", "canned.change", "canned.remove"]


def test_a_view_is_ones_own_or_everybodys(session: Session, agent: Actor, lead: Actor, now: datetime) -> None:
    own = prepared.add_view(session, agent, name="Mine", filters={"language": "fr"}, is_shared=False, now=now)
    leads = prepared.add_view(session, lead, name="Private", filters={}, is_shared=False, now=now)
    shared = prepared.add_view(session, lead, name="All", filters={"waiting": True}, is_shared=True, now=now)
    assert prepared.list_views(session, agent) == [own, shared]
    shared.position = -1
    session.flush()
    assert prepared.list_views(session, agent) == [shared, own]
    assert prepared.get_view(session, agent, shared.id).filters == {"waiting": True}
    with pytest.raises(NotFound):
        prepared.get_view(session, agent, leads.id)


def test_only_who_manages_labels_shares_a_view_or_takes_a_shared_one_away(
    session: Session, agent: Actor, lead: Actor, now: datetime
) -> None:
    shared = prepared.add_view(session, lead, name="All", filters={}, is_shared=True, now=now)
    own = prepared.add_view(session, agent, name="Mine", filters={}, is_shared=False, now=now)
    with pytest.raises(NotAllowed):
        prepared.add_view(session, agent, name="For you", filters={}, is_shared=True, now=now)
    with pytest.raises(NotAllowed):
        prepared.remove_view(session, agent, shared, now)
    prepared.remove_view(session, agent, own, now)
    prepared.remove_view(session, lead, shared, now)
    session.flush()
    assert prepared.list_views(session, agent) == []
