"""The look at every conversation before anything goes: what it would be told, how long that is
there, and what keeps it from being sent. It writes only into the rows of the draft."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from channels.contract import ChannelSpec
from channels.sentences import say
from guichet.errors import Invalid
from guichet.inbox import composing, crediting, field_values, handling
from guichet.models import Account, BulkReply, BulkReplyRow, Conversation, Identity, Message, PendingAnswer, Staff
from guichet.policy import Action, Actor, can
from guichet.replying import rules
from guichet.triage.filling import values_of
from guichet.variables import fill, unfilled


@dataclass(frozen=True)
class Around:
    """What the edge knows: how the networks are, and who writes where now (names, but one's own)."""

    specs: Mapping[str, ChannelSpec]
    writers: Mapping[int, str] = field(default_factory=dict)

    @property
    def titles(self) -> dict[str, str]:
        return {name: spec.title for name, spec in self.specs.items()}


def look(
    session: Session,
    actor: Actor,
    bulk: BulkReply,
    rows: Sequence[BulkReplyRow],
    around: Around,
    now: datetime,
    *,
    anew: bool,
    before: Mapping[int, int] | None = None,
) -> None:
    """Write into the rows what would become of them. `anew`: what was written meanwhile counts as
    seen; else a row in which something was is kept back. `before`: how many go already by account,
    where these are not all. Rights are the caller's matter."""
    author = session.get_one(Staff, bulk.staff_id)
    conversations = read_conversations(session, [row.conversation_id for row in rows])
    waiting = _pending(session, list(conversations))
    lacking = field_values.lacking_of(session, list(conversations.values())) if bulk.then_close else {}
    places = Counter(before or {})
    for row in rows:
        conversation = conversations[row.conversation_id]
        if anew or row.seen_through is None:
            row.seen_through = conversation.last_message_id
        facts = facts_of(session, actor, author, conversation, row, now, place=places[row.account_id])
        writer = around.writers.get(conversation.id, "")
        lacks = field_values.sentence_of(lacking[conversation.id]) if conversation.id in lacking else ""
        found = rules.exclusion(
            replace(facts, has_pending=conversation.id in waiting, writer=writer, lacks=lacks)
        )  # fmt: skip
        _word(session, actor, author, bulk, row, conversation, around, now)
        if found is not None:
            row.excluded, row.reason = found
        if not row.excluded and not row.is_out:
            places[row.account_id] += 1
    session.flush()


def facts_of(
    session: Session,
    actor: Actor,
    author: Staff,
    conversation: Conversation,
    row: BulkReplyRow,
    now: datetime,
    *,
    place: int,
) -> rules.Facts:
    """What the rows tell of it; what else waits or is written there is not looked at."""
    return rules.Facts(
        may_answer=can(actor, Action.CONVERSATION_ANSWER, conversation),
        may_publish=can(actor, Action.POST_PUBLISH, conversation.account_id),
        place=place,
        state=conversation.state,
        is_merged=conversation.merged_into_id is not None,
        is_blocked=conversation.identity.customer.is_blocked,
        is_pooled=conversation.topic_id is not None,
        is_held=handling.is_held_by_other(conversation, author.id, now),
        has_newer=_has_newer(session, conversation, row, author.id),
    )


def read_conversations(session: Session, ids: Sequence[int]) -> dict[int, Conversation]:
    """With whom each is, in one query."""
    wanted = (
        select(Conversation)
        .where(Conversation.id.in_(ids))
        .options(joinedload(Conversation.identity).joinedload(Identity.customer))
    )
    return {one.id: one for one in session.scalars(wanted)}


def _pending(session: Session, ids: Sequence[int]) -> set[int]:
    return set(session.scalars(select(PendingAnswer.conversation_id).where(PendingAnswer.conversation_id.in_(ids))))


def _has_newer(session: Session, conversation: Conversation, row: BulkReplyRow, author_id: int) -> bool:
    seen = row.seen_through or 0
    if (conversation.last_message_id or 0) <= seen:
        return False
    newer = (
        select(Message.id)
        .where(Message.conversation_id == conversation.id, Message.id > seen, Message.side_id.is_(None))
        .where(Message.direction.in_(("in", "out")), Message.deleted_at.is_(None))
        .where(Message.staff_id.is_distinct_from(author_id))
        .limit(1)
    )
    return session.scalar(newer) is not None


def _word(
    session: Session,
    actor: Actor,
    author: Staff,
    bulk: BulkReply,
    row: BulkReplyRow,
    conversation: Conversation,
    around: Around,
    now: datetime,
) -> None:
    """What is said in this one, and whether the network takes it."""
    template = row.text if row.text is not None else bulk.variants[row.variant % len(bulk.variants)]
    values = values_of(session, conversation, author, around.titles)
    row.said = fill(template, values)
    row.excluded, row.reason, row.problems, row.used, row.room = "", "", [], 0, 0
    row.body = row.said
    account = session.get_one(Account, conversation.account_id)
    row.notes = _notes(session, actor, conversation)
    try:
        foreseen = composing.foresee(
            session, actor, author, conversation, around.specs[account.network], row.said,
            now + timedelta(seconds=60 / bulk.pace) * row.position,
        )  # fmt: skip
    except Invalid as refusal:
        row.excluded, row.reason = "cannot_reply", refusal.message
        return
    row.body, row.used, row.room = foreseen.body, foreseen.used, foreseen.room
    row.problems = [{"name": one.name, **one.data} for one in foreseen.problems]
    empty = unfilled(template, values)
    if not row.said.strip():
        row.excluded, row.reason = "empty", say("there is no text yet")
    elif empty:
        row.excluded, row.reason = "unfilled", say("nothing is known here for {names}", names=", ".join(empty))
    elif row.problems:
        row.excluded, row.reason = "refused", say("the network would refuse this text")


def _notes(session: Session, actor: Actor, conversation: Conversation) -> list[str]:
    notes = []
    if actor.is_reviewed or crediting.is_reviewed(session, actor, conversation):
        notes.append("reviewed")
    if conversation.awaits_since is not None:
        notes.append("awaits")
    if conversation.waiting_since is None:
        notes.append("nobody_waits")
    return notes
