"""The document: what a company has set up, by name instead of by number.

It holds no secret and nothing that anybody said. What it refers to is named: a person by
address, an account by the key that it has in this document. A document of another version
is refused, and so is anything in it that we do not know: a misspelt word must not pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from channels.contract import JSON
from channels.sentences import say
from guichet.errors import Invalid
from guichet.policy import AccountRole, OrgRole

VERSION = 1

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Line = Annotated[str, Field(max_length=300)]
Words = Annotated[list[Line], Field(max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CalendarPart(_Part):
    """Business hours; `intervals` by weekday, "0" is Monday."""

    name: Name
    time_zone: Name
    intervals: dict[str, list[list[Line]]]
    holidays: Words = []


class StaffPart(_Part):
    """A person. Taken on without a password: `guichet staff password` gives one. `locale` and
    `time_zone` count when they are taken on; later they are their own."""

    email: Name
    name: Name
    initials: Line = ""
    role: OrgRole = OrgRole.MEMBER
    locale: Literal["en", "fr"] = "en"
    time_zone: Name = "UTC"
    skills: Words = []
    languages: Words = []
    capacity: int = Field(20, ge=0, le=10_000)
    answers_reviewed: bool = False
    disabled: bool = False


class TeamPart(_Part):
    name: Name
    assignment: Literal["manual", "round_robin", "least_loaded"] = "manual"
    queue_order: Literal["oldest", "deadline"] = "oldest"
    hourly_cap: int = Field(0, ge=0, le=1000)  # 0: none
    members: Words = []  # addresses
    leads: Words = []


class BrandPart(_Part):
    name: Name
    time_zone: Name = "UTC"
    languages: Words = []
    signs_with_initials: bool = False
    expert_credit: str = Field("via {name}", max_length=60)
    needs_approval: bool = False
    needs_alt_text: bool = False
    calendar: Name | None = None
    default_team: Name | None = None
    close_after_days: int = Field(14, ge=1, le=3650)
    late_limit_minutes: int = Field(60, ge=1, le=43_200)
    keep_days: int | None = Field(None, ge=7, le=36_500)


class ApprovalStepPart(_Part):
    """One step of an approval; `deputy_after` in minutes. Names nobody: anybody who may approve."""

    name: Line = ""
    need: Literal["any", "all"] = "any"
    staff: Annotated[list[Line], Field(max_length=100)] = []  # addresses
    teams: Annotated[list[Line], Field(max_length=50)] = []
    external: bool = False
    deputies: Annotated[list[Line], Field(max_length=50)] = []  # addresses
    deputy_after: int | None = Field(None, ge=1, le=43_200)


class ApprovalPart(_Part):
    """How a brand's posts are approved; whether at all say its `needs_approval` and the
    accounts' `approval`. Without steps: one, for anybody who may approve."""

    brand: Name
    steps: list[ApprovalStepPart] = Field(default=[], max_length=10)
    authors_may_approve: bool = False
    binds_time: bool = False


class SlotPart(_Part):
    """A place in the week for a post: weekday (0 is Monday) and wall time in the account's zone."""

    weekday: int = Field(ge=0, le=6)
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    label: Annotated[str, Field(max_length=60)] = ""


class AccountPart(_Part):
    """An outside account, without its secrets: where it is new it waits to be connected.
    `key` is what the rest of the document calls it. Where it says nothing of slots, of its own
    approval, of being compared or of its limit (in the network's currency; null: none), what is here stays."""

    key: Name
    network: Name
    base_url: Line = ""
    remote_id: Annotated[str, Field(min_length=1, max_length=600)]
    handle: Name
    name: Name
    brand: Name
    time_zone: Name
    rehearsal: bool = False
    min_gap_minutes: int = Field(0, ge=0, le=10_080)
    duplicate_days: int = Field(30, ge=0, le=366)
    clash_policy: Literal["warn", "refuse"] = "warn"
    compares: bool | None = None
    approval: Literal["as_brand", "none", "four_eyes"] | None = None
    monthly_limit: float | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False)
    slots: Annotated[list[SlotPart], Field(max_length=200)] | None = None


