"""What a company wants to say: posts, their variants, their media."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.base import Base, Key, Long, Short, Told, partial_index, ref
from guichet.models.tag import PostTag


class Media(Base):
    """A file in the store, named by its content. `storage_key` is random, never its name.
    `is_of_link`: it was found behind a link, or made to stand on its card; no library lists it.
    `brand_id`: in whose library it stands; none: it is its uploader's own. `film`: seconds, codecs
    and rate of one that moves; empty where they are not known."""

    __tablename__ = "media"
    id: Mapped[Key]
    sha256: Mapped[Short] = mapped_column(index=True)
    mime: Mapped[Short]
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    filename: Mapped[Short]
    alt: Mapped[Long] = mapped_column(default="")
    film: Mapped[dict[str, Any]] = mapped_column(default=dict)
    storage_key: Mapped[Short] = mapped_column(unique=True)
    uploaded_by: Mapped[int | None] = ref("staff.id", index=True)
    brand_id: Mapped[int | None] = ref("brand.id", index=True)
    is_of_link: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Rendition(Base):
    """What is made from a file: cut, as some networks take it, or small, for lists (`recipe`). Of a
    film it is there before it is made, as it will be: `sha256` is empty until then."""

    __tablename__ = "rendition"
    __table_args__ = (UniqueConstraint("media_id", "recipe"),)
    id: Mapped[Key]
    media_id: Mapped[int] = ref("media.id")
    recipe: Mapped[Short]
    sha256: Mapped[Short]
    mime: Mapped[Short]
    size: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    film: Mapped[dict[str, Any]] = mapped_column(default=dict)  # as `Media.film`
    storage_key: Mapped[Short] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    job: Mapped[FilmJob | None] = relationship(cascade="all, delete-orphan")

    @property
    def is_made(self) -> bool:
        return self.sha256 != ""


class FilmState(StrEnum):
    """Where the making of a film stands."""

    WAITING = "waiting"
    RUNNING = "running"
    MADE = "made"
    FAILED = "failed"
    CANCELLED = "cancelled"


class FilmJob(Base):
    """The making of a film's rendition. Whoever runs it holds it
    until `lease_until`, under its `fence`; `part` is how much of it is done, of 1."""

    __tablename__ = "film_job"
    __table_args__ = (partial_index("ix_film_job_open", "not_before", where="state IN ('waiting', 'running')"),)
    rendition_id: Mapped[int] = ref("rendition.id", primary_key=True)
    state: Mapped[Short]
    part: Mapped[float] = mapped_column(default=0.0)
    tries: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    reason: Mapped[Told] = mapped_column(default="")  # why it failed, or waits
    asked_by: Mapped[int | None] = ref("staff.id")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Post(Base):
    """One thing to say, on one or many accounts.

    The schedule is a wall time (`wall_time`, ISO without zone) in `time_zone`;
    `due_at` is derived. `state`: draft, awaiting_approval, scheduled, done, cancelled;
    where it stands on each account is told by its deliveries. A post of the state evergreen is
    never sent itself: it is a wording of a queue's item, which its occurrences repeat.
    """

    __tablename__ = "post"
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id", index=True)
    author_id: Mapped[int] = ref("staff.id")
    title: Mapped[Short] = mapped_column(default="")
    state: Mapped[Short] = mapped_column(default="draft", index=True)
    wall_time: Mapped[Short | None]
    time_zone: Mapped[Short] = mapped_column(default="UTC")
    fold_rule: Mapped[Short] = mapped_column(default="first")  # which of two equal wall times
    gap_rule: Mapped[Short] = mapped_column(default="later")  # where the wall time does not exist
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    late_limit: Mapped[int] = mapped_column(default=3600)  # seconds; later, a person is asked
    approved_by: Mapped[int | None] = ref("staff.id")  # who agreed last; the reviews say to what
    approved_at: Mapped[datetime | None]
    # Nothing of it begins before this moment, whatever anybody asks for.
    embargo_wall_time: Mapped[Short | None]
    embargo_time_zone: Mapped[Short] = mapped_column(default="UTC")
    embargo_at: Mapped[datetime | None]
    goes_on: Mapped[bool] = mapped_column(default=False)  # also in a crisis, where the brake allows for it
    tags_links: Mapped[bool] = mapped_column(default=True)  # as the brand's rule says
    series_id: Mapped[int | None] = ref("series.id", index=True)  # it is one date of a rule
    evergreen_id: Mapped[int | None] = ref("evergreen_item.id", index=True)  # the item of a queue that it is of
    wording_id: Mapped[int | None] = ref("post.id", index=True)  # of which wording of that it is an occurrence
    is_exception: Mapped[bool] = mapped_column(default=False)  # of its series or item, changed or moved by itself
    rejected_reason: Mapped[Long] = mapped_column(default="")
    import_id: Mapped[int | None] = ref("post_import.id", index=True)  # the table that it was brought in with
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    variants: Mapped[list[Variant]] = relationship(
        back_populates="post", order_by="Variant.id", cascade="all, delete-orphan"
    )
    targets: Mapped[list[PostTarget]] = relationship(back_populates="post", cascade="all, delete-orphan")
    editors: Mapped[list[PostEditor]] = relationship(cascade="all, delete-orphan")
    tags: Mapped[list[PostTag]] = relationship(secondary="post_tagging", order_by="PostTag.kind, PostTag.folded")
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    @property
    def is_occurrence(self) -> bool:
        """Whether it was made from a rule or an item, which others of its kind follow too."""
        return self.series_id is not None or self.wording_id is not None


class PostEditor(Base):
    """Who changed what a post says since it was last approved, its author's first words aside."""

    __tablename__ = "post_editor"
    post_id: Mapped[int] = ref("post.id", primary_key=True)
    staff_id: Mapped[int] = ref("staff.id", primary_key=True)


