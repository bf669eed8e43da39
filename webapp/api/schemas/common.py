"""What every part of the API is made of: ids, times, texts, pages, problems.

What comes in is closed (an unknown field is refused, not ignored) and bounded; what goes
out is listed field by field, so that no column ever shows itself by accident.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Generic, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from channels.sentences import say
from webapp.languages import opening

T = TypeVar("T")
Day_ = TypeVar("Day_", date, datetime)


@cache
def _plain_schema(model: type[In]) -> dict[str, Any]:
    return super(In, model).model_json_schema()


class In(BaseModel):
    """A request: closed, and stripped of the spaces around texts."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @classmethod
    def model_json_schema(cls, *args: Any, **more: Any) -> dict[str, Any]:
        """As pydantic makes it. The framework asks for it plainly with each request, to learn which
        fields are lists; that took an eighth of a request for the inbox, so it is made once."""
        return super().model_json_schema(*args, **more) if args or more else _plain_schema(cls)


class Out(BaseModel):
    """An answer: every field is always there."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


def storable(text: str) -> str:
    """A NUL cannot be stored by PostgreSQL, a lone surrogate by nobody."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(say("holds a character that cannot be stored"))
    return text


def _within_reach(when: Day_) -> Day_:
    """Nearer the ends of the calendar, a change of zone or a difference overflows."""
    if not 1900 <= when.year < 3000:
        raise ValueError("is not between the years 1900 and 2999")
    return when


def _is_wall_time(text: str) -> str:
    _within_reach(datetime.fromisoformat(text))
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _is_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("is not an IANA time zone")
    return name


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """JSON that any database can keep. What is left to look at stands in a list, so that no
    depth breaks it."""
    left: list[Any] = [values]
    while left:
        one = left.pop()
        if isinstance(one, str):
            storable(one)
        elif isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
    try:
        json.dumps(values)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    return values


Id = Annotated[int, Field(ge=1, le=2**53 - 1)]
Time = AwareDatetime
Moment = Annotated[AwareDatetime, AfterValidator(_within_reach)]  # one that somebody sends us
Day = Annotated[date, AfterValidator(_within_reach)]
Line = Annotated[str, StringConstraints(max_length=300), AfterValidator(storable)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable)]
Words = Annotated[str, StringConstraints(max_length=200), AfterValidator(storable)]
Prose = Annotated[str, StringConstraints(max_length=100_000), AfterValidator(storable)]
Shortcut = Annotated[str, StringConstraints(max_length=40, pattern=r"^\S*$"), AfterValidator(storable)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{1,60}$")]
# A sentence of ours, in the language of whoever asks.
Told = Annotated[str, BeforeValidator(lambda text: opening(text) if isinstance(text, str) else text)]
Language = Literal["en", "fr"]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?$", max_length=35)]
TimeZone = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$"),
    AfterValidator(_is_zone),
]
Plain = Annotated[dict[str, Any], AfterValidator(_plain)]
# A wall time: local, without offset; its zone stands beside it.
WallTime = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$"),
    AfterValidator(_is_wall_time),
]


class Page(Out, Generic[T]):
    """`next_cursor` goes into `cursor` of the next call; null: this was the last page."""

    items: list[T]
    next_cursor: str | None = None


class IdPath(BaseModel):
    id: Id


class PageQuery(In):
    """Which page of a list."""

    cursor: str | None = Field(None, max_length=400, description="next_cursor of the page before")
    limit: int = Field(50, ge=1, le=200)


class Empty(In):
    """Nothing needs to be said."""


class Done(Out):
    done: Literal[True] = True


class FieldError(Out):
    field: str
    message: str


class Problem(Out):
    """What went wrong (RFC 9457). `code` is stable; `errors` names the fields."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    code: str
    errors: list[FieldError] = []
    current: dict[str, Any] | None = Field(None, description="409: how it stands now")


class PersonBrief(Out):
    id: int
    name: str
    initials: str


class AccountBrief(Out):
    id: int
    network: str
    handle: str
    name: str


class BrandBrief(Out):
    id: int
    name: str


class TopicBrief(Out):
    id: int
    name: str


class TeamBrief(Out):
    id: int
    name: str
