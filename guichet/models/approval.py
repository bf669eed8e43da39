"""Who must agree before a post goes out, what they said, and how it came to what it says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.base import Base, Key, Long, Short, partial_index, ref


class ApprovalPolicy(Base):
    """How the posts of a brand are approved (guichet.publishing.steps). No row: one step, for
    anybody who may approve. Whether an approval is needed at all says `Brand.needs_approval`
    and, for single accounts, `Account.approval`."""

    __tablename__ = "approval_policy"
    brand_id: Mapped[int] = ref("brand.id", primary_key=True)
    steps: Mapped[list[Any]] = mapped_column(default=list)
    authors_may_approve: Mapped[bool] = mapped_column(default=False)
    binds_time: Mapped[bool] = mapped_column(default=False)  # an approval is for that time only
    updated_at: Mapped[datetime]


class Review(Base):
    """What one account of a post is to say, before those who must agree. `state`: waiting,
    granted, bypassed (sent without approval), rejected, void (it says something else now).

    `steps` are the policy's when it was asked; `due_at` is set where the approval is for
    that time only; `carried_by` is in whose right it goes out, where its author has none.
    """

    __tablename__ = "review"
    __table_args__ = (
        partial_index(
            "uq_review_open", "post_id", "account_id", where="state IN ('waiting', 'granted', 'bypassed')", unique=True
        ),
        Index("ix_review_post", "post_id", "account_id"),
        partial_index("ix_review_waiting", "id", where="state = 'waiting'"),
    )
    id: Mapped[Key]
    post_id: Mapped[int] = ref("post.id")
    account_id: Mapped[int] = ref("account.id")
    state: Mapped[Short] = mapped_column(default="waiting")
    content_hash: Mapped[Short]
    due_at: Mapped[datetime | None]
    steps: Mapped[list[Any]]
    step: Mapped[int] = mapped_column(default=0)
    step_at: Mapped[datetime]
    authors_may: Mapped[bool] = mapped_column(default=False)
    asked_by: Mapped[int | None] = ref("staff.id")
    asked_at: Mapped[datetime]
    settled_by: Mapped[int | None] = ref("staff.id")
    settled_at: Mapped[datetime | None]
    carried_by: Mapped[int | None] = ref("staff.id")
    reason: Mapped[Long] = mapped_column(default="")
    votes: Mapped[list[ReviewVote]] = relationship(order_by="ReviewVote.id", cascade="all, delete-orphan")


class ReviewVote(Base):
    """What one person said at one step: approve, reject, or (of what was sent without
    approval) seen. By a person here, or by a guest through their link."""

    __tablename__ = "review_vote"
    id: Mapped[Key]
    review_id: Mapped[int] = ref("review.id", index=True)
    step: Mapped[int]
    staff_id: Mapped[int | None] = ref("staff.id")
    link_id: Mapped[int | None] = ref("review_link.id")
    choice: Mapped[Short]
    stands_in: Mapped[bool] = mapped_column(default=False)  # as a deputy, or from the queue
    reason: Mapped[Long] = mapped_column(default="")
    at: Mapped[datetime]


class ReviewLink(Base):
    """A guest's way to some posts, without an account. The secret is stored hashed."""

    __tablename__ = "review_link"
    id: Mapped[Key]
    secret_hash: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Short]  # who it was made for
    locale: Mapped[Short] = mapped_column(default="en")
    made_by: Mapped[int] = ref("staff.id")
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    posts: Mapped[list[ReviewLinkPost]] = relationship(cascade="all, delete-orphan")


class ReviewLinkPost(Base):
    __tablename__ = "review_link_post"
    link_id: Mapped[int] = ref("review_link.id", primary_key=True)
    post_id: Mapped[int] = ref("post.id", primary_key=True, index=True)


class AnswerReview(Base):
    """What a colleague said of an answer that may go out only after an approval. `state`:
    waiting, granted, rejected, void (it answered what is no longer the last word).

    `content_hash` is the payload's that was agreed to; whose answer it is says `asked_by`.
    """

    __tablename__ = "answer_review"
    delivery_id: Mapped[int] = ref("delivery.id", primary_key=True)
    state: Mapped[Short] = mapped_column(default="waiting")
    content_hash: Mapped[Short]
    asked_by: Mapped[int | None] = ref("staff.id")
    asked_at: Mapped[datetime]
    settled_by: Mapped[int | None] = ref("staff.id")
    settled_at: Mapped[datetime | None]
    reason: Mapped[Long] = mapped_column(default="")


class PostVersion(Base):
    """What a post said from `at` on: its words and what each account gets of them."""

    __tablename__ = "post_version"
    post_id: Mapped[int] = ref("post.id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    staff_id: Mapped[int | None] = ref("staff.id")
    digest: Mapped[Short]
    says: Mapped[dict[str, Any]]


class PostComment(Base):
    """Something said about a post among those who work on it, or by a guest."""

    __tablename__ = "post_comment"
    id: Mapped[Key]
    post_id: Mapped[int] = ref("post.id", index=True)
    version: Mapped[int]  # the PostVersion that it is about
    staff_id: Mapped[int | None] = ref("staff.id")
    link_id: Mapped[int | None] = ref("review_link.id")
    text: Mapped[Long]
    at: Mapped[datetime]
    mentions: Mapped[list[PostMention]] = relationship(cascade="all, delete-orphan")


class PostMention(Base):
    """Somebody called into a comment; it needs them until they have seen it."""

    __tablename__ = "post_mention"
    comment_id: Mapped[int] = ref("post_comment.id", primary_key=True)
    staff_id: Mapped[int] = ref("staff.id", primary_key=True)
    seen_at: Mapped[datetime | None]