class PostImport(Base):
    """A table of posts that somebody brought in. `digest` tells its rows: while it is not
    undone, they are not brought in again."""

    __tablename__ = "post_import"
    __table_args__ = (partial_index("uq_post_import_digest", "digest", where="undone_at IS NULL", unique=True),)
    id: Mapped[Key]
    staff_id: Mapped[int] = ref("staff.id", index=True)
    filename: Mapped[Short] = mapped_column(default="")
    digest: Mapped[Short]
    post_count: Mapped[int]
    created_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = ref("staff.id")


class Variant(Base):
    """The post as it stands for one account or a set of accounts. `items` are the thread's
    further items, then a first comment: [{"text": …}, {"text": …, "kind": "first_comment"}];
    media belong to an item by `VariantMedia.item`. `cards`: what was decided about the cards of
    links, by item (guichet.publishing.cards)."""

    __tablename__ = "variant"
    id: Mapped[Key]
    post_id: Mapped[int] = ref("post.id", index=True)
    is_base: Mapped[bool] = mapped_column(default=False)
    text: Mapped[Long]
    items: Mapped[list[Any]] = mapped_column(default=list)
    cards: Mapped[dict[str, Any]] = mapped_column(default=dict)
    language: Mapped[Short] = mapped_column(default="")
    subject: Mapped[Short] = mapped_column(default="")
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    post: Mapped[Post] = relationship(back_populates="variants")
    media: Mapped[list[VariantMedia]] = relationship(
        order_by="VariantMedia.item, VariantMedia.position", cascade="all, delete-orphan"
    )

    @property
    def files(self) -> list[VariantMedia]:
        """What is attached, pictures of cards aside."""
        return [used for used in self.media if not used.is_of_card]


class PostTarget(Base):
    """An account that a post is for, and the variant that it gets. `link_tags`: what is added to
    its links there (guichet.publishing.link_tags), once that is settled; empty: nothing.
    `mentions`: what the names in it are there (guichet.publishing.mention_tokens), settled likewise.
    `gives_cards`: the network is given the cards of links, which is settled with them."""

    __tablename__ = "post_target"
    __table_args__ = (UniqueConstraint("post_id", "account_id"),)
    id: Mapped[Key]
    post_id: Mapped[int] = ref("post.id", index=True)
    account_id: Mapped[int] = ref("account.id", index=True)
    variant_id: Mapped[int] = ref("variant.id")
    link_tags: Mapped[dict[str, Any] | None]
    mentions: Mapped[dict[str, Any] | None]
    gives_cards: Mapped[bool] = mapped_column(default=False)
    post: Mapped[Post] = relationship(back_populates="targets")
    variant: Mapped[Variant] = relationship()
    renditions: Mapped[list[TargetRendition]] = relationship(cascade="all, delete-orphan")


class TargetRendition(Base):
    """What an account gets in place of a file that its network would refuse."""

    __tablename__ = "target_rendition"
    target_id: Mapped[int] = ref("post_target.id", primary_key=True)
    media_id: Mapped[int] = ref("media.id", primary_key=True)
    rendition_id: Mapped[int] = ref("rendition.id", index=True)
    rendition: Mapped[Rendition] = relationship()


class VariantMedia(Base):
    """A file on a variant's item (0: the post itself), with its alt text there, and what is shown
    of it (`guichet/publishing/framing.py`; empty: all). `is_of_card`: it stands on its link's card."""

    __tablename__ = "variant_media"
    variant_id: Mapped[int] = ref("variant.id", primary_key=True)
    item: Mapped[int] = mapped_column(primary_key=True, default=0)
    position: Mapped[int] = mapped_column(primary_key=True)
    media_id: Mapped[int] = ref("media.id", index=True)
    alt: Mapped[Long] = mapped_column(default="")
    frame: Mapped[dict[str, Any]] = mapped_column(default=dict)
    is_of_card: Mapped[bool] = mapped_column(default=False)
    media: Mapped[Media] = relationship()
