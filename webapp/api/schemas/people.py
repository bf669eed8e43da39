"""Who works here: oneself, staff, teams, grants, tokens."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from webapp.api.schemas.common import (
    AccountBrief,
    BrandBrief,
    Id,
    In,
    Language,
    LanguageTag,
    Line,
    Moment,
    Name,
    Out,
    PageQuery,
    PersonBrief,
    Plain,
    TeamBrief,
    Time,
    TimeZone,
    Words,
)

WallHour = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")]
OrgRoleName = Literal["member", "team_lead", "administrator", "owner"]
AccountRoleName = Literal["viewer", "agent", "author", "publisher", "manager"]
PresenceName = Literal["online", "away", "offline"]
ScopeName = Literal["read", "answer", "publish", "manage"]


class Me(PersonBrief):
    """Who is signed in. `can` lists the organisation-wide rights (guichet.policy.Action),
    such as "staff.manage" or "brake.all"; rights on an account stand with the account."""

    email: str
    role: OrgRoleName
    language: Language
    time_zone: str
    presence: PresenceName
    absent_until: Time | None = Field(description="away until then: deputies approve in one's place")
    capacity: int
    answers_reviewed: bool = Field(description="one's answers go out only after a colleague approved them")
    teams: list[TeamBrief]
    csrf_token: str = Field(description="goes into X-CSRF-Token; empty for API tokens")
    can: list[str]
    quiet_from: str = Field(description="alerts call somebody else between these wall times; empty: never")
    quiet_until: str
    undo_seconds: int = Field(description="for how long an answer may be taken back; 0: not at all")
    preferences: dict[str, Any]
    organisation: str
    rehearsal: bool = Field(description="rehearsal networks run here")
    public_url: str


class MeChange(In):
    presence: PresenceName | None = None
    absent_until: Moment | None = Field(None, description="null: one is here again")
    language: Language | None = None
    time_zone: TimeZone | None = None
    undo_seconds: int | None = Field(None, ge=0, le=30)
    quiet_from: WallHour | None = Field(None, description="alerts call somebody else from then on; empty: never")
    quiet_until: WallHour | None = None
    preferences: Annotated[Plain, Field(max_length=100)] | None = None


class PasswordChange(In):
    old: str = Field(max_length=1000)
    new: str = Field(min_length=12, max_length=1000)


class Staff(PersonBrief):
    email: str
    role: OrgRoleName
    presence: PresenceName
    absent_until: Time | None = Field(description="away until then: deputies approve in their place")
    languages: list[str]
    skills: list[str]
    capacity: int
    answers_reviewed: bool = Field(description="their answers go out only after a colleague approved them")
    teams: list[TeamBrief]
    seen_at: Time | None
    disabled_at: Time | None


class StaffNew(In):
    email: str = Field(max_length=300, pattern=r"^[^@\s]+@[^@\s]+$")
    name: Name
    initials: str = Field("", max_length=4)
    role: OrgRoleName = "member"
    password: str = Field(min_length=12, max_length=1000)
    language: Language = "en"
    time_zone: TimeZone = "UTC"


class StaffChange(In):
    name: Name | None = None
    initials: str | None = Field(None, min_length=1, max_length=4)
    role: OrgRoleName | None = None
    languages: list[LanguageTag] | None = Field(None, max_length=30)
    skills: list[Line] | None = Field(None, max_length=50)
    capacity: int | None = Field(None, ge=0, le=1000)
    time_zone: TimeZone | None = None
    absent_until: Moment | None = Field(None, description="null: they are here again")
    answers_reviewed: bool | None = None
    password: str | None = Field(None, min_length=12, max_length=1000)


class Left(Out):
    """What a person leaves: who has to take over what."""

    conversations: list[int]
    deliveries: list[int]
    posts: list[int]
    sessions_ended: int
    tokens_revoked: int


class StaffQuery(PageQuery):
    q: Words | None = None
    disabled: bool | None = None


class TeamMember(PersonBrief):
    is_lead: bool
    presence: PresenceName
    given: int = Field(description="How many the team's queue gave them in the last hour")
    next_at: Time | None = Field(description="When it gives them the next: they have had all of this hour")


class Team(TeamBrief):
    assignment: Literal["manual", "round_robin", "least_loaded"]
    queue_order: Literal["oldest", "deadline"]
    hourly_cap: int = Field(description="How many the queue gives one person in an hour; 0: any number")
    waiting: int = Field(description="How many lie in its queue that you may see, at most 1,000")
    members: list[TeamMember]


class TeamNew(In):
    name: Name
    assignment: Literal["manual", "round_robin", "least_loaded"] = "manual"
    queue_order: Literal["oldest", "deadline"] = "oldest"
    hourly_cap: int = Field(0, ge=0, le=1000)
    member_ids: list[Id] = Field([], max_length=500)
    lead_ids: list[Id] = Field([], max_length=500)


class TeamChange(In):
    name: Name | None = None
    assignment: Literal["manual", "round_robin", "least_loaded"] | None = None
    queue_order: Literal["oldest", "deadline"] | None = None
    hourly_cap: int | None = Field(None, ge=0, le=1000)
    member_ids: list[Id] | None = Field(None, max_length=500)
    lead_ids: list[Id] | None = Field(None, max_length=500)


class Grant(Out):
    id: int
    staff: PersonBrief | None
    team: TeamBrief | None
    account: AccountBrief | None
    brand: BrandBrief | None
    role: AccountRoleName
    ends_at: Time | None
    created_at: Time


class GrantNew(In):
    """Exactly one of staff_id and team_id, and exactly one of account_id and brand_id."""

    staff_id: Id | None = None
    team_id: Id | None = None
    account_id: Id | None = None
    brand_id: Id | None = None
    role: AccountRoleName
    ends_at: Moment | None = None


class GrantQuery(PageQuery):
    staff_id: Id | None = None
    team_id: Id | None = None
    account_id: Id | None = None
    brand_id: Id | None = None


class Token(Out):
    id: int
    name: str
    prefix: str
    scopes: list[ScopeName]
    created_at: Time
    expires_at: Time | None
    used_at: Time | None
    revoked_at: Time | None


class TokenNew(In):
    name: Name
    scopes: list[ScopeName] = Field(
        min_length=1,
        max_length=4,
        description="read: whatever only reads; answer: answer customers, with files, and work on their conversations; "
        "publish: write, publish and decide on posts, with files; manage: the settings. Each for itself.",
    )
    days: int | None = Field(None, ge=1, le=3650, description="ends after so many days; null: never")


class TokenMade(Token):
    token: str = Field(description="shown this once")
