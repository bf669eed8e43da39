"""Who may do what. `require` in every public operation, `visible` in every list, count,
search, export and live event; workers ask again when they act.

Rights are read from the database for every request and every act: an ended grant ends
with the next question, not with the next sign-in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, not_, null, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from channels.sentences import say
from guichet.db import dialect
from guichet.errors import NotAllowed, NotFound
from guichet.models import Account, Conversation, Delivery, Grant, Post, Staff, TeamMember, TopicExpert


class OrgRole(StrEnum):
    """Organisation roles, weakest first."""

    MEMBER = "member"
    TEAM_LEAD = "team_lead"
    ADMINISTRATOR = "administrator"
    OWNER = "owner"


class AccountRole(StrEnum):
    """Account roles, weakest first; each holds the rights of the ones before."""

    VIEWER = "viewer"
    AGENT = "agent"
    AUTHOR = "author"
    PUBLISHER = "publisher"
    MANAGER = "manager"


class Action(StrEnum):
    """Everything that a right is needed for."""

    # on an account
    ACCOUNT_VIEW = "account.view"
    ACCOUNT_MANAGE = "account.manage"
    CONVERSATION_VIEW = "conversation.view"
    CONVERSATION_ANSWER = "conversation.answer"
    CONVERSATION_REPLY = "conversation.reply"  # claim, write notes and answer, and nothing else
    CONVERSATION_ASSIGN = "conversation.assign"
    ANSWER_APPROVE = "answer.approve"  # a colleague's, where theirs go out only then
    POST_VIEW = "post.view"
    POST_WRITE = "post.write"
    POST_PUBLISH = "post.publish"
    POST_APPROVE = "post.approve"
    DELIVERY_DECIDE = "delivery.decide"
    STATS_VIEW = "stats.view"
    BRAKE_ACCOUNT = "brake.account"
    # on the organisation
    ACCOUNT_CONNECT = "account.connect"
    BRAND_MANAGE = "brand.manage"
    BRAKE_ALL = "brake.all"
    APPROVAL_BYPASS = "approval.bypass"
    STAFF_VIEW = "staff.view"
    STAFF_MANAGE = "staff.manage"
    TEAM_MANAGE = "team.manage"
    GRANT_MANAGE = "grant.manage"
    RULE_MANAGE = "rule.manage"
    CANNED_MANAGE = "canned.manage"
    LABEL_MANAGE = "label.manage"
    AUDIT_VIEW = "audit.view"
    CUSTOMER_ERASE = "customer.erase"
    SYSTEM = "system"  # what only our own processes do


_VIEWER = frozenset({Action.ACCOUNT_VIEW, Action.CONVERSATION_VIEW, Action.POST_VIEW, Action.STATS_VIEW})
_AGENT = _VIEWER | {
    Action.CONVERSATION_REPLY,
    Action.CONVERSATION_ANSWER,
    Action.CONVERSATION_ASSIGN,
    Action.ANSWER_APPROVE,
}
_AUTHOR = _AGENT | {Action.POST_WRITE}
_PUBLISHER = _AUTHOR | {Action.POST_PUBLISH, Action.POST_APPROVE, Action.DELIVERY_DECIDE, Action.BRAKE_ACCOUNT}
_MANAGER = _PUBLISHER | {Action.ACCOUNT_MANAGE}

ACCOUNT_RIGHTS: Mapping[AccountRole, frozenset[Action]] = {
    AccountRole.VIEWER: _VIEWER,
    AccountRole.AGENT: frozenset(_AGENT),
    AccountRole.AUTHOR: frozenset(_AUTHOR),
    AccountRole.PUBLISHER: frozenset(_PUBLISHER),
    AccountRole.MANAGER: frozenset(_MANAGER),
}

# What an expert may, in the questions of their topics alone.
_EXPERT = frozenset({Action.CONVERSATION_VIEW, Action.CONVERSATION_REPLY})

_MEMBER = frozenset({Action.STAFF_VIEW})
_LEAD = _MEMBER | {Action.CANNED_MANAGE, Action.LABEL_MANAGE, Action.RULE_MANAGE}
_ADMINISTRATOR = frozenset(
    set(_LEAD)
    | {
        Action.ACCOUNT_CONNECT,
        Action.BRAND_MANAGE,
        Action.BRAKE_ALL,
        Action.APPROVAL_BYPASS,
        Action.STAFF_MANAGE,
        Action.TEAM_MANAGE,
        Action.GRANT_MANAGE,
        Action.AUDIT_VIEW,
        Action.CUSTOMER_ERASE,
    }
)

ORG_RIGHTS: Mapping[OrgRole, frozenset[Action]] = {
    OrgRole.MEMBER: _MEMBER,
    OrgRole.TEAM_LEAD: frozenset(_LEAD),
    OrgRole.ADMINISTRATOR: _ADMINISTRATOR,
    OrgRole.OWNER: _ADMINISTRATOR,
}

# What an expert goes on seeing of the questions that they took or answered.
_IN_HAND = ("waiting_customer", "waiting_internal", "snoozed")

# Administrators run the installation; on accounts they hold a manager's rights.
_EVERY_ACCOUNT = frozenset({OrgRole.ADMINISTRATOR, OrgRole.OWNER})

# What an API token's scope allows; a token never holds more than its person. Who answers or
# publishes sees what they act on; the routes that only read want "read".
SCOPES: Mapping[str, frozenset[Action]] = {
    "read": _VIEWER | {Action.STAFF_VIEW},
    "answer": frozenset(
        {
            Action.ACCOUNT_VIEW,
            Action.CONVERSATION_VIEW,
            Action.CONVERSATION_REPLY,
            Action.CONVERSATION_ANSWER,
            Action.CONVERSATION_ASSIGN,
            Action.ANSWER_APPROVE,
            Action.STAFF_VIEW,
        }
    ),
    "publish": frozenset(
        {
            Action.POST_WRITE,
            Action.POST_PUBLISH,
            Action.POST_APPROVE,
            Action.DELIVERY_DECIDE,
            Action.BRAKE_ACCOUNT,
            Action.STAFF_VIEW,
        }
    ),
    "manage": frozenset(_ADMINISTRATOR | {Action.ACCOUNT_MANAGE}),
}


@dataclass(frozen=True)
class Actor:
    """Who acts, with the rights that they have in this moment.

    `accounts` maps an account id to the actions granted on it; `staff_id` is None
    for our own processes. `scopes` (None: a browser session) limits an API token.
    `is_reviewed`: what they answer goes out only after a colleague agreed. `pool`: ids of the
    conversations that are open to them as an expert, whatever they hold on the account.
    """

    staff_id: int | None
    kind: str = "staff"  # staff, token, system
    role: OrgRole = OrgRole.MEMBER
    accounts: Mapping[int, frozenset[Action]] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    name: str = ""
    ip: str = ""
    is_reviewed: bool = False
    pool: frozenset[int] = frozenset()

    @property
    def sees_every_account(self) -> bool:
        return self.kind == "system" or self.role in _EVERY_ACCOUNT


SYSTEM = Actor(staff_id=None, kind="system", name="Guichet")


def load_actor(
    session: Session,
    staff: Staff,
    now: datetime,
    *,
    kind: str = "staff",
    scopes: Iterable[str] | None = None,
    ip: str = "",
) -> Actor:
    """The actor that `staff` is now. A disabled person has no rights at all."""
    if staff.disabled_at is not None:
        raise NotAllowed("this person no longer works here")
    accounts, pool = _held(session, staff.id, now)
    return Actor(
        staff_id=staff.id,
        kind=kind,
        role=OrgRole(staff.role),
        accounts=accounts,
        scopes=None if scopes is None else frozenset(scopes),
        name=staff.name,
        ip=ip,
        is_reviewed=staff.answers_reviewed,
        pool=pool,
    )


def _granted(staff_id: ColumnElement[int], now: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    """Roles that a person holds, themselves or by a team, with the accounts that they are for."""
    teams = select(TeamMember.team_id).where(TeamMember.staff_id == staff_id)
    return (
        select(Grant.role, Account.id)
        .join(Account, or_(Grant.account_id == Account.id, Grant.brand_id == Account.brand_id))
        .where(or_(Grant.staff_id == staff_id, Grant.team_id.in_(teams)))
        .where(or_(Grant.ends_at.is_(None), Grant.ends_at > now))
    )


def _pool_of(staff_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
    """The questions of a person's topics, without a role: what is open, and what they have in hand."""
    topics = select(TopicExpert.topic_id).where(TopicExpert.staff_id == staff_id)
    own = or_(Conversation.assignee_id == staff_id, Conversation.expert_id == staff_id)
    open_to_them = or_(Conversation.state.in_(("new", "open")), and_(own, Conversation.state.in_(_IN_HAND)))
    return select(null(), Conversation.id).where(
        Conversation.topic_id.in_(topics), Conversation.merged_into_id.is_(None), open_to_them
    )


