"""Labels: a shared vocabulary, and what is marked with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.errors import Conflict, Invalid
from guichet.inbox.changes import Change, changing
from guichet.models import Conversation, ConversationLabel, Label
from guichet.policy import Action, Actor, require

COLOURS = ("neutral", "blue", "green", "amber", "red", "violet")
_NAME_LENGTH = 60


def create_label(session: Session, actor: Actor, *, name: str, colour: str = "neutral", now: datetime) -> Label:
    """Raises Invalid (fields name, colour) and Conflict `exists`."""
    require(actor, Action.LABEL_MANAGE)
    label = Label(name=_checked(session, name, colour, None), colour=colour)
    session.add(label)
    session.flush()
    audit.record(session, actor, "label.create", label, now)
    return label


def change_label(session: Session, actor: Actor, label: Label, *, name: str, colour: str, now: datetime) -> Label:
    """Rename or recolour; everything marked with it shows it so. Raises as `create_label`."""
    require(actor, Action.LABEL_MANAGE)
    label.name, label.colour = _checked(session, name, colour, label.id), colour
    session.flush()
    audit.record(session, actor, "label.change", label, now)
    return label


def delete_label(session: Session, actor: Actor, label: Label, now: datetime) -> None:
    """Take it off everything and forget it."""
    require(actor, Action.LABEL_MANAGE)
    session.execute(delete(ConversationLabel).where(ConversationLabel.label_id == label.id))
    audit.record(session, actor, "label.delete", label, now)
    session.delete(label)
    session.flush()


def _checked(session: Session, name: str, colour: str, own_id: int | None) -> str:
    name = " ".join(name.split())
    fields: dict[str, str] = {}
    if not 0 < len(name) <= _NAME_LENGTH:
        fields["name"] = say("must have 1 to {most} characters", most=_NAME_LENGTH)
    if colour not in COLOURS:
        fields["colour"] = say("must be one of {choices}", choices=", ".join(COLOURS))
    if fields:
        raise Invalid("this label cannot be kept so", fields)
    if session.scalars(select(Label.id).where(Label.name == name, Label.id != (own_id or 0))).first():
        raise Conflict(say("there is a label “{name}” already", name=name), code="exists")
    return name


def set_labels(
    session: Session, actor: Actor, conversation: Conversation, *, labels: Sequence[Label], now: datetime
) -> Conversation:
    """Make `labels` the conversation's labels, whatever they were."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    with changing(session, actor, conversation, now, "labels") as change:
        put_labels(change, [label.id for label in labels], only=True)
        audit.record(session, actor, "conversation.labels", conversation, now, labels=[x.id for x in labels])
    session.refresh(conversation, ["labels"])
    return conversation


def take_labels(change: Change, ids: Sequence[int]) -> None:
    """Take off these labels, as far as they are there, within `changing`."""
    session, mark = change.session, ConversationLabel
    has = session.scalars(select(mark.label_id).where(mark.conversation_id == change.conversation.id))
    put_labels(change, [i for i in has if i not in ids], only=True)


def put_labels(change: Change, ids: Sequence[int], *, only: bool = False) -> None:
    """Add labels (`only`: and take off all others), within `changing`."""
    session, mark = change.session, ConversationLabel
    has = set(session.scalars(select(mark.label_id).where(mark.conversation_id == change.conversation.id)))
    added, removed = sorted(set(ids) - has), sorted(has - set(ids)) if only else []
    session.add_all(mark(conversation_id=change.conversation.id, label_id=i) for i in added)
    if removed:
        session.execute(delete(mark).where(mark.conversation_id == change.conversation.id, mark.label_id.in_(removed)))
    if added or removed:
        change.event("labels", added=added, removed=removed)
