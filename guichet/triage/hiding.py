"""Hiding at the network because a rule says so: the same act as a person's, with its state and its
undo, but so many in an hour on an account at most. Beyond that a person looks: the message waits
as any other does, and those who lead are told once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from guichet import audit
from guichet.delivery.states import State
from guichet.errors import NotAllowed
from guichet.inbox import acting, notices
from guichet.inbox.changes import changing
from guichet.models import Account, AuditEntry, Conversation, Delivery, Message, Rule, Staff, TeamMember
from guichet.policy import Action, Actor, can, load_actor, require
from guichet.triage.rules import Hiding

SPAN = timedelta(hours=1)
_STOPPED = "rule.hiding_stopped"


def require_right(session: Session, actor: Actor, brand_id: int | None) -> None:
    """A rule hides in the right of who lets it: they must be able to do it by hand wherever it
    will. Where there is no account yet, only who may do so on any. Raises NotAllowed."""
    accounts = select(Account)
    if brand_id is not None:
        accounts = accounts.where(Account.brand_id == brand_id)
    concerned = session.scalars(accounts).all()
    is_able = all(can(actor, acting.right_to("hide"), account) for account in concerned)
    is_able = is_able and (bool(concerned) or actor.sees_every_account)
    if not is_able or actor.is_reviewed:
        raise NotAllowed("hiding by a rule takes the right to publish on every account that it concerns")


def hide(
    session: Session,
    actor: Actor,
    message: Message,
    hiding: Hiding,
    spec_of: Callable[[str], ChannelSpec],
    now: datetime,
) -> None:
    """Ask the network to hide it, unless it cannot be hidden there or the hour is full."""
    require(actor, Action.SYSTEM)
    account = session.get_one(Account, message.account_id)
    spec = spec_of(account.network)
    if not acting.can_hide(message, spec):
        return
    is_let = _is_let(session, hiding.rule_id, account, now)
    # Two that count at the same time would each find room for the last one.
    session.execute(select(Account.id).where(Account.id == account.id).with_for_update(key_share=True))
    conversation = session.get_one(Conversation, message.conversation_id)
    if is_let and _hidden_lately(session, account.id, now) < hiding.most:
        acting.act(session, actor, conversation, message.id, "hide", spec, now, rule_id=hiding.rule_id)
    elif not _was_told(session, account.id, now):
        with changing(session, actor, conversation, now, "message") as change:
            change.rule_id = hiding.rule_id
            audit.record(
                session, actor, _STOPPED, account, now, rule_id=hiding.rule_id, most=hiding.most, is_let=is_let
            )
            notices.tell(change, "hiding_stopped", _whom(session, conversation, hiding.rule_id), message)


def _is_let(session: Session, rule_id: int, account: Account, now: datetime) -> bool:
    """Whether who let the rule do so last, by making, changing or switching it on, still may: a right
    that ended ends what is done in it. What the installation itself set up needs nobody's."""
    written = AuditEntry.action.in_(("rule.create", "rule.change", "rule.switch"))
    of_rule = AuditEntry.target_kind == "rule", AuditEntry.target_id == rule_id, written
    entries = session.scalars(select(AuditEntry).where(*of_rule).order_by(AuditEntry.id.desc()))
    last = next((e for e in entries if e.action != "rule.switch" or e.data.get("is_on")), None)
    by = last.actor_id if last is not None else session.get_one(Rule, rule_id).created_by
    staff = session.get(Staff, by) if by is not None else None
    if staff is None:
        return by is None
    actor = load_actor(session, staff, now) if staff.disabled_at is None else None
    return actor is not None and can(actor, acting.right_to("hide"), account) and not actor.is_reviewed


def _hidden_lately(session: Session, account_id: int, now: datetime) -> int:
    """What rules hid: by nobody. (`not_before` is never earlier, and has an index.)"""
    by_rules = select(func.count()).where(
        Delivery.account_id == account_id, Delivery.state.in_(tuple(State)), Delivery.not_before > now - SPAN,
        Delivery.kind == "hide", Delivery.actor_id.is_(None), Delivery.created_at > now - SPAN,
    )  # fmt: skip
    return session.scalar(by_rules) or 0


def _was_told(session: Session, account_id: int, now: datetime) -> bool:
    told = select(AuditEntry.id).where(
        AuditEntry.target_kind == "account", AuditEntry.target_id == account_id, AuditEntry.action == _STOPPED,
        AuditEntry.at > now - SPAN,
    )  # fmt: skip
    return session.scalars(told.limit(1)).first() is not None


def _whom(session: Session, conversation: Conversation, rule_id: int) -> Sequence[int]:
    """Who leads the team that has it, or any team; and whose rule it is. `notices.tell` leaves
    out who may not read it."""
    leads = select(TeamMember.staff_id).where(TeamMember.is_lead)
    if conversation.team_id is not None:
        leads = leads.where(TeamMember.team_id == conversation.team_id)
    author = session.get_one(Rule, rule_id).created_by
    return sorted({*session.scalars(leads), *([author] if author is not None else [])})