class GrantPart(_Part):
    """One person or team, on one account or brand."""

    staff: Name | None = None
    team: Name | None = None
    account: Name | None = None
    brand: Name | None = None
    role: AccountRole
    ends_at: AwareDatetime | None = None


class TopicPart(_Part):
    """What experts are asked about, of one brand or (null) of all, and who they are."""

    name: Name
    brand: Name | None = None
    reviewed: bool = False
    return_minutes: int = 120
    experts: list[Name] = []


class LabelPart(_Part):
    name: Name
    colour: Line = "neutral"


class PostTagPart(_Part):
    """A label or a campaign of a brand's posts."""

    brand: Name
    kind: Literal["label", "campaign"]
    name: Name
    colour: Line = "neutral"


class HashtagSetPart(_Part):
    """Hashtags that a brand often uses together, without their #."""

    brand: Name
    name: Name
    tags: Annotated[list[Line], Field(min_length=1, max_length=60)]


class PostTemplatePart(_Part):
    """A text with variables from which a brand's posts are written; `variants` by network."""

    brand: Name
    name: Name
    text: Annotated[str, Field(min_length=1, max_length=10_000)]
    variants: Annotated[dict[Line, Annotated[str, Field(max_length=10_000)]], Field(max_length=50)] = {}


class ContactPart(_Part):
    """Whom posts mention as @[name]: of a brand, or of all without one; `handles` by network."""

    brand: Name | None = None
    name: Name
    handles: Annotated[dict[Line, Line], Field(max_length=50)] = {}


class FieldChoicePart(_Part):
    key: Line
    name: Line


class FieldPart(_Part):
    """A custom field; without a brand of all brands. They stand in the order of the document."""

    brand: Name | None = None
    subject: Literal["conversation", "customer"]
    key: Line
    name: Name
    kind: Literal["text", "number", "choice", "choices", "date", "yes_no"]
    mask: Line = ""
    least: Line = ""
    most: Line = ""
    choices: Annotated[list[FieldChoicePart], Field(max_length=100)] = []
    is_required: bool = False
    archived: bool = False


class LinkExceptionPart(_Part):
    """A network where links are tagged otherwise, or not; what is not named is as everywhere."""

    network: Name
    on: bool = True
    patterns: dict[Line, Line] = {}


class LinkRulePart(_Part):
    """Which links of a brand's posts are tagged, and with what."""

    brand: Name
    on: bool = False
    domains: Annotated[list[Line], Field(max_length=100)] = []
    patterns: dict[Line, Line] = {}
    exceptions: Annotated[list[LinkExceptionPart], Field(max_length=50)] = []


class QueuePart(_Part):
    """A queue of posts that go out again, without its posts. `slots`: of its own, instead of those
    of its accounts that are called `label`."""

    brand: Name
    name: Annotated[str, Field(min_length=1, max_length=60)]
    accounts: Annotated[list[Line], Field(min_length=1, max_length=200)]
    label: Annotated[str, Field(max_length=60)] = ""
    slots: Annotated[list[SlotPart], Field(max_length=200)] = []
    ordering: Literal["listed", "shuffled"] = "listed"
    rest_days: int = Field(30, ge=0, le=366)
    horizon_days: int = Field(7, ge=1, le=60)
    paused: bool = False


class RulePart(_Part):
    """In order of trial. Accounts, labels, teams and people in it are named."""

    name: Name
    brand: Name | None = None
    on: bool = False
    stops: bool = False
    since: str = ""
    after_minutes: int | None = None
    in_hours: bool = False
    conditions: list[JSON] = Field(default=[], max_length=50)
    actions: list[JSON] = Field(max_length=50)


class PromiseStepPart(_Part):
    """What is done once `percent` of the promised time has passed."""

    of: Literal["answer", "resolution"] = "answer"
    percent: int
    actions: list[JSON] = Field(max_length=10)


