"""What stands before a post on each account, besides what the network would refuse: what it
costs, what is left of limits, what may hold it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from guichet.accounts import queries as accounts
from guichet.accounts.queries import SignIn
from guichet.delivery.materials import Made
from guichet.metering import queries as metering
from guichet.metering import rules
from guichet.metering.queries import Allowance, Spending
from guichet.models import Account
from guichet.publishing.framing import is_only_cut
from guichet.publishing.rules import AccountCheck, Content
from webapp.api.media import show_rendition
from webapp.api.schemas.files import FilmFacts
from webapp.api.schemas.preflight import PreflightAccount, RenditionUsed, SendWarning
from webapp.api.showing_posts import show_problems
from webapp.api.usage import show_quota, show_spending
from webapp.asking import Asked

_CAUTION = 1.5  # times as long as is guessed that a film takes


def show_checks(
    asked: Asked, checks: Sequence[AccountCheck], rows: Mapping[int, Account], due_at: datetime | None
) -> list[PreflightAccount]:
    """Each account's check with its prospects; `due_at` None: now."""
    session, at = asked.session, due_at or asked.now
    sign_ins = accounts.sign_ins(session, list(rows), asked.now)
    spendings = metering.spendings(session, rows.values(), asked.networks.specs(), asked.now)
    shown = []
    for check in checks:
        row = rows[check.account_id]
        found = metering.list_allowances(session, asked.actor, row, asked.spec(row.network), asked.now)
        allowances = [a for a in found if a.posts is not None]
        spending = spendings.get(row.id)
        shown.append(
            PreflightAccount(
                account_id=check.account_id,
                surface=check.surface.value,
                counts=list(check.counts),
                max_length=check.max_length,
                unit=check.unit,
                problems=show_problems(check.problems),
                notices=show_problems(check.notices),
                cost=check.cost.amount if check.cost else 0.0,
                currency=check.cost.currency if check.cost else "",
                quotas=[show_quota(a) for a in allowances],
                spending=show_spending(spending),
                warnings=_warnings(check, sign_ins.get(row.id), allowances, spending, at, asked.now),
            )
        )
    return shown


def show_renditions(plain: Content, fitted: Content, made: Made, now: datetime) -> list[RenditionUsed]:
    """The files of which the account gets something else than what was uploaded."""
    by_key = {row.storage_key: row for row in made.values()}
    return [
        RenditionUsed(item=n, index=at, was_mime=before.mime, was_size=before.size,
                      was_width=before.width, was_height=before.height,
                      because="cut" if is_only_cut(row.recipe) else "refused",
                      was_film=FilmFacts(**before.film) if before.film else None,
                      **show_rendition(row, now).model_dump())
        for n, (old, new) in enumerate(zip(plain.parts, fitted.parts, strict=True))
        for at, (before, after) in enumerate(zip(old.media, new.media, strict=True))
        if before.storage_key != after.storage_key
        for row in (by_key[after.storage_key],)
    ]  # fmt: skip


def may_come_late(shown: Sequence[RenditionUsed], due_at: datetime | None, now: datetime) -> bool:
    """Whether a film that is being made may not be there when it is due (None: now)."""
    left = [one.making.seconds_left or 0 for one in shown if one.making is not None]
    return bool(left) and now + timedelta(seconds=max(left) * _CAUTION) >= (due_at or now)


def _warnings(
    check: AccountCheck,
    sign_in: SignIn | None,
    allowances: Sequence[Allowance],
    spending: Spending | None,
    at: datetime,
    now: datetime,
) -> list[SendWarning]:
    found: list[SendWarning] = []
    if sign_in is not None and sign_in.ends_at is not None and sign_in.ends_at <= at:
        found.append("sign_in_ends")
    for allowance in allowances:
        ends_at = allowance.reset_at or now + timedelta(seconds=allowance.quota.seconds)
        if rules.may_wait(len(check.counts) * allowance.cost, allowance.remaining, ends_at, at):
            found.append("quota_used_up")
            break
    if spending is not None and rules.month_of(at) == rules.month_of(now):
        cost = rules.micros_of(check.cost.amount) if check.cost else 0
        money = rules.money_warning(spending.spent, spending.limit, cost)
        if money:
            found.append(money)
    return found
