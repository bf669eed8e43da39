"""Who must agree to a post, what they said, and how it came to what it says."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Id, In, Language, Line, Out, PersonBrief, Prose, Time, Told
from webapp.api.schemas.publishing import Post

AccountRule = Literal["as_brand", "none", "four_eyes"]


class ApprovalStep(In):
    """One step. Names nobody: anybody who may approve on the account."""

    name: Line = ""
    need: Literal["any", "all"] = "any"
    staff: list[Id] = Field([], max_length=100)
    teams: list[Id] = Field([], max_length=50)
    external: bool = Field(False, description="somebody from outside, who decides through a link")
    deputies: list[Id] = Field([], max_length=50)
    deputy_after: int | None = Field(None, ge=1, le=43_200, description="minutes; null: only for somebody absent")


class AccountAsk(In):
    """none: needs no approval; four_eyes: always that of a second person."""

    account_id: Id
    rule: AccountRule


class ApprovalPolicy(In):
    """How a brand's posts are approved; whether at all says the brand's needs_approval."""

    steps: list[ApprovalStep] = Field([], max_length=10)
    authors_may_approve: bool = False
    binds_time: bool = Field(False, description="an approval is for that time only")
    accounts: list[AccountAsk] = Field([], max_length=500)


class ReviewVote(Out):
    """`guest` names somebody from outside, where `by` is null."""

    by: PersonBrief | None
    guest: str
    choice: Literal["approve", "reject", "seen"]
    stands_in: bool
    step: int
    reason: str
    at: Time


class ReviewStep(Out):
    name: str
    need: Literal["any", "all"]


class Review(Out):
    """How it stands on one account. `open`: anybody who may approve there may decide."""

    account: AccountBrief
    state: Literal["waiting", "granted", "bypassed"]
    step: int
    steps: list[ReviewStep]
    waits_for: list[PersonBrief]
    waits_for_guest: bool
    deputies: list[PersonBrief]
    open: bool
    votes: list[ReviewVote]
    settled_by: PersonBrief | None
    settled_at: Time | None
    reason: str


class Approval(Out):
    """`may_decide`: it is your turn, on some account."""

    reviews: list[Review]
    may_decide: bool
    may_bypass: bool
    may_link: bool
    version: int


class Unapproved(In):
    reason: Line


class PostCommentNew(In):
    """@Name calls a colleague who sees the post."""

    text: Prose


class PostComment(Out):
    id: int
    by: PersonBrief | None
    guest: str
    text: str
    version: int
    at: Time


class PostComments(Out):
    items: list[PostComment]


class PostVersion(Out):
    number: int
    at: Time
    by: PersonBrief | None


class PostVersions(Out):
    items: list[PostVersion]


class PostChangesQuery(In):
    before: int = Field(0, ge=0, le=2**31 - 1, description="0: from nothing")
    after: int = Field(1, ge=1, le=2**31 - 1)


class DifferencePiece(Out):
    what: Literal["same", "gone", "new"]
    text: str


class PostDifference(Out):
    """One text that changed, alike on these accounts."""

    accounts: list[AccountBrief]
    part: int
    kind: str
    field: Literal["text", "files", "alt", "subject", "language"]
    pieces: list[DifferencePiece]


class PostChanges(Out):
    items: list[PostDifference]


class PostAct(Out):
    """Something that was done with the post; `text`: what was said with it."""

    at: Time
    action: str
    by: PersonBrief | None
    guest: str
    text: str
    data: dict[str, Any]


class PostHistory(Out):
    items: list[PostAct]


class ReviewLinkNew(In):
    post_ids: list[Id] = Field(min_length=1, max_length=100)
    name: Line = Field(description="who it is for; shown beside what they decide")
    language: Language = "en"
    hours: int = Field(72, ge=1, le=2160)


class ReviewLink(Out):
    id: int
    name: str
    post_ids: list[int]
    made_by: PersonBrief | None
    made_at: Time
    expires_at: Time
    revoked_at: Time | None
    opened_at: Time | None


class ReviewLinkMade(ReviewLink):
    """`url` is in this answer and nowhere else."""

    url: str


class ReviewLinks(Out):
    items: list[ReviewLink]


class ToDecideQuery(In):
    limit: int = Field(100, ge=1, le=100)


class PostToDecide(Out):
    """A post about which it is one's turn. `accounts`: those that one is asked about; `since`: when
    one's step began."""

    post: Post
    accounts: list[AccountBrief]
    since: Time


class ToDecide(Out):
    """`total` is complete; `items` are those that go out first."""

    total: int
    items: list[PostToDecide]


class PostRead(In):
    """A post, and the version of it that was read."""

    id: Id
    version: int = Field(ge=1, le=2**31 - 1)


class Decide(In):
    """Sending back needs a reason; it is said to each post's author."""

    choice: Literal["approve", "reject"]
    posts: list[PostRead] = Field(min_length=1, max_length=100)
    reason: Line = ""


class DecidedPost(Out):
    """`code` and `reason`: why it was not done; `still_waits`: others are asked too."""

    post_id: int
    done: bool
    still_waits: bool
    code: str | None
    reason: Told


class Decided(Out):
    done: int
    items: list[DecidedPost]