# Both are asked with every request: in one statement, put together once.
_STAFF, _NOW = bindparam("staff_id", type_=Staff.id.type), bindparam("now", type_=Grant.ends_at.type)
_HELD = union_all(_granted(_STAFF, _NOW), _pool_of(_STAFF)).execution_options(**dialect.PREPARED)


def _held(session: Session, staff_id: int, now: datetime) -> tuple[dict[int, frozenset[Action]], frozenset[int]]:
    """What a person may do, by account, and the ids of the questions of their topics."""
    rights: dict[int, frozenset[Action]] = {}
    pool: list[int] = []
    for role, id_ in session.execute(_HELD, {"staff_id": staff_id, "now": now}):
        if role is None:
            pool.append(id_)
        else:
            rights[id_] = rights.get(id_, frozenset()) | ACCOUNT_RIGHTS[AccountRole(role)]
    return rights, frozenset(pool)


def who_may(action: Action, account: Account, now: datetime) -> Select[Staff]:
    """Who works here and may do `action` on `account` now: the same answer for all of them as
    `can` gives for one."""
    roles = [role for role, actions in ACCOUNT_RIGHTS.items() if action in actions]
    grants = (
        select(Grant)
        .where(Grant.role.in_(roles), or_(Grant.account_id == account.id, Grant.brand_id == account.brand_id))
        .where(or_(Grant.ends_at.is_(None), Grant.ends_at > now))
    )
    themselves = grants.with_only_columns(Grant.staff_id).where(Grant.staff_id.is_not(None))
    teams = grants.with_only_columns(Grant.team_id).where(Grant.team_id.is_not(None))
    members = select(TeamMember.staff_id).where(TeamMember.team_id.in_(teams))
    everywhere = Staff.role.in_(_EVERY_ACCOUNT if action in _MANAGER else ())
    able = select(Staff).where(
        Staff.disabled_at.is_(None), or_(everywhere, Staff.id.in_(themselves), Staff.id.in_(members))
    )
    return able.where(not_(Staff.answers_reviewed)) if action is Action.ANSWER_APPROVE else able


