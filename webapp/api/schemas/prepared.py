"""Prepared texts and kept views."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from webapp.api.schemas.common import BrandBrief, Id, In, LanguageTag, Name, Out, Prose, Shortcut


class CannedReply(Out):
    id: int
    name: str
    shortcut: str
    text: str
    language: str | None
    brand: BrandBrief | None


class CannedNew(In):
    name: Name
    shortcut: Shortcut = ""
    text: Prose
    language: LanguageTag = ""
    brand_id: Id | None = None


class CannedChange(In):
    name: Name | None = None
    shortcut: Shortcut | None = None
    text: Prose | None = None
    language: LanguageTag | None = None


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
