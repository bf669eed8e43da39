"""A company with something of every kind that can be set up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from guichet import models as m
from guichet.clock import utc_now
from guichet.publishing.steps import Step
from tests import factories as make
from tests.factories import NOW


def build(session: Any) -> None:
    """Something of every kind that can be set up."""
    calendar = m.Calendar(
        name="Weekdays", time_zone="Europe/Paris", intervals={"0": [["09:00", "18:00"]]}, holidays=["2026-12-25"]
    )
    owner = make.make_staff(session, "owner", email="owner@example.org", name="Odile Owner", initials="OO")
    agent = make.make_staff(
        session, email="agent@example.org", languages=["fr"], skills=["refunds"], capacity=7, locale="fr"
    )
    gone = make.make_staff(session, email="gone@example.org", disabled_at=NOW)
    team = make.make_team(
        session, owner, agent, gone, name="Counter", assignment="round_robin", queue_order="deadline", hourly_cap=12
    )
    team.members[0].is_lead = True
    session.add(calendar)
    session.flush()
    brand = make.make_brand(
        session, name="Aurore", languages=["fr", "en"], calendar_id=calendar.id, default_team_id=team.id,
        signs_with_initials=True,
    )  # fmt: skip
    other = make.make_brand(session, name="Boréal")
    account = make.make_account(session, brand, handle="aurore", webhook_secret="canary-hook", approval="four_eyes")
    twin = make.make_account(session, other, handle="aurore", base_url="https://other.example")
    make.make_account(session, other, "x", base_url="", handle="boreal", monthly_limit=12_500_000, approval="none")
    steps = [
        Step("Words", "all", staff=(agent.id, owner.id), deputies=(owner.id,), deputy_after=90),
        Step("Law", teams=(team.id,), external=True),
    ]
    session.add(m.ApprovalPolicy(brand_id=brand.id, steps=[s.plain() for s in steps], binds_time=True, updated_at=NOW))
    session.add(m.HashtagSet(brand_id=brand.id, name="Été", folded="été", tags=["vols", "été_2026"], created_at=NOW))
    strike = m.PostTemplate(brand_id=brand.id, name="Grève", folded="grève", text="{date}…", created_at=NOW)
    strike.variants = {"x": "Grève le {date}"}
    session.add(strike)
    make.make_contact(session, brand, "Aéroport de Lisbonne", x="lisbon", mastodon="lisbon@social.example")
    make.make_contact(session, None, "Météo", bluesky="meteo.example")
    make.make_field(
        session, "reason", brand, subject="customer", name="Raison", kind="choice", is_required=True,
        choices=[["b", "Bagage"], ["a", "Été"]], archived_at=NOW,
    )  # fmt: skip
    make.make_field(session, "weight", name="Poids", kind="number", least="0.5", most="99", position=1)
    at_x = {"network": "x", "on": True, "patterns": {"source": "twitter"}}
    session.add(m.LinkRule(brand_id=brand.id, domains=["aurore.example"], exceptions=[at_x], updated_at=NOW))
    make.make_grant(session, agent, account, "agent")
    make.make_grant(session, agent, twin, "viewer", ends_at=utc_now() + timedelta(days=30))
    make.make_grant(session, owner, account, "viewer", ends_at=NOW)
    session.add(m.Grant(team_id=team.id, brand_id=other.id, role="publisher", created_at=NOW))
    session.add_all([m.Slot(account_id=account.id, weekday=n, at="09:00", label="tips") for n in (0, 3)])
    session.add(
        m.EvergreenQueue(
            brand_id=brand.id, name="Tips", folded="tips", week=[{"weekday": 1, "at": "10:30"}], ordering="shuffled",
            is_paused=True, created_at=NOW, accounts=[m.EvergreenAccount(account_id=account.id)],
        )
    )  # fmt: skip
    label = m.Label(name="refund", colour="red")
    session.add_all(
        [
            label,
            m.PostTag(
                brand_id=brand.id, kind="campaign", name="Été 2026", folded="été 2026", colour="amber", created_at=NOW
            ),
        ]
    )
    session.flush()
    make.make_topic(session, agent, name="Bags", brand_id=brand.id, reviewed=True, return_minutes=45)
    known = {"created_at": NOW, "updated_at": NOW}
    session.add_all([
        m.Rule(
            name="Refunds", position=1, is_on=True, brand_id=brand.id, stops=True, **known,
            conditions=[
                {"field": "text", "operator": "any_of", "value": ["refund"]},
                {"field": "account", "operator": "is", "value": [account.id]},
            ],
            actions=[
                {"kind": "label", "value": label.id}, {"kind": "team", "value": team.id},
                {"kind": "assignee", "value": agent.id}, {"kind": "priority", "value": 2},
            ],
        ),
        m.Rule(name="Spam", position=2, conditions=[], actions=[{"kind": "spam"}], **known),
        m.PromisePolicy(
            name="Refunds", position=1, brand_id=brand.id, first_minutes=15, resolution_minutes=240, **known,
            conditions=[
                {"field": "label", "operator": "is", "value": [label.id]},
                {"field": "account", "operator": "is_not", "value": [twin.id]},
            ],
            steps=[{
                "of": "answer", "percent": 75,
                "actions": [
                    {"kind": "tell_leads", "value": None}, {"kind": "tell_staff", "value": agent.id},
                    {"kind": "team", "value": team.id},
                ],
            }],
        ),
        m.PromisePolicy(name="All", position=2, conditions=[], first_minutes=60, runs_always=True, **known),
        m.CannedReply(brand_id=brand.id, title="Hello", shortcut="h", text="Bonjour {customer.name}", updated_at=NOW),
        m.CannedReply(brand_id=None, title="Bye", shortcut="b", text="Au revoir", language="fr", updated_at=NOW),
        m.Macro(
            position=1, name="Baggage", staff_id=agent.id, updated_at=NOW,
            actions=[{"kind": "assignee", "value": 0}, {"kind": "unlabel", "value": label.id}],
        ),
        m.Macro(
            position=2, name="Baggage", team_id=team.id, updated_at=NOW,
            actions=[{"kind": "assignee", "value": agent.id}, {"kind": "team", "value": team.id}],
        ),
        m.SavedView(
            staff_id=agent.id, name="Mine",
            filters={"account_id": [twin.id], "label_id": label.id, "assignee": str(agent.id), "waiting": True},
        ),
        m.SavedView(staff_id=None, name="Paris", filters={"brand_id": brand.id, "team_id": team.id, "assignee": "me"}),
    ])  # fmt: skip
