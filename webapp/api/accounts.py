"""Accounts: what there is, how it stands, changing and letting go. Connecting is next door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.errors import ChannelError
from guichet.accounts import operations, queries
from guichet.comparing import queries as comparing
from guichet.errors import Conflict
from guichet.metering import queries as metering
from guichet.models import Account as AccountRow
from guichet.models import Delivery
from guichet.policy import ACCOUNT_RIGHTS, SYSTEM, AccountRole, Actor
from guichet.receiving import ingest, refusals
from webapp.api import briefs
from webapp.api.networks import cost_of, media_limits, text_limits
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.accounts import (
    Account,
    AccountChange,
    AccountHealth,
    AccountQuery,
    GapSeen,
    RefusedDeliveries,
    SignIn,
    StreamHealth,
)
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.comparing import Comparison
from webapp.api.usage import show_spending
from webapp.asking import Asked, Room

room = Room("accounts")


@room.get("/accounts", Page[Account])
def list_accounts(asked: Asked, query: AccountQuery) -> Page[Account]:
    """The accounts one may see."""
    rows = queries.list_accounts(
        asked.session, asked.actor, brand_id=query.brand_id, network=query.network, after=after(query.cursor),
        limit=query.limit + 1,
    )  # fmt: skip
    show = Shower(asked, asked.session, rows)
    return page_by_id(rows, query.limit, show)


@room.get("/accounts/<int:id>", Account)
def get_account(asked: Asked, path: IdPath) -> Account:
    """One account."""
    row = queries.get_account(asked.session, asked.actor, path.id)
    return Shower(asked, asked.session, [row])(row)


@room.get("/accounts/<int:id>/health", AccountHealth)
def get_account_health(asked: Asked, path: IdPath) -> AccountHealth:
    """How far it has been read, what waits to be understood, what waits to go out."""
    session, actor = asked.session, asked.actor
    row = queries.get_account(session, actor, path.id)
    due = select(func.min(Delivery.not_before)).where(
        Delivery.account_id == row.id, Delivery.state.in_(("due", "claimed"))
    )
    return AccountHealth(
        account=Shower(asked, session, [row])(row),
        streams=[
            StreamHealth(
                stream=s.stream, polled_at=s.polled_at, next_poll_at=s.next_poll_at, failures=s.failures,
                last_error=s.last_error, gap_since=s.gap_since, gap_until=s.gap_until, gap_reason=s.gap_reason,
            )
            for s in queries.streams_of(session, actor, row)
        ],
        refused=[
            RefusedDeliveries(kind=one.kind, n=one.n, last_at=one.last_at)
            for one in refusals.list_refused(session, actor, row, asked.now)
        ],
        waiting_items=queries.count_items(session, actor, row, "waiting"),
        dead_letters=queries.count_items(session, actor, row, "dead"),
        oldest_due_at=session.scalar(due),
        comparison=_comparison(session, row),
    )  # fmt: skip


@room.post("/accounts/<int:id>/gap/seen", Done, scope="manage")
def see_gap(asked: Asked, path: IdPath, body: GapSeen) -> Done:
    """One has seen what could not be read of a stream, and from when to when: the notice goes, the
    log keeps it."""
    account = queries.get_account(asked.session, asked.actor, path.id)
    ingest.forget_gap(asked.session, asked.actor, account, body.stream, asked.now)
    return Done()


def _comparison(session: Session, row: AccountRow) -> Comparison:
    last = comparing.find_comparison(session, row)
    return Comparison(
        is_on=row.compares,
        compared_at=last.compared_at if last else None,
        through=last.through if last else None,
        next_at=last.next_at if last else None,
        read=last.read if last else 0,
        result=last.result if last else "",
        error=last.error if last else "",
        discrepancies=comparing.count_open(session, row),
    )


@room.patch("/accounts/<int:id>", Account, scope="manage")
def change_account(asked: Asked, path: IdPath, body: AccountChange) -> Account:
    """Change its time zone or brand, how its posts are spaced, whether its timeline is compared."""
    row = queries.get_account(asked.session, asked.actor, path.id)
    changes = body.model_dump(exclude_none=True)
    operations.change_account(asked.session, asked.actor, row, changes, asked.now)
    asked.session.flush()
    asked.session.refresh(row)
    return Shower(asked, asked.session, [row])(row)


@room.post("/accounts/<int:id>/disconnect", Account, scope="manage")
def disconnect_account(asked: Asked, path: IdPath) -> Account:
    """Forget how to act as it; what was said stays."""
    row = queries.get_account(asked.session, asked.actor, path.id)
    operations.disconnect(asked.session, asked.actor, row, asked.now)
    asked.session.flush()
    return Shower(asked, asked.session, [row])(row)


@room.post("/accounts/<int:id>/check", Account, scope="manage", own_units=True)
def check_account(asked: Asked, path: IdPath) -> Account:
    """Ask the network now who we are there, and what it allows."""
    runtime = asked.runtime
    with runtime.reading() as session:
        row = queries.get_account(session, asked.actor, path.id)
        if row.state == "disconnected":
            raise Conflict("it is not connected", code="not_connected")
        keys = asked.networks.keys_for(row.network, row.is_rehearsal)
        used = queries.kept_at(session, row.id)
        connection = operations.connection_of(session, runtime.sealer, row, keys)
    error: ChannelError | None = None
    try:
        connected = asked.networks.connector(row.network, row.is_rehearsal, connection).check(connection)
    except ChannelError as e:
        error = e
    with asked.open_unit() as session:
        row = queries.get_account(session, asked.actor, path.id)
        if error is not None:
            operations.note_check_failed(session, asked.actor, row, error, asked.now, used=used)
        else:
            operations.note_checked(session, asked.actor, row, connected, asked.now)
        session.flush()
        return Shower(asked, session, [row])(row)


class Shower:
    """Shows accounts, with what stands in other tables read once for all of them."""

    def __init__(self, asked: Asked, session: Session, rows: Sequence[AccountRow]) -> None:
        ids = [row.id for row in rows]
        self._asked = asked
        self._read = queries.last_read(session, ids)
        self._sent = queries.last_sent(session, ids)
        self._sign_ins = queries.sign_ins(session, ids, asked.now)
        self._spendings = metering.spendings(session, rows, asked.networks.specs(), asked.now)
        self._waits = metering.posts_wait_until(session, rows, asked.now)

    def __call__(self, row: AccountRow) -> Account:
        spec, held = self._asked.spec(row.network), self._sign_ins.get(row.id)
        limits = spec.limits_for(row.settings)
        return Account(
            **briefs.account(row).model_dump(),
            brand=briefs.brand(row.brand),
            state=row.state,
            trouble=_trouble(row),
            avatar_url=row.avatar_url or None,
            base_url=row.base_url,
            time_zone=row.time_zone,
            is_rehearsal=row.is_rehearsal,
            parked_until=_later(row.parked_until, self._waits.get(row.id)),
            checked_at=row.checked_at,
            last_read_at=self._read.get(row.id),
            last_sent_at=self._sent.get(row.id),
            expires_at=held.expires_at if held else None,
            sign_in=_sign_in(held),
            spending=show_spending(self._spendings.get(row.id)),
            role=role_on(self._asked.actor, row.id),
            text=text_limits(limits),
            media=media_limits(limits),
            cost=cost_of(spec),
            recovery=spec.recovery_for(row.settings).value,
            can_delete=spec.can_delete,
            card=spec.card,
            mentions=spec.mentions.example if spec.mentions else "",
            can_edit=spec.can_edit,
            min_gap_minutes=row.min_gap_minutes,
            duplicate_days=row.duplicate_days,
            clash_policy="refuse" if row.clash_policy == "refuse" else "warn",
        )


def _sign_in(held: queries.SignIn | None) -> SignIn | None:
    if held is None:
        return None
    return SignIn(ends_at=held.ends_at, is_ending=held.is_ending, is_refused=held.is_refused)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _trouble(row: AccountRow) -> str | None:
    if row.state == "connected":
        return row.last_error or row.parked_reason or None
    return row.state_reason or None


def role_on(actor: Actor, account_id: int) -> AccountRole | None:
    """The strongest role whose rights the actor holds on an account."""
    if actor.sees_every_account or actor == SYSTEM:
        return AccountRole.MANAGER
    held = actor.accounts.get(account_id, frozenset())
    return next((role for role in reversed(AccountRole) if ACCOUNT_RIGHTS[role] <= held), None)
