"""Under what an answer goes out: the author's initials, or the credit of an expert."""

from __future__ import annotations

from sqlalchemy.orm import Session

from guichet.models import Account, Conversation, Staff, Topic
from guichet.policy import Action, Actor, can

CREDIT_LENGTH = 60  # code points of the form; the network counts what comes of it


def answers_as_expert(actor: Actor, conversation: Conversation) -> bool:
    """Whether it is the topic that lets them answer, and not a right on the account."""
    return conversation.topic_id is not None and not can(actor, Action.CONVERSATION_ANSWER, conversation)


def signature_of(
    session: Session, actor: Actor, account: Account, author: Staff, conversation: Conversation
) -> str:  # fmt: skip
    """What stands at the end of an answer; empty: nothing."""
    if answers_as_expert(actor, conversation):
        topic = session.get_one(Topic, conversation.topic_id)
        return credit_of(account.brand.expert_credit, author.name, topic.name)
    return f"^{author.initials}" if account.brand.signs_with_initials else ""


def credit_of(form: str, name: str, topic: str) -> str:
    """The brand's form, filled in: {name} is what the expert is called by, {topic} of what."""
    filled = form.replace("{topic}", "\0").replace("{name}", name.split()[0] if name.split() else name)
    return filled.replace("\0", topic).strip()


def is_reviewed(session: Session, actor: Actor, conversation: Conversation) -> bool:
    """Whether the topic wants a colleague to read what its experts answer."""
    return answers_as_expert(actor, conversation) and session.get_one(Topic, conversation.topic_id).reviewed