class PromisePart(_Part):
    """What is promised to whom, in order of trial. Accounts, labels, teams and people in it are named."""

    name: Name
    brand: Name | None = None
    on: bool = True
    conditions: list[JSON] = Field(default=[], max_length=50)
    first_minutes: int | None = None
    next_minutes: int | None = None
    resolution_minutes: int | None = None
    runs_always: bool = False
    steps: list[PromiseStepPart] = Field(default=[], max_length=10)


class CannedPart(_Part):
    title: Name
    brand: Name | None = None
    shortcut: Line = ""
    text: Annotated[str, Field(max_length=100_000)]
    language: Line = ""
    folder: Line = ""
    translations: dict[Line, Annotated[str, Field(max_length=100_000)]] = Field(default={}, max_length=20)
    valid_from: date | None = None
    valid_until: date | None = None


class MacroPart(_Part):
    """Several actions under one name: of one person (`owner`), a team or a brand; of none of them,
    for everybody. Labels, teams and people in it are named."""

    name: Name
    owner: Name | None = None
    team: Name | None = None
    brand: Name | None = None
    actions: list[JSON] = Field(max_length=50)


class ViewPart(_Part):
    """A kept filter of the inbox, of one person or (null) of all."""

    name: Name
    owner: Name | None = None
    filters: JSON = {}


class Document(_Part):
    guichet: Literal["configuration"] = "configuration"
    version: int = VERSION
    exported_at: datetime | None = None
    calendars: list[CalendarPart] = []
    staff: list[StaffPart] = []
    teams: list[TeamPart] = []
    brands: list[BrandPart] = []
    approvals: list[ApprovalPart] = []
    accounts: list[AccountPart] = []
    grants: list[GrantPart] = []
    topics: list[TopicPart] = []
    labels: list[LabelPart] = []
    post_tags: list[PostTagPart] = []
    link_rules: list[LinkRulePart] = []
    queues: list[QueuePart] = []
    hashtag_sets: list[HashtagSetPart] = []
    post_templates: list[PostTemplatePart] = []
    contacts: list[ContactPart] = []
    fields: list[FieldPart] = []
    promises: list[PromisePart] = []
    rules: list[RulePart] = []
    canned_replies: list[CannedPart] = []
    macros: list[MacroPart] = []
    views: list[ViewPart] = []

    @field_validator("version")
    @classmethod
    def _known_version(cls, value: int) -> int:
        if value != VERSION:
            raise ValueError(f"this program reads version {VERSION}")
        return value


def parse(text: str) -> Document:
    """Raises Invalid; `fields` names each place in the document and what is wrong there."""
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as e:
        where = {"line": str(e.lineno), "column": str(e.colno)}
        raise Invalid(say("this is no JSON: {fault} at line {line}, column {column}", fault=e.msg, **where)) from None
    except RecursionError:
        raise Invalid("this is no configuration: it is nested too deeply") from None
    if not isinstance(plain, dict):
        raise Invalid("this is no configuration: it must be an object with a version")
    if "version" not in plain:
        raise Invalid(
            "this is no configuration",
            {"version": say("is missing; this program reads version {version}", version=VERSION)},
        )
    unwritable = dict(_unwritable(plain, ""))
    if unwritable:
        raise Invalid("this configuration cannot be imported", unwritable)
    try:
        return Document.model_validate_json(text)
    except ValidationError as e:
        wrong = {".".join(map(str, one["loc"])): str(one["msg"]) for one in e.errors(include_url=False)}
        raise Invalid("this configuration cannot be imported", wrong) from None


def render(document: Document) -> str:
    """As JSON that a person can read and a version control can compare."""
    return json.dumps(document.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def _unwritable(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Texts that no database keeps: a NUL, half of a surrogate pair."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            yield path, "holds a character that cannot be kept"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _unwritable(name, f"{path}.{name}".lstrip("."))
            yield from _unwritable(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _unwritable(inner, f"{path}.{n}")
