"""What a mail tells: where something happened, never what was said. By the rights of now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from guichet.inbox.notices import CALLS
from guichet.models import Account, Conversation, ConversationEvent, Delivery, Notice, Post, Review
from guichet.policy import Action, Actor, require, visible, visible_conversations
from guichet.publishing.deciding import list_to_decide

MOST = 20  # of one subject
_DUE = ("due_soon", "late")
_ANSWERS = ("held_back", "called_off", "bounced", "approved", "rejected")
_DONE = ("resolved", "closed", "spam")


@dataclass(frozen=True)
class Item:
    """One thing: on which account, and the page that shows it."""

    account: str
    page: str


def gather(
    session: Session, actor: Actor, subjects: Iterable[str], since: datetime, through: datetime, now: datetime
) -> dict[str, list[Item]]:
    """By subject what there is that was not seen yet, as far as the actor may still see it."""
    require(actor, Action.STAFF_VIEW)
    found = {subject: _of(session, actor, subject, since, through, now) for subject in subjects}
    return {subject: items for subject, items in found.items() if items}


def _of(
    session: Session, actor: Actor, subject: str, since: datetime, through: datetime, now: datetime
) -> list[Item]:  # fmt: skip
    if subject == "assigned":
        return _assigned(session, actor, since, through)
    if subject == "answers":
        told = _noticed(session, actor, Notice.kind.in_(_ANSWERS), since, through)
        return _once([*_failed_answers(session, actor, since, through), *told])
    if subject == "asked":
        return _asked(session, actor, since, through, now)
    if subject == "approvals":
        return _decided(session, actor, since, through)
    if subject == "posts":
        return _failed_posts(session, actor, since, through)
    kinds = {"mentioned": Notice.kind.in_(CALLS), "due": Notice.kind.in_(_DUE)}
    others = Notice.kind.not_in((*CALLS, *_DUE, *_ANSWERS))
    return _noticed(session, actor, kinds.get(subject, others), since, through)


def _once(items: Iterable[Item]) -> list[Item]:
    return list(dict.fromkeys(items))[:MOST]


def _noticed(session: Session, actor: Actor, kind, since: datetime, through: datetime) -> list[Item]:  # type: ignore[no-untyped-def]
    mine = and_(Notice.staff_id == actor.staff_id, Notice.seen_at.is_(None), kind)
    wanted = (
        select(Account.handle, Notice.conversation_id)
        .join(Account, Account.id == Notice.account_id)
        .where(mine, Notice.at > since, Notice.at <= through)
        .where(visible_conversations(actor, Notice.account_id, Notice.conversation_id))
        .order_by(Notice.at, Notice.id)
        .limit(MOST)
    )
    return _once(Item(handle, f"/inbox/{id_}") for handle, id_ in session.execute(wanted))


def _assigned(session: Session, actor: Actor, since: datetime, through: datetime) -> list[Item]:
    """What somebody else, or the desk, gave to the actor, and still is theirs."""
    event = ConversationEvent
    given = select(event.id).where(
        event.conversation_id == Conversation.id, event.kind == "assigned", event.at > since, event.at <= through,
        or_(event.staff_id.is_(None), event.staff_id != actor.staff_id),
    )  # fmt: skip
    wanted = (
        select(Account.handle, Conversation.id)
        .join(Account, Account.id == Conversation.account_id)
        .where(Conversation.assignee_id == actor.staff_id, Conversation.state.not_in(_DONE), given.exists())
        .where(visible_conversations(actor, Conversation.account_id, Conversation.id))
        .order_by(Conversation.id)
        .limit(MOST)
    )
    return _once(Item(handle, f"/inbox/{id_}") for handle, id_ in session.execute(wanted))


def _failed_answers(session: Session, actor: Actor, since: datetime, through: datetime) -> list[Item]:
    wanted = (
        select(Account.handle, Delivery.conversation_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(Delivery.is_answer, Delivery.actor_id == actor.staff_id, Delivery.conversation_id.is_not(None))
        .where(Delivery.state.in_(("failed", "needs_human")))
        .where(Delivery.updated_at > since, Delivery.updated_at <= through)
        .where(visible_conversations(actor, Delivery.account_id, Delivery.conversation_id))
        .order_by(Delivery.id)
        .limit(MOST)
    )
    return _once(Item(handle, f"/inbox/{id_}") for handle, id_ in session.execute(wanted))


def _failed_posts(session: Session, actor: Actor, since: datetime, through: datetime) -> list[Item]:
    wanted = (
        select(Account.handle, Delivery.post_id)
        .join(Account, Account.id == Delivery.account_id)
        .join(Post, Post.id == Delivery.post_id)
        .where(Post.author_id == actor.staff_id, Delivery.state.in_(("failed", "needs_human")))
        .where(Delivery.updated_at > since, Delivery.updated_at <= through)
        .where(visible(actor, Delivery.account_id, Action.POST_VIEW))
        .order_by(Delivery.id)
        .limit(MOST)
    )
    return _once(Item(handle, f"/compose/{id_}") for handle, id_ in session.execute(wanted))


def _decided(session: Session, actor: Actor, since: datetime, through: datetime) -> list[Item]:
    """What others said about the actor's posts: approved, or sent back."""
    wanted = (
        select(Account.handle, Review.post_id)
        .join(Account, Account.id == Review.account_id)
        .join(Post, Post.id == Review.post_id)
        .where(or_(Post.author_id == actor.staff_id, Review.asked_by == actor.staff_id))
        .where(Review.state.in_(("granted", "rejected")), Review.settled_at > since, Review.settled_at <= through)
        .where(or_(Review.settled_by.is_(None), Review.settled_by != actor.staff_id))
        .where(visible(actor, Review.account_id, Action.POST_VIEW))
        .order_by(Review.settled_at, Review.id)
        .limit(MOST)
    )
    return _once(Item(handle, f"/compose/{id_}") for handle, id_ in session.execute(wanted))


def _asked(session: Session, actor: Actor, since: datetime, through: datetime, now: datetime) -> list[Item]:
    """Posts about which it is the actor's turn to decide, since then."""
    new = {
        one.post.id: review.account_id
        for one in list_to_decide(session, actor, now)
        for review in one.reviews
        if since < review.step_at <= through
    }
    handles = select(Account.id, Account.handle).where(Account.id.in_(new.values()))
    names = dict(session.execute(handles).tuples().all())
    return _once(Item(names[account_id], f"/compose/{post_id}") for post_id, account_id in new.items())
