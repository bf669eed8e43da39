"""What a brand sorts its posts by: labels, and campaigns."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, ref


class PostTag(Base):
    """A label or a campaign of a brand's posts, told by `kind`. A post has any number of labels
    and one campaign at most. `folded` is the name as it is compared."""

    __tablename__ = "post_tag"
    __table_args__ = (UniqueConstraint("brand_id", "kind", "folded"),)
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id")
    kind: Mapped[Short]
    name: Mapped[Short]
    folded: Mapped[Short]
    colour: Mapped[Short] = mapped_column(default="neutral")
    created_at: Mapped[datetime]


class PostTagging(Base):
    """A post is of a campaign, or has a label."""

    __tablename__ = "post_tagging"
    post_id: Mapped[int] = ref("post.id", primary_key=True)
    tag_id: Mapped[int] = ref("post_tag.id", primary_key=True, index=True)
