"""What customers write, and how it stands with us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Index, LargeBinary, MetaData, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.db import word_index
from guichet.models.base import Base, Key, Long, RemoteId, Short, Told, partial_index, ref


class RawItem(Base):
    """A thing as a network handed it over, committed before it is understood.

    `state`: waiting, done, dead (five failures; visible, can be replayed). `begun_at`: a worker
    has begun to understand it; still waiting long after that, it was the end of that worker.
    """

    __tablename__ = "raw_item"
    __table_args__ = (
        UniqueConstraint("account_id", "stream", "delivery_key"),
        partial_index("ix_raw_item_waiting", "id", where="state = 'waiting'"),
    )
    id: Mapped[Key]
    account_id: Mapped[int] = ref("account.id")
    stream: Mapped[Short]
    delivery_key: Mapped[RemoteId]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    state: Mapped[Short] = mapped_column(default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    try_after: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    last_error: Mapped[Told] = mapped_column(default="")
    processed_at: Mapped[datetime | None]


class Withdrawal(Base):
    """A deletion that was heard before what it deletes: what comes late is taken back at once."""

    __tablename__ = "withdrawal"
    account_id: Mapped[int] = ref("account.id", primary_key=True)
    remote_id: Mapped[RemoteId] = mapped_column(primary_key=True)
    heard_at: Mapped[datetime] = mapped_column(index=True)


class Customer(Base):
    """A person outside, with one or many identities. `joined_into_id`: the customer who they turned
    out to be (guichet.inbox.uniting). `erased_at`: nothing is known of them any more (guichet.inbox.erasing)."""

    __tablename__ = "customer"
    id: Mapped[Key]
    name: Mapped[Short]
    note: Mapped[Long] = mapped_column(default="")
    language: Mapped[Short] = mapped_column(default="")
    is_vip: Mapped[bool] = mapped_column(default=False)
    is_blocked: Mapped[bool] = mapped_column(default=False)
    joined_into_id: Mapped[int | None] = mapped_column(index=True)
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    identities: Mapped[list[Identity]] = relationship(back_populates="customer")


class Identity(Base):
    """A customer on one network. Answers are routed by identity, never by customer. `followers`: as
    many as followed them there when they last wrote; null where the network has not said."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("network", "remote_id"),)
    id: Mapped[Key]
    customer_id: Mapped[int] = ref("customer.id", index=True)
    network: Mapped[Short]
    remote_id: Mapped[RemoteId]
    handle: Mapped[Short]
    name: Mapped[Short] = mapped_column(default="")
    avatar_url: Mapped[Long] = mapped_column(default="")
    url: Mapped[Long] = mapped_column(default="")
    followers: Mapped[int | None]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    customer: Mapped[Customer] = relationship(back_populates="identities")


# Not resolved, closed or spam; worded as the index of it, or the databases do not use that.
GOES_ON = "state NOT IN ('resolved', 'closed', 'spam')"
# In a queue, and nobody has it: as above.
OVER = "state IN ('resolved', 'closed', 'spam') AND merged_into_id IS NULL AND forgotten_at IS NULL"
LIES = "assignee_id IS NULL AND state IN ('new', 'open')"


