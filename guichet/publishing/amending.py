"""Changing at the network what is published already, where the network lets it be changed.
The change is a delivery of its own, which may be repeated without harm."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from channels.sentences import say
from guichet import audit
from guichet.delivery import operations as delivering
from guichet.delivery.payload import MediaRef
from guichet.delivery.states import State
from guichet.errors import Conflict, Invalid
from guichet.models import Account, Delivery
from guichet.policy import Action, Actor, require
from guichet.publishing.mention_rules import with_names
from guichet.publishing.mentioning import foresee_names
from guichet.publishing.policies import asks_on
from guichet.publishing.rules import Content, Part, check
from guichet.wording import in_words

_KINDS = ("post", "thread_item", "first_comment")


def amend(
    session: Session, actor: Actor, delivery: Delivery, account: Account, text: str, spec: ChannelSpec, now: datetime
) -> Delivery:
    """Make what was published by `delivery` say `text`; its files stay. Returns the change's
    own delivery. Raises Conflict where it is not out, the network changes nothing, or the
    brand's posts are approved one by one; Invalid where the network would refuse it."""
    require(actor, Action.POST_PUBLISH, delivery)
    if delivery.kind not in _KINDS or delivery.state != State.PUBLISHED or not delivery.remote_id:
        raise Conflict(
            say("it is {state}: there is nothing to change", state=in_words(delivery.state)), code="wrong_state"
        )
    if not spec.can_edit:
        raise Conflict(say("{title} lets nobody change what is published", title=spec.title), code="cannot_edit")
    if asks_on(account):
        raise Conflict("what was approved is not changed afterwards: take it down, post it anew", code="was_approved")
    files = tuple(MediaRef(**m) for m in delivery.payload["media"])
    written = Content(account.id, (Part(text, files),), options=delivery.payload["options"])
    called = foresee_names(session, [written], {account.id: account}, {account.network: spec})
    content = with_names(written, called[account.id])
    found = check(content, spec, account.settings).problems
    if found:
        raise Invalid(
            "a network would refuse this", {"text": ", ".join(p.name for _, p in found)}, code="would_be_refused",
            problems={account.id: [{"item": delivery.item, "name": p.name, "data": dict(p.data)} for _, p in found]},
        )  # fmt: skip
    made = delivering.create(
        session, actor, account=account, kind="edit", due_at=now, now=now,
        payload={**delivery.payload, "text": content.parts[0].text, "options": dict(content.options or {})},
        post_id=delivery.post_id, variant_id=delivery.variant_id, item=delivery.item,
        target_remote_id=delivery.remote_id,
    )  # fmt: skip
    audit.record(session, actor, "delivery.amend", delivery, now, by=made.id)
    return made
