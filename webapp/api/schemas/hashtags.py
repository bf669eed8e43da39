"""Sets of hashtags."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from webapp.api.schemas.common import Id, In, Line, Name, Out, PageQuery

Tags = Annotated[list[Line], Field(min_length=1, max_length=60, description="with or without their #")]


class HashtagSetQuery(PageQuery):
    brand_id: Id | None = None


class HashtagSetNew(In):
    brand_id: Id
    name: Name
    tags: Tags


class HashtagSetChange(In):
    name: Name | None = None
    tags: Tags | None = None


class HashtagCut(Out):
    """A tag of which a network links only a part (`taken`, empty: nothing)."""

    tag: str
    network: str
    taken: str


class HashtagSet(Out):
    """`tags` without their #, in order. `cut`: where a network of the brand links less."""

    id: int
    brand_id: int
    name: str
    tags: list[str]
    cut: list[HashtagCut]