def account_of(target: Any) -> int | None:
    """The account that a target belongs to, or None for what belongs to the organisation."""
    if isinstance(target, Account):
        return target.id
    if isinstance(target, int):
        return target
    return getattr(target, "account_id", None)


def conversation_of(target: Any) -> int | None:
    """The conversation that a target is or belongs to, if any."""
    return target.id if isinstance(target, Conversation) else getattr(target, "conversation_id", None)


def can(actor: Actor, action: Action, target: Any = None) -> bool:
    """Whether `actor` may do `action` on `target`: an Account, its id, anything with an
    `account_id`, or None for the organisation. A Post must be asked account by account."""
    if actor.kind == "system":
        return True
    if action is Action.SYSTEM or _is_kept_from(actor, action):
        return False
    if _is_out_of_scope(actor, action):
        return False
    if action in ORG_RIGHTS[OrgRole.OWNER] and target is None:
        return action in ORG_RIGHTS[actor.role]
    if action in _EXPERT and conversation_of(target) in actor.pool:
        return True
    account_id = account_of(target)
    if account_id is None:
        return action in ORG_RIGHTS[actor.role]
    if actor.sees_every_account:
        return action in _MANAGER
    return action in actor.accounts.get(account_id, frozenset())


def _is_out_of_scope(actor: Actor, action: Action) -> bool:
    """Whether a token's scopes leave this out, whatever its person may do."""
    return actor.scopes is not None and not any(action in SCOPES.get(s, frozenset()) for s in actor.scopes)


