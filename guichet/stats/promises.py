"""How promises were kept, by brand and policy. A promise belongs to the day on which its wait began;
every figure says which waits it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from guichet.models import Account, Brand, Promise, PromisePolicy, Wait
from guichet.policy import Actor
from guichet.promises.rules import KINDS
from guichet.stats.queries import bounded
from guichet.stats.scope import PROMISES, WaitFilter, became_of, matching


@dataclass(frozen=True)
class Kept:
    """What one policy promised one brand's customers, by kind (first, next, resolution). `running`
    are open and not late; those that did not count (spam, no answer needed) are in no figure."""

    brand_id: int
    brand: str
    policy_id: int
    policy: str
    kind: str
    kept: int
    broken: int
    running: int
    waits: WaitFilter

    def waits_that(self, promise: str) -> WaitFilter:
        """Those behind one of the three figures."""
        return replace(self.waits, promise=promise)


def kept_promises(session: Session, actor: Actor, scope: WaitFilter) -> Sequence[Kept]:
    """By brand and policy, in order of trial. Raises Invalid (fields since, until)."""
    scope = bounded(scope)
    fates = became_of(session)
    sums = [func.sum(case((fates[name], 1), else_=0)) for name in PROMISES]
    found = session.execute(
        select(Brand.id, Brand.name, PromisePolicy.id, PromisePolicy.name, Promise.kind, *sums)
        .select_from(Wait)
        .join(Promise, Promise.wait_id == Wait.id)
        .join(PromisePolicy, PromisePolicy.id == Promise.policy_id)
        .join(Account, Account.id == Wait.account_id)
        .join(Brand, Brand.id == Account.brand_id)
        .where(*matching(session, actor, scope))
        .group_by(Brand.id, Brand.name, PromisePolicy.id, PromisePolicy.name, PromisePolicy.position, Promise.kind)
        .order_by(Brand.name, PromisePolicy.position, PromisePolicy.id)
    ).all()
    rows = [
        Kept(
            brand_id, brand, policy_id, policy, kind, kept, broken, running,
            waits=replace(scope, brand_id=brand_id, policy_id=policy_id, promise_kind=kind),
        )
        for brand_id, brand, policy_id, policy, kind, kept, broken, running in found
        if kept or broken or running
    ]  # fmt: skip
    return sorted(rows, key=lambda r: (r.brand, KINDS.index(r.kind)))
