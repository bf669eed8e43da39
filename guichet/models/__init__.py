"""The tables, together in one place so that no room has to import another for a relationship."""

from guichet.models.account import (
    Account,
    Brake,
    Brand,
    Calendar,
    ConnectAttempt,
    Credential,
    PollCursor,
    RefusedDelivery,
)
from guichet.models.alert import Alert, AlertCall, AlertHook, AlertPolicy
from guichet.models.approval import (
    AnswerReview,
    ApprovalPolicy,
    PostComment,
    PostMention,
    PostVersion,
    Review,
    ReviewLink,
    ReviewLinkPost,
    ReviewVote,
)
from guichet.models.base import Base, table_of
from guichet.models.bulk_reply import BulkReply, BulkReplyRow
from guichet.models.comparing import Comparison, Discrepancy, Reception
from guichet.models.contact import Contact, ContactHandle
from guichet.models.conversation import (
    Attachment,
    Conversation,
    ConversationCount,
    ConversationEvent,
    ConversationLabel,
    ConversationLink,
    ConversationSeen,
    Customer,
    Identity,
    Label,
    Message,
    MessageVersion,
    PendingAnswer,
    RawItem,
    ReplyDraft,
    Withdrawal,
)
from guichet.models.delivery import Attempt, Decision, Delivery, Instance, Look, Staged, Worker
from guichet.models.evergreen import EvergreenAccount, EvergreenItem, EvergreenQueue, EvergreenUse
from guichet.models.feed import CalendarFeed
from guichet.models.field import CustomField, FieldValue
from guichet.models.hashtag import HashtagSet
from guichet.models.joined import CustomerJoin, CustomerNote
from guichet.models.letter import Letter, LetterWish
from guichet.models.link_preview import LinkPreview
from guichet.models.link_rule import LinkRule
from guichet.models.live import LiveEvent
from guichet.models.mail_view import MailPicture, MessageLayout
from guichet.models.metering import RateWindow, Spend
from guichet.models.notice import ConversationFollower, Notice
from guichet.models.pace import SenderPace
from guichet.models.post import (
    FilmJob,
    FilmState,
    Media,
    Post,
    PostEditor,
    PostImport,
    PostTarget,
    Rendition,
    TargetRendition,
    Variant,
    VariantMedia,
)
from guichet.models.post_template import PostTemplate
from guichet.models.promise import Promise, PromisePolicy, PromiseRecount
from guichet.models.series import Series
from guichet.models.side import SideConversation
from guichet.models.slot import Slot, SlotUse
from guichet.models.staff import (
    ApiToken,
    AuditEntry,
    AuditSeal,
    Grant,
    Handout,
    IdempotencyKey,
    SecretCanary,
    Staff,
    StaffSession,
    Team,
    TeamMember,
)
from guichet.models.tag import PostTag, PostTagging
from guichet.models.topic import Topic, TopicExpert
from guichet.models.triage import CannedReply, Macro, Rule, RuleFiring, RuleWalk, SavedView
from guichet.models.wait import Wait, WaitSlice

__all__ = [
    "Account",
    "Alert",
    "AlertCall",
    "AlertHook",
    "AlertPolicy",
    "AnswerReview",
    "ApiToken",
    "ApprovalPolicy",
    "Attachment",
    "Attempt",
    "AuditEntry",
    "AuditSeal",
    "Base",
    "Brake",
    "Brand",
    "BulkReply",
    "BulkReplyRow",
    "Calendar",
    "CalendarFeed",
    "CannedReply",
    "Comparison",
    "ConnectAttempt",
    "Contact",
    "ContactHandle",
    "Conversation",
    "ConversationCount",
    "ConversationEvent",
    "ConversationFollower",
    "ConversationLabel",
    "ConversationLink",
    "ConversationSeen",
    "Credential",
    "CustomField",
    "Customer",
    "CustomerJoin",
    "CustomerNote",
    "Decision",
    "Delivery",
    "Discrepancy",
    "EvergreenAccount",
    "EvergreenItem",
    "EvergreenQueue",
    "EvergreenUse",
    "FieldValue",
    "FilmJob",
    "FilmState",
    "Grant",
    "Handout",
    "HashtagSet",
    "IdempotencyKey",
    "Identity",
    "Instance",
    "Label",
    "Letter",
    "LetterWish",
    "LinkPreview",
    "LinkRule",
    "LiveEvent",
    "Look",
    "Macro",
    "MailPicture",
    "Media",
    "Message",
    "MessageLayout",
    "MessageVersion",
    "Notice",
    "PendingAnswer",
    "PollCursor",
    "Post",
    "PostComment",
    "PostEditor",
    "PostImport",
    "PostMention",
    "PostTag",
    "PostTagging",
    "PostTarget",
    "PostTemplate",
    "PostVersion",
    "Promise",
    "PromisePolicy",
    "PromiseRecount",
    "RateWindow",
    "RawItem",
    "Reception",
    "RefusedDelivery",
    "Rendition",
    "ReplyDraft",
    "Review",
    "ReviewLink",
    "ReviewLinkPost",
    "ReviewVote",
    "Rule",
    "RuleFiring",
    "RuleWalk",
    "SavedView",
    "SecretCanary",
    "SenderPace",
    "Series",
    "SideConversation",
    "Slot",
    "SlotUse",
    "Spend",
    "Staff",
    "StaffSession",
    "Staged",
    "TargetRendition",
    "Team",
    "TeamMember",
    "Topic",
    "TopicExpert",
    "Variant",
    "VariantMedia",
    "Wait",
    "WaitSlice",
    "Withdrawal",
    "Worker",
    "table_of",
]
