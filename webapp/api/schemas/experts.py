"""Topics, their experts, and what is put before them."""

from __future__ import annotations

from pydantic import Field

from webapp.api.schemas.common import BrandBrief, Id, In, Name, PersonBrief, TopicBrief


class Topic(TopicBrief):
    """`reviewed`: what its experts answer goes out after a colleague approved it."""

    brand: BrandBrief | None = Field(description="null: every brand")
    reviewed: bool
    return_minutes: int = Field(description="what no expert takes for so long is the desk's alone again")
    experts: list[PersonBrief]


class TopicNew(In):
    name: Name
    brand_id: Id | None = None
    reviewed: bool = False
    return_minutes: int = Field(120, ge=5, le=10_080)
    expert_ids: list[Id] = Field([], max_length=500)


class TopicChange(In):
    name: Name | None = None
    reviewed: bool | None = None
    return_minutes: int | None = Field(None, ge=5, le=10_080)
    expert_ids: list[Id] | None = Field(None, max_length=500)
