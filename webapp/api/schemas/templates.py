"""Templates of posts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from webapp.api.schemas.common import Id, In, Line, Name, Out, PageQuery

Words = Annotated[str, Field(min_length=1, max_length=10_000, description="with variables: {date}, {gate|your gate}")]
Values = Annotated[dict[Line, Annotated[str, Field(max_length=1_000)]], Field(max_length=100)]
OwnWords = Annotated[dict[Line, Annotated[str, Field(max_length=10_000)]], Field(max_length=50)]


class PostTemplateQuery(PageQuery):
    brand_id: Id | None = None


class PostTemplateNew(In):
    """`variants`: the text on a network that has one of its own, by the network's name."""

    brand_id: Id
    name: Name
    text: Words
    variants: OwnWords = Field(default_factory=dict)


class PostTemplateChange(In):
    """What is not named stays as it is."""

    name: Name | None = None
    text: Words | None = None
    variants: OwnWords | None = None


class TemplateVariable(Out):
    """What who uses the template is asked for; `instead` stands there where nothing is given,
    and where that is empty something must be."""

    name: str
    instead: str


class PostTemplate(Out):
    id: int
    brand_id: int
    name: str
    text: str
    variants: dict[str, str]
    variables: list[TemplateVariable]


class TemplateValues(In):
    values: Values = Field(default_factory=dict)


class FilledTemplate(Out):
    """Texts for a post, without a variable."""

    text: str
    variants: dict[str, str]
