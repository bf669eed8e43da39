"""Conversations and what is said in them, customers, prepared texts, views."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from webapp.api.schemas.accounts import SurfaceName, TextLimit
from webapp.api.schemas.acting import Acts
from webapp.api.schemas.answering import AnswerReview, Bounced, Pending, Version
from webapp.api.schemas.common import (
    AccountBrief,
    Code,
    Id,
    In,
    LanguageTag,
    Moment,
    Name,
    Out,
    PageQuery,
    PersonBrief,
    Prose,
    TeamBrief,
    Time,
    Told,
    TopicBrief,
    Words,
)
from webapp.api.schemas.fields import FilledField
from webapp.api.schemas.files import Media
from webapp.api.schemas.mail import Invitation
from webapp.api.schemas.publishing import Delivery

ConversationStateName = Literal[
    "new", "open", "waiting_customer", "waiting_internal", "snoozed", "resolved", "closed", "spam"
]
PriorityName = Literal["low", "normal", "high", "urgent"]
QUERY = (
    'words, "phrases", -words, and operators such as from:, account:, label:, is:open, assignee:me, has:file, '
    "after:2026-05-31; an error names the word that makes no sense"
)
DraftKind = Literal["reply", "note"]


class Label(Out):
    id: int
    name: str
    colour: str


class LabelNew(In):
    name: Name
    colour: Code = "neutral"


class LabelChange(In):
    name: Name | None = None
    colour: Code | None = None


class CustomerBrief(Out):
    id: int
    name: str
    handle: str


class Part(Out):
    """A piece of plain text; `hit`: it was looked for."""

    text: str
    hit: bool


class Excerpt(Out):
    """Where a search found the conversation: in its newest message that is meant."""

    message_id: int
    at: Time
    parts: list[Part]


class ConversationRow(Out):
    """One line of the inbox. `waiting_since`: start of the open wait; null: nobody waits.
    `answer_due_at`, `resolution_due_at`: until when an answer was promised, and that it is settled;
    null: not promised, or the clock stands still."""

    id: int
    account: AccountBrief
    customer: CustomerBrief
    surface: SurfaceName
    subject: str | None
    preview: str
    state: ConversationStateName
    priority: PriorityName
    waiting_since: Time | None
    answer_due_at: Time | None
    resolution_due_at: Time | None
    snoozed_until: Time | None
    planned_at: Time | None = Field(description="set aside because an answer goes out by itself then")
    awaits: str | None = Field(description="whom one waits for who is not the customer")
    awaits_since: Time | None
    remind_at: Time | None = Field(description="until when one waits for them at most")
    held_since: Time | None = Field(description="since when a rule holds it until somebody has looked at it")
    last_message_at: Time
    message_count: int
    assignee: PersonBrief | None
    claimed_until: Time | None
    team: TeamBrief | None
    topic: TopicBrief | None = Field(description="before whose experts it is put")
    labels: list[Label]
    unread: bool = Field(description="it holds something that whoever asks has not read")
    followed: bool = Field(description="whoever asks is told what becomes of it")
    called: bool = Field(description="a note that whoever asks has not seen calls them")
    language: str | None
    version: int
    excerpt: Excerpt | None = Field(None, description="in a search: what was said, where it was said")


class Attachment(Out):
    id: int
    kind: Literal["image", "video", "file"]
    url: str | None = Field(description="served by us; null: only at the network")
    remote_url: str | None
    name: str
    mime: str
    alt: str
    size: int


class Entry(Out):
    """One line of a conversation: what was said, noted, or done. `key` is unique in the
    conversation ("m7", "e12"); `html` is sanitised."""

    key: str
    id: int
    kind: Literal["message", "note", "event"]
    direction: Literal["in", "out"] | None
    text: str
    html: str | None
    personal: list[Literal["card", "iban", "email", "phone", "booking"]] = Field(
        description="what a customer wrote where everybody can read it"
    )
    acts: Acts | None = Field(description="of what a customer wrote; else null")
    covered: bool = Field(description="that is covered in the text, and `html` is left out")
    subject: str | None
    author: str
    staff: PersonBrief | None
    at: Time
    remote_url: str | None
    attachments: list[Attachment]
    invitation: Invitation | None
    edited_at: Time | None
    deleted_at: Time | None
    erased: bool = Field(description="it went with all that was known of the customer")
    versions: list[Version]
    delivery: Delivery | None
    bounced: Bounced | None
    pending: Pending | None = Field(description="it does not go out before its time; null: it waits for nothing")
    review: AnswerReview | None = Field(description="it needs, or needed, a colleague's approval")
    called: list[str] = Field(description="whom a note calls, by the names that stand in it")
    event: str | None
    data: dict[str, Any]


class Above(Out):
    """The public post that the conversation hangs under."""

    text: str
    author: str
    at: Time | None
    url: str | None
    ours: bool


class Sibling(Out):
    """Somebody else's conversation under the same post."""

    conversation_id: int
    customer: CustomerBrief
    preview: str


class Link(Out):
    """`kind`: what the other conversation is to the one shown."""

    kind: Literal["related", "parent", "child"]
    conversation: ConversationRow


class Claim(Out):
    by: PersonBrief
    until: Time | None


