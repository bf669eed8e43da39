"""Prepared texts and kept views."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from webapp.api.schemas.common import BrandBrief, Day, Id, In, LanguageTag, Line, Name, Out, Prose, Shortcut

_Code = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Translations = Annotated[dict[_Code, Prose], Field(max_length=20)]


class CannedReply(Out):
    """`standing`: whether it holds today, by its days in the brand's time zone."""

    id: int
    name: str
    shortcut: str
    text: str
    language: str | None
    brand: BrandBrief | None
    folder: str
    translations: dict[str, str] = Field(description="the text in other languages, by their codes")
    valid_from: date | None
    valid_until: date | None
    standing: Literal["valid", "early", "expired"]


class CannedNew(In):
    name: Name
    shortcut: Shortcut = ""
    text: Prose
    language: LanguageTag = ""
    brand_id: Id | None = None
    folder: Line = ""
    translations: Translations = Field({})
    valid_from: Day | None = None
    valid_until: Day | None = None


class CannedChange(In):
    name: Name | None = None
    shortcut: Shortcut | None = None
    text: Prose | None = None
    language: LanguageTag | None = None
    folder: Line | None = None
    translations: Translations | None = None
    valid_from: Day | None = Field(None, description="null: without a beginning")
    valid_until: Day | None = Field(None, description="null: without an end")


class View(Out):
    """A named filter. `count` stops at 999; `more` says that there are more."""

    id: str
    name: str
    builtin: bool
    shared: bool
    filters: dict[str, Any]
    count: int
    more: bool


class ViewNew(In):
    name: Name
    filters: dict[str, Any] = Field(max_length=20)
    shared: bool = False
