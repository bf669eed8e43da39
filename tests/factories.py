"""Plain functions that make rows for tests. Each flushes, so that ids are known."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from guichet import models as m

_numbers = itertools.count(1)
NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)


def _add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def make_staff(session: Session, role: str = "member", **more: Any) -> m.Staff:
    n = next(_numbers)
    given = {"email": f"person{n}@example.org", "name": f"Person {n}", "initials": f"P{n}", "created_at": NOW, **more}
    return _add(session, m.Staff(role=role, **given))


def make_alert_policy(session: Session, brand: m.Brand, **more: Any) -> m.AlertPolicy:
    """By default one that watches for broken promises and calls nobody in particular."""
    given = {
        "name": f"Policy {next(_numbers)}", "events": [{"kind": "broken"}], "steps": [], "since": NOW,
        "created_at": NOW, "updated_at": NOW, **more,
    }  # fmt: skip
    return _add(session, m.AlertPolicy(brand_id=brand.id, **given))


def make_alert(session: Session, policy: m.AlertPolicy, account: m.Account, **more: Any) -> m.Alert:
    given = {"event": "broken", "through": NOW, "raised_at": NOW, **more}
    return _add(session, m.Alert(policy_id=policy.id, account_id=account.id, **given))


def make_alert_hook(session: Session, brand: m.Brand, **more: Any) -> m.AlertHook:
    given = {"name": "Desk", "url": "https://hook.example/", "key_id": "k1", "sealed": b"", "created_at": NOW, **more}
    return _add(session, m.AlertHook(brand_id=brand.id, **given))


def make_letter_wish(session: Session, staff: m.Staff, **more: Any) -> m.LetterWish:
    """By default told of nothing, and of nothing before NOW."""
    given = {
        "choices": {}, "daily_at": "08:00", "soon_through": NOW, "hourly_through": NOW, "daily_through": NOW,
        "nonce": "n" * 24, "updated_at": NOW, **more,
    }  # fmt: skip
    return _add(session, m.LetterWish(staff_id=staff.id, **given))


def make_letter(session: Session, staff: m.Staff, **more: Any) -> m.Letter:
    given = {
        "rhythm": "hourly", "subjects": ["mentioned"], "since": NOW, "through": NOW, "state": "waiting", "at": NOW,
        **more,
    }  # fmt: skip
    return _add(session, m.Letter(staff_id=staff.id, **given))


def make_delivery(session: Session, account: m.Account, **more: Any) -> m.Delivery:
    """One of a post, with nothing in it."""
    given = {
        "kind": "post", "state": "scheduled", "payload": {}, "payload_hash": "0", "due_at": NOW, "not_before": NOW,
        "created_at": NOW, "updated_at": NOW, **more,
    }  # fmt: skip
    return _add(session, m.Delivery(account_id=account.id, **given))


def make_topic(session: Session, *experts: m.Staff, **more: Any) -> m.Topic:
    topic = _add(session, m.Topic(**{"name": f"Topic {next(_numbers)}", "created_at": NOW, **more}))
    for one in experts:
        _add(session, m.TopicExpert(topic_id=topic.id, staff_id=one.id))
    return topic


def make_brand(session: Session, **more: Any) -> m.Brand:
    n = next(_numbers)
    return _add(session, m.Brand(**{"name": f"Brand {n}", "time_zone": "Europe/Paris", "created_at": NOW, **more}))


def make_account(session: Session, brand: m.Brand | None = None, network: str = "mastodon", **more: Any) -> m.Account:
    n = next(_numbers)
    brand = brand or make_brand(session)
    given = {
        "base_url": "https://social.example", "remote_id": f"acct-{n}", "handle": f"company{n}", "name": f"Company {n}",
        "time_zone": brand.time_zone, "created_at": NOW, **more,
    }  # fmt: skip
    return _add(session, m.Account(brand_id=brand.id, network=network, **given))


def make_grant(session: Session, staff: m.Staff, account: m.Account, role: str, **more: Any) -> m.Grant:
    return _add(session, m.Grant(staff_id=staff.id, account_id=account.id, role=role, created_at=NOW, **more))


def make_team(session: Session, *members: m.Staff, **more: Any) -> m.Team:
    n = next(_numbers)
    team = m.Team(**{"name": f"Team {n}", "created_at": NOW, **more})
    team.members = [m.TeamMember(staff_id=s.id) for s in members]
    return _add(session, team)


def make_handout(session: Session, team: m.Team, staff: m.Staff, **more: Any) -> m.Handout:
    return _add(session, m.Handout(**{"team_id": team.id, "staff_id": staff.id, "given_at": NOW, **more}))


def make_media(session: Session, staff: m.Staff, **more: Any) -> m.Media:
    n = next(_numbers)
    given = {
        "sha256": f"{n:064x}", "mime": "image/png", "size": 1, "filename": f"{n}.png", "storage_key": f"{n}",
        "alt": "x", "created_at": NOW, **more,
    }  # fmt: skip
    return _add(session, m.Media(uploaded_by=staff.id, **given))


def make_film_job(session: Session, staff: m.Staff, **more: Any) -> m.FilmJob:
    """The making of a film that was not begun, with its file and what becomes of it."""
    media = make_media(session, staff, mime="video/webm")
    rendition = _add(
        session,
        m.Rendition(
            media_id=media.id, recipe="film", sha256="", mime="video/mp4", size=1, width=2, height=2,
            storage_key=media.storage_key, created_at=NOW,
        ),
    )  # fmt: skip
    given = {"state": m.FilmState.WAITING, "not_before": NOW, "created_at": NOW, "updated_at": NOW, **more}
    return _add(session, m.FilmJob(rendition_id=rendition.id, **given))


def make_customer(session: Session, network: str = "mastodon", **more: Any) -> m.Identity:
    """A customer with one identity; returns the identity."""
    n = next(_numbers)
    customer = _add(session, m.Customer(name=f"Customer {n}", created_at=NOW))
    given = {"remote_id": f"person-{n}", "handle": f"person{n}", "created_at": NOW, "seen_at": NOW, **more}
    return _add(session, m.Identity(customer_id=customer.id, network=network, **given))


def make_side(session: Session, conversation: m.Conversation, account: m.Account, staff: m.Staff, **more: Any) -> Any:
    """A side conversation with a desk outside."""
    n = next(_numbers)
    given = {
        "subject": f"Side {n}", "token": f"{n:020x}", "created_at": NOW, "last_at": NOW,
        "recipients": [{"name": "Desk", "address": f"desk{n}@out.example"}], **more,
    }  # fmt: skip
    return _add(
        session, m.SideConversation(conversation_id=conversation.id, account_id=account.id, staff_id=staff.id, **given)
    )


def make_bulk(session: Session, staff: m.Staff, *conversations: m.Conversation, **more: Any) -> m.BulkReply:
    """One answer to many that was let go and is not planned yet."""
    given = {"variants": ["Hello."], "state": "running", "created_at": NOW, "updated_at": NOW, "sent_at": NOW, **more}
    bulk = _add(session, m.BulkReply(staff_id=staff.id, **given))
    for position, one in enumerate(conversations):
        row = m.BulkReplyRow(
            bulk_id=bulk.id, position=position, conversation_id=one.id, account_id=one.account_id, said="Hello.",
            state="queued" if bulk.state == "running" else "ready",
        )  # fmt: skip
        _add(session, row)
    return bulk


def make_conversation(
    session: Session, account: m.Account, identity: m.Identity | None = None, **more: Any
) -> m.Conversation:
    n = next(_numbers)
    identity = identity or make_customer(session, account.network)
    given = {"thread_root": f"root-{n}", "surface": "public", "created_at": NOW, "last_message_at": NOW, **more}
    return _add(session, m.Conversation(account_id=account.id, identity_id=identity.id, **given))


def make_calendar(session: Session, **more: Any) -> m.Calendar:
    given = {"name": f"Calendar {next(_numbers)}", "time_zone": "UTC", "intervals": {}, "holidays": [], **more}
    return _add(session, m.Calendar(**given))


def make_contact(session: Session, brand: m.Brand | None, name: str, **handles: str) -> m.Contact:
    """Somebody in the address book of a brand, or of all; `handles` by network."""
    contact = m.Contact(brand_id=brand.id if brand else None, name=name, folded=name.casefold(), created_at=NOW)
    contact.handles = [m.ContactHandle(network=network, handle=handle) for network, handle in handles.items()]
    return _add(session, contact)


def make_label(session: Session, name: str) -> m.Label:
    return _add(session, m.Label(name=name))


def make_field(session: Session, key: str, brand: m.Brand | None = None, **more: Any) -> m.CustomField:
    given = {"subject": "conversation", "kind": "text", "name": key.title(), "created_at": NOW, **more}
    return _add(session, m.CustomField(key=key, brand_id=brand.id if brand else None, **given))


def make_field_value(session: Session, field: m.CustomField, **more: Any) -> m.FieldValue:
    return _add(session, m.FieldValue(**{"field_id": field.id, "value": "x", "folded": "x", **more}))


def make_rule_walk(session: Session, rule: m.Rule, brand: m.Brand, **more: Any) -> m.RuleWalk:
    return _add(session, m.RuleWalk(**{"rule_id": rule.id, "brand_id": brand.id, "read_as": "", **more}))


def make_rule_firing(session: Session, rule: m.Rule, conversation: m.Conversation) -> m.RuleFiring:
    firing = m.RuleFiring(rule_id=rule.id, conversation_id=conversation.id, began_at=NOW, acted_at=NOW)
    return _add(session, firing)
