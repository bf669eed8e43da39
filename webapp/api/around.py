"""What stands around one conversation: the post above it, its neighbours in the same
thread, who has it, who is here, what one was writing, what one may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from guichet.delivery.materials import find_files
from guichet.inbox import acting, field_values, followers, linking, personal, presence
from guichet.inbox.crediting import signature_of
from guichet.inbox.rows import read_rows
from guichet.models import Account, Identity, ReplyDraft, Rule, Staff
from guichet.models import Conversation as ConversationTable
from guichet.policy import Action, can, visible
from guichet.receiving import pacing
from webapp.api import threads
from webapp.api.briefs import Names, person
from webapp.api.fields import show_filled
from webapp.api.media import show_media
from webapp.api.networks import text_limits
from webapp.api.schemas.accounts import TextLimit
from webapp.api.schemas.inbox import Claim, Conversation, CustomerBrief, Draft, Link, Rush, Sibling, Viewer
from webapp.asking import Asked

_RIGHTS = (Action.CONVERSATION_REPLY, Action.CONVERSATION_ANSWER, Action.CONVERSATION_ASSIGN, Action.ANSWER_APPROVE)
_SIBLINGS = 20


def show_conversation(asked: Asked, found: ConversationTable) -> Conversation:
    """Everything that the page about one conversation needs at once."""
    row = threads.show_row(read_rows(asked.session, [found.id], asked.staff_id)[0])
    account = asked.session.get_one(Account, found.account_id, options=[joinedload(Account.brand)])
    return Conversation(
        **row.model_dump(),
        can_reply=found.can_reply,
        cannot_reply_reason=found.cannot_reply_reason or None,
        reply_until=found.reply_until,
        root=threads.show_above(found),
        siblings=_siblings(asked, found),
        claim=Claim(by=row.assignee, until=found.claimed_until) if row.assignee else None,
        drafts=_drafts(asked, found),
        others=show_viewers(asked, found.id),
        followers=[person(one) for one in followers.read_followers(asked.session, asked.actor, found, asked.now)],
        rush=_rush(asked, found),
        held_by=_held_by(asked, found),
        links=_links(asked, found),
        last_message_id=found.last_message_id,
        last_beside_id=found.last_beside_id,
        previous_id=found.previous_id,
        merged_into_id=found.merged_into_id,
        signature=_signature(asked, account, found),
        text_limit=_text_limit(asked, account, found),
        fields=show_filled(field_values.read_fields(asked.session, asked.actor, found)),
        can=[a.value for a in _RIGHTS if can(asked.actor, a, found)] + _acts(asked, account, found),
    )


def _acts(asked: Asked, account: Account, found: ConversationTable) -> list[str]:
    return [f"message.{side}" for side in acting.offered(asked.spec(account.network), asked.actor, found)]


def _rush(asked: Asked, found: ConversationTable) -> Rush | None:
    rush = pacing.find_rush(asked.session, found, asked.now)
    return Rush(**asdict(rush)) if rush is not None else None


def _held_by(asked: Asked, found: ConversationTable) -> str | None:
    rule = asked.session.get(Rule, found.held_by) if found.held_by is not None else None
    return rule.name if rule is not None else None


def _links(asked: Asked, found: ConversationTable) -> list[Link]:
    links = linking.read_links(asked.session, asked.actor, found)
    rows = threads.show_rows([one.other for one in links])
    return [Link(kind=one.kind, conversation=row) for one, row in zip(links, rows, strict=True)]


def show_viewers(asked: Asked, conversation_id: int) -> list[Viewer]:
    """Who else looks at it or writes in it."""
    there = presence.who_is_there(asked.runtime.redis, [conversation_id], asked.now).get(conversation_id, [])
    others = [one for one in there if one.staff_id != asked.staff_id]
    names = Names(asked.session).load(people=[one.staff_id for one in others])
    people = [(names.person(one.staff_id), one.what == "writing") for one in others]
    return [Viewer(**who.model_dump(), writing=writing) for who, writing in people if who]


def _siblings(asked: Asked, found: ConversationTable) -> list[Sibling]:
    if found.surface != "public":
        return []
    rows = asked.session.scalars(
        select(ConversationTable)
        .where(
            ConversationTable.account_id == found.account_id,
            ConversationTable.thread_root == found.thread_root,
            ConversationTable.id != found.id,
            ConversationTable.identity_id != found.identity_id,
            ConversationTable.merged_into_id.is_(None),
            visible(asked.actor, ConversationTable.account_id, Action.CONVERSATION_VIEW),
        )
        .options(joinedload(ConversationTable.identity))
        .order_by(ConversationTable.last_message_at.desc())
        .limit(_SIBLINGS)
    ).all()
    return [
        Sibling(conversation_id=r.id, customer=brief_of(r.identity), preview=personal.cover(r.preview)) for r in rows
    ]


def brief_of(identity: Identity) -> CustomerBrief:
    return CustomerBrief(id=identity.customer_id, name=identity.name or identity.handle, handle=identity.handle)


def customers_of(session: Session, conversation_ids: Sequence[int]) -> dict[int, CustomerBrief]:
    """The customer of each conversation, in one query. Rights are the caller's matter."""
    rows = session.execute(
        select(ConversationTable.id, Identity)
        .join(Identity, Identity.id == ConversationTable.identity_id)
        .where(ConversationTable.id.in_(conversation_ids))
    )
    return {conversation_id: brief_of(identity) for conversation_id, identity in rows}


def _drafts(asked: Asked, found: ConversationTable) -> list[Draft]:
    rows = asked.session.scalars(
        select(ReplyDraft).where(ReplyDraft.conversation_id == found.id, ReplyDraft.staff_id == asked.staff_id)
    ).all()
    return [show_draft(asked, row) for row in rows]


def show_draft(asked: Asked, row: ReplyDraft) -> Draft:
    """What one was writing, with its files as far as they are there."""
    files = find_files(asked.session, asked.actor, row.media)
    return Draft(
        kind="note" if row.kind == "note" else "reply", text=row.text,
        media_ids=[i for i in row.media if i in files], media=[show_media(files[i]) for i in row.media if i in files],
        seen_through=row.seen_through, saved_at=row.updated_at,
    )  # fmt: skip


def _text_limit(asked: Asked, account: Account, found: ConversationTable) -> TextLimit | None:
    """Also for who sees nothing else of the account."""
    limits = text_limits(asked.spec(account.network).limits_for(account.settings))
    return next((limit for surface, limit in limits.items() if surface == found.surface), None)


def _signature(asked: Asked, account: Account, found: ConversationTable) -> str:
    author = asked.session.get_one(Staff, asked.staff_id)
    return signature_of(asked.session, asked.actor, account, author, found)