class Conversation(Base):
    """One account × one identity × one thread root.

    `waiting_since` is the start of the open wait (null: nobody waits). `claimed_until`
    is the lease of `assignee_id`'s claim; null while assigned means: until handed over.
    `hold_until` ends a snooze. `awaits` names whom one waits for within waiting_internal (a
    colleague: `awaits_staff_id`), `remind_at` when one no longer wants to. `due_at` is the
    earliest deadline of what its customer was promised (guichet/promises). What rules count time from,
    by our clock (guichet/inbox/clocks.py): `asked_at` since when somebody waits for an answer,
    `said_at` the customer's last message, `answered_at` our last answer that nobody replied to,
    `unassigned_at` since when it is nobody's, `put_off_at` since when it waits for others. `held_at`: since
    when a rule (`held_by`) holds it within waiting_internal until somebody has looked at it. `version` grows
    with every change that an agent could have overlooked.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        partial_index(
            "uq_conversation_thread",
            "account_id",
            "identity_id",
            "thread_root",
            "part",
            where="state <> 'closed' AND merged_into_id IS NULL",
            unique=True,
        ),
        Index("ix_conversation_list", "account_id", "state", "last_message_at", "id"),
        Index("ix_conversation_newest", "account_id", "last_message_at", "id"),
        partial_index(
            "ix_conversation_waiting", "account_id", "waiting_since", "id", where="waiting_since IS NOT NULL"
        ),
        partial_index("ix_conversation_due", "account_id", "due_at", "id", where="due_at IS NOT NULL"),
        Index("ix_conversation_assignee", "assignee_id", "state", "last_message_at"),
        Index("ix_conversation_team", "team_id", "state", "last_message_at"),
        partial_index("ix_conversation_lies", "team_id", "topic_id", "merged_into_id", where=LIES),
        Index("ix_conversation_identity", "identity_id"),
        Index("ix_conversation_root", "account_id", "thread_root"),
        Index("ix_conversation_lease", "claimed_until"),
        Index("ix_conversation_snooze", "hold_until"),
        partial_index("ix_conversation_topic", "topic_id", "state", where="topic_id IS NOT NULL"),
        partial_index("ix_conversation_awaits", "account_id", "awaits", where="awaits <> ''"),
        partial_index("ix_conversation_held", "account_id", "held_at", where="held_at IS NOT NULL"),
        partial_index("ix_conversation_remind", "remind_at", where="remind_at IS NOT NULL"),
        partial_index("ix_conversation_asked", "asked_at", "id", where="asked_at IS NOT NULL"),
        partial_index("ix_conversation_said", "said_at", "id", where="said_at IS NOT NULL"),
        partial_index("ix_conversation_answered", "answered_at", "id", where="answered_at IS NOT NULL"),
        partial_index("ix_conversation_unassigned", "unassigned_at", "id", where="unassigned_at IS NOT NULL"),
        partial_index("ix_conversation_put_off", "put_off_at", "id", where="put_off_at IS NOT NULL"),
        partial_index("ix_conversation_begun", "created_at", "id", where=GOES_ON),
        partial_index("ix_conversation_over", "account_id", "last_message_at", "id", where=OVER),
    )
    id: Mapped[Key]
    account_id: Mapped[int] = ref("account.id")
    identity_id: Mapped[int] = ref("identity.id")
    thread_root: Mapped[RemoteId]
    part: Mapped[int] = mapped_column(default=0)  # more than 0: split off another of the same thread
    surface: Mapped[Short]  # public, direct, mail
    state: Mapped[Short] = mapped_column(default="new")
    priority: Mapped[int] = mapped_column(default=1)  # 0 low, 1 normal, 2 high, 3 urgent
    subject: Mapped[Short] = mapped_column(default="")
    language: Mapped[Short] = mapped_column(default="")
    preview: Mapped[Short] = mapped_column(default="")  # first line of what they last wrote
    team_id: Mapped[int | None] = ref("team.id")
    assignee_id: Mapped[int | None] = ref("staff.id")
    claimed_until: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    hold_until: Mapped[datetime | None]
    awaits: Mapped[Short] = mapped_column(default="")
    awaits_staff_id: Mapped[int | None]
    awaits_since: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    held_by: Mapped[int | None]  # a rule, which may be gone
    asked_at: Mapped[datetime | None]
    said_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    unassigned_at: Mapped[datetime | None]
    put_off_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    topic_id: Mapped[int | None] = mapped_column()  # in the pool of its experts
    pooled_at: Mapped[datetime | None]  # since when no expert touched it
    pooled_by: Mapped[int | None]
    expert_id: Mapped[int | None] = mapped_column()  # who of them answered last
    cycle: Mapped[int] = mapped_column(default=1)
    message_count: Mapped[int] = mapped_column(default=0)
    last_message_id: Mapped[int | None]  # newest message; what a reply has seen is told by it
    last_beside_id: Mapped[int | None]  # newest answer of somebody outside, in a side conversation
    can_reply: Mapped[bool] = mapped_column(default=True)
    cannot_reply_reason: Mapped[Short] = mapped_column(default="")
    reply_until: Mapped[datetime | None]
    above: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the company's post above a public thread
    previous_id: Mapped[int | None] = ref("conversation.id")  # the closed one that this goes on from
    merged_into_id: Mapped[int | None] = ref("conversation.id")
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    forgotten_at: Mapped[datetime | None]  # since when nothing that was said in it is kept
    created_at: Mapped[datetime]
    last_message_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    identity: Mapped[Identity] = relationship()
    labels: Mapped[list[Label]] = relationship(secondary="conversation_label", order_by="Label.name")


class Message(Base):
    """Something said in a conversation. `direction`: in, out, note; taken_back: an answer that
    its author undid before it went out, which is shown and counted nowhere; side_in, side_out:
    beside it, in the side conversation `side_id`.

    Outgoing messages wait for their delivery: `remote_id` is null until the network
    accepted. A deletion leaves a tombstone (`deleted_at`), an edit leaves versions.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("account_id", "remote_id"),
        Index("ix_message_conversation", "conversation_id", "sort_at", "id"),
        partial_index("ix_message_same", "account_id", "same_key", "id", where="same_key IS NOT NULL"),
        partial_index("ix_message_came_to", "conversation_id", "came_to_id", where="came_to_id IS NOT NULL"),
        partial_index("ix_message_side", "side_id", "sort_at", "id", where="side_id IS NOT NULL"),
        partial_index("ix_message_side_remote", "remote_id", where="side_id IS NOT NULL"),
    )
    id: Mapped[Key]
    conversation_id: Mapped[int] = ref("conversation.id")
    side_id: Mapped[int | None]
    came_to_id: Mapped[int | None]  # the conversation that it belongs to, where that was merged into this one
    account_id: Mapped[int] = ref("account.id")
    direction: Mapped[Short]
    kind: Mapped[Short]  # channels.contract.InboundKind, or "note", "answer"
    remote_id: Mapped[RemoteId | None]
    identity_id: Mapped[int | None] = ref("identity.id")
    staff_id: Mapped[int | None] = ref("staff.id")
    delivery_id: Mapped[int | None]
    wait_id: Mapped[int | None]  # the wait in which this message of a customer waits, or waited
    text: Mapped[Long]
    same_key: Mapped[Short | None]  # of what a customer said (guichet.inbox.likeness)
    html: Mapped[Long] = mapped_column(default="")  # already sanitised
    subject: Mapped[Short] = mapped_column(default="")
    language: Mapped[Short] = mapped_column(default="")
    in_reply_to: Mapped[RemoteId] = mapped_column(default="")
    url: Mapped[Long] = mapped_column(default="")
    is_automatic: Mapped[bool] = mapped_column(default=False)
    can_reply: Mapped[bool] = mapped_column(default=True)
    cannot_reply_reason: Mapped[Short] = mapped_column(default="")
    reply_until: Mapped[datetime | None]
    context: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seen_through: Mapped[int | None]  # answers: newest message id that its author had seen
    raw_item_id: Mapped[int | None] = ref("raw_item.id")
    remote_at: Mapped[datetime]
    received_at: Mapped[datetime]
    sort_at: Mapped[datetime]  # network time, for order
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    liked_at: Mapped[datetime | None]  # by us, at the network
    hidden_at: Mapped[datetime | None]  # by us, at the network, for everybody
    attachments: Mapped[list[Attachment]] = relationship(order_by="Attachment.id")