class Draft(Out):
    kind: DraftKind
    text: str
    media_ids: list[int]
    media: list[Media]
    seen_through: int | None
    saved_at: Time


class Viewer(PersonBrief):
    writing: bool


class Rush(Out):
    """The customer writes very often now: nobody is told of each message, and what begins a new
    thread comes into one conversation. It ends by itself after a time without a word."""

    since: Time
    count: int
    ends_at: Time
    conversation_id: int | None


class Conversation(ConversationRow):
    text_limit: TextLimit | None = Field(description="of an answer here, as the network counts it")
    can_reply: bool
    cannot_reply_reason: Told | None
    reply_until: Time | None
    root: Above | None
    siblings: list[Sibling]
    claim: Claim | None
    drafts: list[Draft]
    others: list[Viewer]
    followers: list[PersonBrief]
    rush: Rush | None
    held_by: str | None = Field(description="the rule that holds it, by its name")
    links: list[Link] = Field(description="as far as one may read the other end")
    last_message_id: int | None
    last_beside_id: int | None = Field(description="the newest answer in a side conversation; it is unread, too")
    previous_id: int | None
    merged_into_id: int | None
    fields: list[FilledField] = Field(description="custom fields of the conversation")
    signature: str = Field(description="what is put after an answer, as the brand wants it; may be empty")
    can: list[str] = Field(
        description="what one may do here, such as conversation.answer, or message.hide if the network can"
    )


class ConversationQuery(PageQuery):
    """Filters. `state` empty: new and open; "all": every state. "oldest_waiting" puts who
    waits longest first, then the others, newest first; "deadline" whose promise ends first."""

    view: str | None = Field(None, max_length=40, description="a view of /views; other filters override its own")
    account_id: list[Id] | None = None
    brand_id: Id | None = None
    network: Code | None = None
    state: list[ConversationStateName | Literal["all"]] | None = None
    assignee: str | None = Field(None, pattern=r"^(me|none|[1-9][0-9]{0,14})$")
    team_id: Id | None = None
    label_id: Id | None = None
    language: LanguageTag | None = None
    priority: PriorityName | None = None
    waiting: bool | None = Field(None, description="only where the customer waits for us")
    late: bool | None = Field(None, description="only where a promise is broken")
    followed: bool | None = Field(None, description="only what whoever asks follows")
    mentioned: bool | None = Field(None, description="only what they follow because a note called them")
    held: bool | None = Field(None, description="only what a rule holds until somebody has looked at it")
    pooled: bool | None = Field(None, description="only what is put before experts")
    approval: bool | None = Field(None, description="only where an answer waits for their approval")
    q: Words | None = Field(None, description=QUERY)
    sort: Literal["oldest_waiting", "deadline", "newest"] = "oldest_waiting"


class Badges(Out):
    """How many conversations are new or open: all, nobody's, one's own; by where they are.
    Keys are ids as text."""

    active: int
    unassigned: int
    mine: int
    by_state: dict[str, int]
    by_account: dict[str, int]
    by_team: dict[str, int]


class EntryQuery(PageQuery):
    """`cursor` goes back in time."""


class Note(In):
    """A text, files, or both."""

    text: Prose
    media_ids: list[Id] = Field([], max_length=20)


class Assign(In):
    """Hand over. What is not named stays; null takes it away."""

    staff_id: Id | None = None
    team_id: Id | None = None


class Pooled(In):
    """`topic_id` null: out of its pool."""

    topic_id: Id | None


class Snooze(In):
    """`until` null: until the customer writes."""

    until: Moment | None


class Resolve(In):
    """`outcome` is needed where the customer still waits."""

    outcome: Literal["answered", "not_needed", "unanswered"] | None = None


class Merge(In):
    """Into which conversation this one goes."""

    into_id: Id


class Split(In):
    """`message_id`: the first message, note included, that goes into the new conversation."""

    message_id: Id


class LinkNew(In):
    """`kind`: what the other conversation is to this one."""

    other_id: Id
    kind: Literal["related", "parent", "child"] = "related"


class LinkGone(In):
    other_id: Id


class LabelSet(In):
    label_ids: list[Id] = Field(max_length=100)


class PriorityIn(In):
    priority: PriorityName


class DraftIn(In):
    """An empty text takes the draft away."""

    kind: DraftKind = "reply"
    text: Prose
    media_ids: list[Id] = Field([], max_length=20)
    seen_through: Id | None = None


class PresenceIn(In):
    """`here` false: one has left."""

    writing: bool = False
    here: bool = True


class SeenIn(In):
    """`through`: the newest message that one has read; null: unread again."""

    through: Id | None


class Others(Out):
    others: list[Viewer]


class Readers(Out):
    """Whom a note can call by "@name": who may read the conversation, and their teams."""

    staff: list[PersonBrief]
    teams: list[TeamBrief]


class SearchQuery(In):
    q: Annotated[Words, Field(min_length=1)]
    limit: int = Field(20, ge=1, le=50)


class FoundPost(Out):
    id: int
    text: str
    state: str
    due_at: Time | None


class Found(Out):
    conversations: list[ConversationRow]
    customers: list[CustomerBrief]
    posts: list[FoundPost]