def _is_kept_from(actor: Actor, action: Action) -> bool:
    """Whoever's answers need a colleague's approval approves nobody's."""
    return action is Action.ANSWER_APPROVE and actor.is_reviewed


def require(actor: Actor, action: Action, target: Any = None) -> None:
    """Raises NotFound where the actor may not even know of the target, else NotAllowed."""
    if can(actor, action, target):
        return
    account_id = account_of(target)
    is_open = conversation_of(target) in actor.pool
    if account_id is not None and not is_open and not can(actor, Action.ACCOUNT_VIEW, account_id):
        raise NotFound("there is no such thing, or it is not yours to see")
    raise NotAllowed(say("you have no right to do this ({action})", action=action))


def visible_accounts(actor: Actor, action: Action = Action.ACCOUNT_VIEW) -> frozenset[int] | None:
    """Ids of the accounts on which `actor` may do `action`; None means all of them."""
    if _is_kept_from(actor, action):
        return frozenset()
    if _is_out_of_scope(actor, action):
        return frozenset()
    if actor.sees_every_account:
        return None
    return frozenset(a for a, actions in actor.accounts.items() if action in actions)


def require_somewhere(actor: Actor, action: Action) -> None:
    """Raises NotAllowed for who may do `action` on no account at all."""
    if visible_accounts(actor, action) == frozenset():
        require(actor, action)


def visible(
    actor: Actor, column: InstrumentedAttribute[Any] | ColumnElement[Any], action: Action = Action.ACCOUNT_VIEW
) -> ColumnElement[bool]:
    """The WHERE clause that leaves only rows whose account `column` the actor may see."""
    accounts = visible_accounts(actor, action)
    if accounts is None:
        return true()
    return column.in_(sorted(accounts)) if accounts else false()


def visible_conversations(
    actor: Actor,
    account: InstrumentedAttribute[Any] | ColumnElement[Any],
    conversation: InstrumentedAttribute[Any] | ColumnElement[Any],
) -> ColumnElement[bool]:
    """The WHERE clause that leaves only what the actor may read: by its account, or because it
    belongs to a question that is open to them as an expert."""
    by_account = visible(actor, account, Action.CONVERSATION_VIEW)
    if not actor.pool or _is_out_of_scope(actor, Action.CONVERSATION_VIEW):
        return by_account
    return or_(by_account, conversation.in_(sorted(actor.pool)))


def account_column(model: type[Any]) -> InstrumentedAttribute[Any]:
    """The column that tells a model's account."""
    if model is Account:
        return Account.id
    if model in (Conversation, Delivery):
        column: InstrumentedAttribute[Any] = model.account_id
        return column
    raise TypeError(f"{model.__name__} has no account of its own")


def require_for_post(actor: Actor, action: Action, post: Post) -> None:
    """`require` on every account that the post is for; a draft for none belongs to its author."""
    targets = [t.account_id for t in post.targets]
    for account_id in targets:
        require(actor, action, account_id)
    if not targets and actor.staff_id != post.author_id and not actor.sees_every_account:
        raise NotFound("there is no such post, or it is not yours to see")


def can_for_post(actor: Actor, action: Action, post: Post) -> bool:
    """Whether `require_for_post` lets the actor pass."""
    if not post.targets:
        return actor.staff_id == post.author_id or actor.sees_every_account
    return all(can(actor, action, t.account_id) for t in post.targets)
