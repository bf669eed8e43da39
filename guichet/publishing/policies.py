"""What a brand's policy asks before its posts go out, and on which accounts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.errors import Invalid
from guichet.models import Account, ApprovalPolicy, Brand, Staff, Team
from guichet.policy import Action, Actor, require
from guichet.publishing.steps import OPEN_STEP, Step, require_good_steps, step_of

ACCOUNT_RULES = ("as_brand", "none", "four_eyes")


@dataclass(frozen=True)
class Policy:
    """How a brand's posts are approved. `accounts`: by id, where it is otherwise than the
    brand says (none: needs no approval; four_eyes: always that of a second person)."""

    steps: tuple[Step, ...] = ()
    authors_may_approve: bool = False
    binds_time: bool = False

    @property
    def asked(self) -> tuple[Step, ...]:
        """The steps that are gone through: at least one."""
        return self.steps or (OPEN_STEP,)


def find_policy(session: Session, brand_id: int) -> Policy:
    """The brand's policy; where none was written, one step for anybody who may approve."""
    row = session.get(ApprovalPolicy, brand_id)
    if row is None:
        return Policy()
    return Policy(tuple(step_of(s) for s in row.steps), row.authors_may_approve, row.binds_time)


def asks_on(account: Account) -> bool:
    """Whether nothing goes out on this account without an approval."""
    return account.approval == "four_eyes" or (account.approval == "as_brand" and account.brand.needs_approval)


def get_policy(session: Session, actor: Actor, brand: Brand) -> tuple[Policy, dict[int, str]]:
    """The policy, and the rule of each of the brand's accounts. For who manages brands."""
    require(actor, Action.BRAND_MANAGE)
    rules = session.execute(select(Account.id, Account.approval).where(Account.brand_id == brand.id)).tuples()
    return find_policy(session, brand.id), dict(rules.all())


def set_policy(
    session: Session, actor: Actor, brand: Brand, policy: Policy, accounts: dict[int, str], now: datetime
) -> None:
    """Write the policy; `accounts` changes single accounts' rules. What waits already goes on
    under the steps that it was asked with. Raises Invalid by field."""
    require(actor, Action.BRAND_MANAGE)
    require_good_steps(policy.steps)
    _require_known(session, policy.steps)
    own = {a.id: a for a in session.scalars(select(Account).where(Account.brand_id == brand.id))}
    for account_id, rule in accounts.items():
        if account_id not in own:
            raise Invalid("this account is not of the brand", {f"accounts.{account_id}": "is not of this brand"})
        if rule not in ACCOUNT_RULES:
            wrong = say("must be one of {choices}", choices=", ".join(ACCOUNT_RULES))
            raise Invalid("this cannot be asked of an account", {f"accounts.{account_id}": wrong})
        own[account_id].approval = rule
    row = session.get(ApprovalPolicy, brand.id)
    if row is None:
        row = ApprovalPolicy(brand_id=brand.id)
        session.add(row)
    row.steps = [step.plain() for step in policy.steps]
    row.authors_may_approve, row.binds_time, row.updated_at = policy.authors_may_approve, policy.binds_time, now
    session.flush()
    audit.record(
        session, actor, "approval.policy", brand, now, steps=len(policy.steps), own_words=policy.authors_may_approve,
        accounts=sorted(accounts),
    )  # fmt: skip


def _require_known(session: Session, steps: Sequence[Step]) -> None:
    people = {i for s in steps for i in (*s.staff, *s.deputies)}
    teams = {i for s in steps for i in s.teams}
    there = set(session.scalars(select(Staff.id).where(Staff.id.in_(people)))) if people else set()
    known = set(session.scalars(select(Team.id).where(Team.id.in_(teams)))) if teams else set()
    wrong: dict[str, str] = {}
    for n, step in enumerate(steps):
        for field, ids, found in (
            ("staff", step.staff, there), ("deputies", step.deputies, there), ("teams", step.teams, known),
        ):  # fmt: skip
            if gone := _first_missing(ids, found):
                wrong[f"steps.{n}.{field}"] = say("{id} is not there", id=gone)
    if wrong:
        raise Invalid("these steps name somebody who is not there", wrong)


def _first_missing(ids: Sequence[int], found: Collection[int]) -> int | None:
    return next((i for i in ids if i not in found), None)