class MessageVersion(Base):
    """What a message said before it was edited."""

    __tablename__ = "message_version"
    id: Mapped[Key]
    message_id: Mapped[int] = ref("message.id", index=True)
    text: Mapped[Long]
    html: Mapped[Long]
    replaced_at: Mapped[datetime]


class Attachment(Base):
    """A file with a message: in our store (`storage_key`) or at the network (`remote_url`)."""

    __tablename__ = "attachment"
    id: Mapped[Key]
    message_id: Mapped[int] = ref("message.id", index=True)
    filename: Mapped[Short]
    mime: Mapped[Short]
    size: Mapped[int] = mapped_column(default=0)
    alt: Mapped[Long] = mapped_column(default="")
    storage_key: Mapped[Short] = mapped_column(default="", index=True)
    remote_url: Mapped[Long] = mapped_column(default="")
    inline_id: Mapped[Short] = mapped_column(default="")


class ConversationSeen(Base):
    """How far a person has read: every message up to `through_message_id`."""

    __tablename__ = "conversation_seen"
    conversation_id: Mapped[int] = ref("conversation.id", primary_key=True)
    staff_id: Mapped[int] = ref("staff.id", primary_key=True)
    through_message_id: Mapped[int]
    seen_at: Mapped[datetime]


class ConversationEvent(Base):
    """Everything that happens to a conversation; only ever added to."""

    __tablename__ = "conversation_event"
    __table_args__ = (Index("ix_conversation_event_of", "conversation_id", "id"),)
    id: Mapped[Key]
    conversation_id: Mapped[int] = ref("conversation.id")
    at: Mapped[datetime]
    kind: Mapped[Short]
    staff_id: Mapped[int | None] = ref("staff.id")
    rule_id: Mapped[int | None]
    data: Mapped[dict[str, Any]]


