"""Two companies under one roof: everything that can be asked for by number, once on an
account that the tests' people work on, and once on one that they must not know of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from guichet import models as m
from guichet.delivery.payload import freeze, payload_hash
from tests import factories as make
from tests.factories import NOW

# A word that only the foreign account's rows hold: it must appear in no answer.
SECRET_WORD = "zanzibarite"


@dataclass
class Place:
    """One account with one of everything on it; `ids` by the part of the API that takes them."""

    account: m.Account
    ids: dict[str, int] = field(default_factory=dict)


@dataclass
class World:
    ours: Place
    theirs: Place
    people: dict[str, m.Staff]
    owner: m.Staff


ROLES = ("nobody", "viewer", "agent", "author", "publisher", "manager")


def build(session: Session) -> World:
    """Commits nothing."""
    owner = make.make_staff(session, "owner")
    ours = _place(session, owner, "our own word")
    theirs = _place(session, owner, SECRET_WORD)
    people = {}
    for role in ROLES:
        people[role] = make.make_staff(session, name=f"Person {role}")
        if role != "nobody":
            make.make_grant(session, people[role], ours.account, role)
    for place in (ours, theirs):
        place.ids["staff"] = owner.id
    return World(ours, theirs, people, owner)


def _place(session: Session, owner: m.Staff, word: str) -> Place:
    brand = make.make_brand(session, name=f"Brand of {word}")
    account = make.make_account(session, brand, name=f"Account of {word}", settings={})
    identity = make.make_customer(session, name=f"Customer {word}", handle=f"handle-{word.replace(' ', '-')}")
    session.get_one(m.Customer, identity.customer_id).name = f"Customer {word}"
    conversation = make.make_conversation(session, account, identity, preview=word, waiting_since=NOW, state="open")
    other = make.make_conversation(session, account, identity, preview=word, state="open")
    message = _message(session, conversation, identity, word)
    another = make.make_customer(session, name=f"Another {word}")
    make.make_conversation(session, account, another, preview=word)
    side = make.make_side(session, conversation, account, owner, subject=word)
    attachment = m.Attachment(
        message_id=message.id, filename=f"{word}.png", mime="image/png", storage_key="00/" + "0" * 38
    )
    payload = freeze(text=word, surface="public")
    post = _post(session, brand, account, owner, word)
    delivery = m.Delivery(
        kind="post", state="needs_human", account_id=account.id, actor_id=owner.id, post_id=post.id, payload=payload,
        payload_hash=payload_hash(payload), content_hash="", due_at=NOW, not_before=NOW, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    media = m.Media(
        sha256="0" * 64, mime="image/png", size=1, filename=f"{word}.png", storage_key=f"{word}", created_at=NOW,
        uploaded_by=owner.id,
    )  # fmt: skip
    letter = m.RawItem(
        account_id=account.id, stream="s", delivery_key=word, headers={}, body=word.encode(), received_at=NOW,
        state="dead", last_error=word,
    )  # fmt: skip
    grant = m.Grant(staff_id=owner.id, account_id=account.id, role="viewer", created_at=NOW)
    wait = m.Wait(
        conversation_id=conversation.id, account_id=account.id, opened_by_message_id=message.id, cycle=1,
        is_first=True, started_at=NOW - timedelta(hours=1), received_at=NOW,
    )  # fmt: skip
    canned = m.CannedReply(brand_id=brand.id, title=word, shortcut="w", text=word, updated_at=NOW)
    macro = m.Macro(name=word, position=1, brand_id=brand.id, actions=[{"kind": "note", "value": word}], updated_at=NOW)
    view = m.SavedView(staff_id=owner.id, name=word, filters={})
    token = m.ApiToken(
        staff_id=owner.id, name=word, prefix="guichet_x", token_hash=word, scopes=["read"], created_at=NOW
    )
    team = make.make_team(session, name=f"Team of {word}")
    label = m.Label(name=f"Label of {word[:3]}")
    rule = m.Rule(name="rule", position=1, conditions=[], actions=[], created_at=NOW, updated_at=NOW)
    promise = m.PromisePolicy(
        name="promise", position=1, brand_id=brand.id, conditions=[], first_minutes=60, created_at=NOW, updated_at=NOW
    )
    calendar = m.Calendar(name=f"Hours of {word[:3]}", time_zone="UTC", intervals={})
    link = m.ReviewLink(
        secret_hash=word, name=word, made_by=owner.id, made_at=NOW, expires_at=NOW + timedelta(days=1),
        posts=[m.ReviewLinkPost(post_id=post.id)],
    )  # fmt: skip
    brought = m.PostImport(staff_id=owner.id, filename=word, digest=word, post_count=0, created_at=NOW)
    tag = m.PostTag(brand_id=brand.id, kind="label", name=word, folded=word.casefold(), created_at=NOW)
    hashtags = m.HashtagSet(brand_id=brand.id, name=word, folded=word.casefold(), tags=[word], created_at=NOW)
    feed = m.CalendarFeed(brand_id=brand.id, name=word, secret_hash=word, made_by=owner.id, made_at=NOW)
    template = m.PostTemplate(brand_id=brand.id, name=word, folded=word.casefold(), text=word, created_at=NOW)
    contact = m.Contact(brand_id=brand.id, name=word, folded=word.casefold(), created_at=NOW)
    session.add_all([brought, tag, hashtags, template, contact, feed])
    field = make.make_field(session, word.casefold(), brand=brand, name=word)
    queue = m.EvergreenQueue(brand_id=brand.id, name=word, folded=word.casefold(), created_at=NOW)
    queue.accounts = [m.EvergreenAccount(account_id=account.id)]
    session.add(queue)
    session.flush()
    kept = m.EvergreenItem(queue_id=queue.id, position=1, created_at=NOW)
    session.add(kept)
    session.flush()
    wording = _post(session, brand, account, owner, word)
    wording.state, wording.evergreen_id = "evergreen", kept.id
    differs = m.Discrepancy(
        account_id=account.id, kind="stranger", code="unknown_hand", remote_id=word, text=word, at=NOW, found_at=NOW
    )
    session.add_all(
        [
            differs,
            link,
            attachment,
            delivery,
            media,
            letter,
            grant,
            wait,
            canned,
            macro,
            view,
            token,
            label,
            rule,
            promise,
            calendar,
        ]
    )
    bulk = make.make_bulk(session, owner, conversation, variants=[word])
    topic = make.make_topic(session, name=f"Topic of {word}", brand_id=brand.id)
    calls = make.make_alert_policy(session, brand, name=word)
    alert, hook = make.make_alert(session, calls, account), make.make_alert_hook(session, brand, name=word)
    session.flush()
    ids = {
        "accounts": account.id, "brands": brand.id, "conversations": conversation.id, "customers": identity.customer_id,
        "attachments": attachment.id, "posts": post.id, "deliveries": delivery.id, "media": media.id,
        "dead-letters": letter.id, "grants": grant.id, "canned-replies": canned.id, "macros": macro.id,
        "views": view.id, "bulk-replies": bulk.id,
        "topics": topic.id, "alerts": alert.id, "alert-policies": calls.id, "alert-hooks": hook.id,
        "tokens": token.id, "teams": team.id, "labels": label.id, "rules": rule.id, "calendars": calendar.id,
        "other_conversation": other.id, "message": message.id, "side": side.id, "other_customer": another.customer_id,
        "review-links": link.id, "imports": brought.id,
        "post-tags": tag.id, "hashtag-sets": hashtags.id, "post-templates": template.id,
        "contacts": contact.id, "calendar-feeds": feed.id,
        "fields": field.id,
        "evergreen-queues": queue.id, "evergreen-items": kept.id,
        "wording": wording.id,
        "discrepancies": differs.id, "promises": promise.id,
    }  # fmt: skip
    return Place(account, ids)


def _message(session: Session, conversation: m.Conversation, identity: m.Identity, word: str) -> m.Message:
    message = m.Message(
        conversation_id=conversation.id, account_id=conversation.account_id, direction="in", kind="mention",
        remote_id=f"remote-{word}", identity_id=identity.id, text=word, remote_at=NOW, received_at=NOW, sort_at=NOW,
        context={},
    )  # fmt: skip
    session.add(message)
    session.flush()
    conversation.last_message_id, conversation.message_count = message.id, 1
    return message


def _post(session: Session, brand: m.Brand, account: m.Account, author: m.Staff, word: str) -> m.Post:
    post = m.Post(brand_id=brand.id, author_id=author.id, created_at=NOW, updated_at=NOW, title=word)
    post.variants = [m.Variant(is_base=True, text=word)]
    post.targets = [m.PostTarget(account_id=account.id, variant=post.variants[0])]
    session.add(post)
    session.flush()
    return post
