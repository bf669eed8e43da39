"""Labels and campaigns of posts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import Code, Id, In, Name, Out, PageQuery


class PostTagQuery(PageQuery):
    brand_id: Id | None = None


class PostTagNew(In):
    """`colour` is one of neutral, blue, green, amber, red, violet."""

    brand_id: Id
    kind: Literal["label", "campaign"]
    name: Name
    colour: Code = "neutral"


class PostTagChange(In):
    name: Name | None = None
    colour: Code | None = None


class PostsTag(In):
    """`add` and `remove` name labels and campaigns; a campaign that is added takes the place of
    another."""

    post_ids: list[Id] = Field(min_length=1, max_length=500)
    add: list[Id] = Field([], max_length=50)
    remove: list[Id] = Field([], max_length=50)


class PostsTagged(Out):
    posts: int
