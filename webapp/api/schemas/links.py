"""Which links of a brand's posts are tagged, and with what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from webapp.api.schemas.common import In, Line, Out

Patterns = Annotated[dict[Line, Line], Field(max_length=5, description="by source, medium, campaign, content, term")]


class LinkException(In):
    """A network where nothing is tagged, or with other patterns; a parameter that is not named
    is as everywhere, an empty one is left out there."""

    network: Line
    on: bool = True
    patterns: Patterns = Field({})


class LinkRule(In):
    """`domains`: the brand's own, subdomains included. Patterns may hold {network}, {account},
    {brand}, {campaign}, {post} and {date}, each with what stands in its place where nothing is
    known: {campaign|none}."""

    on: bool = False
    domains: list[Line] = Field([], max_length=100)
    patterns: Patterns = Field({})
    exceptions: list[LinkException] = Field([], max_length=50)


class LinkExample(Out):
    """A link of the brand's first domain, as it would go out on this account."""

    account_id: int
    link: str


class LinkExamples(Out):
    items: list[LinkExample]