class ReplyDraft(Base):
    """What an agent is writing, kept on the server for each author."""

    __tablename__ = "reply_draft"
    conversation_id: Mapped[int] = ref("conversation.id", primary_key=True)
    staff_id: Mapped[int] = ref("staff.id", primary_key=True)
    kind: Mapped[Short] = mapped_column(primary_key=True, default="answer")  # answer, note
    text: Mapped[Long]
    media: Mapped[list[Any]] = mapped_column(default=list)
    seen_through: Mapped[int | None]
    updated_at: Mapped[datetime]


class PendingAnswer(Base):
    """An answer that does not go out at once; gone when it is out or came back.

    `kind`: undo (its author may think again until its delivery is due), later (planned for a
    wall time in a zone), review (a colleague must agree
    first). `state_before`, `hold_before`: how the conversation stood before it.
    """

    __tablename__ = "pending_answer"
    message_id: Mapped[int] = ref("message.id", primary_key=True)
    conversation_id: Mapped[int] = ref("conversation.id", index=True)
    kind: Mapped[Short]
    wall_time: Mapped[Short] = mapped_column(default="")
    time_zone: Mapped[Short] = mapped_column(default="")
    then_close: Mapped[bool] = mapped_column(default=False)
    state_before: Mapped[Short]
    hold_before: Mapped[datetime | None]


class Label(Base):
    __tablename__ = "label"
    id: Mapped[Key]
    name: Mapped[Short] = mapped_column(unique=True)
    colour: Mapped[Short] = mapped_column(default="neutral")


class ConversationLabel(Base):
    __tablename__ = "conversation_label"
    conversation_id: Mapped[int] = ref("conversation.id", primary_key=True)
    label_id: Mapped[int] = ref("label.id", primary_key=True, index=True)


class ConversationLink(Base):
    """Two conversations that have to do with each other. `kind`: related, or parent (the first
    is the parent of `other_id`)."""

    __tablename__ = "conversation_link"
    conversation_id: Mapped[int] = ref("conversation.id", primary_key=True)
    other_id: Mapped[int] = ref("conversation.id", primary_key=True, index=True)
    kind: Mapped[Short]
    staff_id: Mapped[int | None] = ref("staff.id")
    at: Mapped[datetime]


class ConversationCount(Base):
    """Counter rows for badges: how many conversations stand where."""

    __tablename__ = "conversation_count"
    __table_args__ = (UniqueConstraint("account_id", "state", "team_id", "assignee_id"),)
    id: Mapped[Key]
    account_id: Mapped[int] = ref("account.id")
    state: Mapped[Short]
    team_id: Mapped[int] = mapped_column(default=0)  # 0: none, so that unique holds
    assignee_id: Mapped[int] = mapped_column(default=0)
    n: Mapped[int] = mapped_column(default=0)


@event.listens_for(Base.metadata, "after_create")
def _create_search(metadata: MetaData, connection: Connection, **_: Any) -> None:
    """Where the tables are made from the models (tests), the search index is made with them."""
    word_index.create_search(connection)


@event.listens_for(Base.metadata, "before_drop")
def _drop_search(metadata: MetaData, connection: Connection, **_: Any) -> None:
    word_index.drop_search(connection)
