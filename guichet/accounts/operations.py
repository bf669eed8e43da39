"""Accounts: connecting, keeping alive, letting go. Secrets are sealed before they touch a
row and opened only for the time of a call. No network is called here.

Brands and calendars stand in `guichet/accounts/brands.py`, the OAuth dance in
`guichet/accounts/connecting.py`; all are offered here.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import not_, select, update
from sqlalchemy.orm import Session

from channels.contract import AppKeys, Connected, Connection
from channels.errors import AuthExpired, ChannelError
from channels.sentences import say
from guichet import audit, live
from guichet.accounts import queries, rules
from guichet.accounts.brands import add_brand, add_calendar, change_brand, change_calendar
from guichet.accounts.connecting import begin_attempt, require_connect, take_attempt
from guichet.errors import Conflict, NotFound
from guichet.instance import is_unconfirmed
from guichet.models import Account, Brand, Credential, PollCursor
from guichet.policy import Action, Actor, require
from guichet.sealing import CannotUnseal, Sealed, Sealer

__all__ = [
    "RefreshClaim",
    "add_brand",
    "add_calendar",
    "begin_attempt",
    "change_account",
    "change_brand",
    "change_calendar",
    "claim_refresh",
    "connection_of",
    "disconnect",
    "note_check_failed",
    "note_checked",
    "note_failure",
    "note_refresh_refused",
    "note_success",
    "require_connect",
    "reseal_credentials",
    "save_connected",
    "store_refreshed",
    "take_attempt",
]


def connection_of(session: Session, sealer: Sealer, account: Account, app_keys: AppKeys) -> Connection:
    """All that an adapter needs to act as `account`, decrypted. For our own processes, right
    before a call; never stored, logged or shown.

    Raises NotFound where it was disconnected, CannotUnseal where the key is not here.
    """
    return Connection(
        network=account.network,
        remote_id=account.remote_id,
        handle=account.handle,
        base_url=account.base_url,
        secrets=_secrets_of(sealer, _credential_of(session, account)),
        settings=dict(account.settings),
        app=app_keys,
        account_id=account.id,
    )


def _credential_of(session: Session, account: Account) -> Credential:
    credential = session.get(Credential, account.id)
    if credential is None:
        raise NotFound(say("{handle} is not connected", handle=account.handle), code="not_connected")
    return credential


def _secrets_of(sealer: Sealer, credential: Credential) -> dict[str, str]:
    owner = rules.owner_of(credential.account_id, credential.version)
    return sealer.open(Sealed(credential.key_id, credential.sealed), owner)


def save_connected(
    session: Session,
    actor: Actor,
    sealer: Sealer,
    brand: Brand,
    network: str,
    connected: Connected,
    is_rehearsal: bool,
    now: datetime,
    account: Account | None = None,
) -> Account:
    """Keep what connecting gave. `account`: a reconnect, which must come back as that very
    account (Conflict). One that is known is taken up again, if it is of the same brand."""
    require_connect(session, actor, brand, now)
    if account is None:
        account = _find_known(session, network, connected)
        if account is not None and account.brand_id != brand.id:
            raise Conflict("this account already belongs to another brand", code="account_taken")
    else:
        rules.require_same(account, connected)
    if account is not None:
        _lock(session, account)  # what is just being noted of the old secrets comes first
    is_new = account is None
    if account is None:
        account = Account(
            brand_id=brand.id, network=network, base_url=connected.base_url, remote_id=connected.remote_id,
            time_zone=brand.time_zone, is_rehearsal=is_rehearsal, connected_by=actor.staff_id,
            webhook_secret=secrets.token_urlsafe(24), created_at=now,
        )  # fmt: skip
        session.add(account)
    _learn(account, connected, now)
    account.state, account.state_reason = "connected", ""
    session.flush()
    _keep_secrets(session, sealer, account, _reconnected(session, sealer, account, connected), connected, now)
    audit.record(session, actor, "account.connect" if is_new else "account.reconnect", account, now, network=network)
    live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)
    return account


def _find_known(session: Session, network: str, connected: Connected) -> Account | None:
    return session.scalar(
        select(Account).where(
            Account.network == network,
            Account.base_url == connected.base_url,
            Account.remote_id == connected.remote_id,
        )
    )


def _learn(account: Account, connected: Connected, now: datetime) -> None:
    account.handle = connected.handle
    account.name = connected.name or connected.handle
    account.avatar_url = connected.avatar_url
    account.settings = dict(connected.settings)
    account.checked_at = now
    account.last_error, account.last_error_at = "", None


def _reconnected(session: Session, sealer: Sealer, account: Account, connected: Connected) -> dict[str, str]:
    credential = session.get(Credential, account.id)
    if credential is None or all(connected.secrets.values()):
        return dict(connected.secrets)
    try:
        return rules.reconnected_secrets(_secrets_of(sealer, credential), connected.secrets)
    except CannotUnseal:  # its key is not here any more, which may be why it is connected anew
        return dict(connected.secrets)


def _keep_secrets(
    session: Session,
    sealer: Sealer,
    account: Account,
    values: dict[str, str],
    connected: Connected,
    now: datetime,
) -> None:
    credential = session.get(Credential, account.id)
    if credential is None:
        credential = Credential(account_id=account.id, version=0)
        session.add(credential)
    credential.version += 1
    sealed = sealer.seal(values, rules.owner_of(account.id, credential.version))
    credential.key_id, credential.sealed = sealed.key_id, sealed.data
    credential.expires_at, credential.refreshed_at = connected.expires_at, now
    credential.renews, credential.refresh_ends_at = connected.renews, connected.refresh_ends_at
    credential.refresh_claimed_until = credential.refused_at = None
    session.flush()


@dataclass(frozen=True)
class RefreshClaim:
    """The permission to renew the secrets that were kept at `kept_at`, and no others. (Not a
    version of the row: sealing anew changes that, and the secrets stay.)"""

    kept_at: datetime | None

    def is_for(self, credential: Credential | None) -> bool:
        return credential is not None and credential.refreshed_at == self.kept_at


def claim_refresh(session: Session, actor: Actor, account: Account, now: datetime) -> RefreshClaim | None:
    """Take the one permission to renew an account's secrets (two at once would end both). None:
    somebody else is at it. It lapses after two minutes, so
    that a network that is away is not asked more often than that."""
    require(actor, Action.SYSTEM)
    free = Credential.refresh_claimed_until.is_(None) | (Credential.refresh_claimed_until < now)
    taken = session.execute(
        update(Credential)
        .where(Credential.account_id == account.id, free, not_(is_unconfirmed()))  # a copy would end the original's
        .values(refresh_claimed_until=now + rules.REFRESH_CLAIM)
        .returning(Credential.refreshed_at)
    ).all()
    return RefreshClaim(taken[0][0]) if taken else None


def store_refreshed(
    session: Session,
    actor: Actor,
    sealer: Sealer,
    account: Account,
    connected: Connected | None,
    claim: RefreshClaim,
    now: datetime,
) -> bool:
    """Keep renewed secrets in place of those that were claimed; a good refresh token is never
    overwritten with nothing. None: there was nothing to renew, the claim is given back. False
    where there are others by now (connected anew meanwhile): those stand."""
    require(actor, Action.SYSTEM)
    credential = session.get(Credential, account.id, with_for_update=True)
    if credential is None or not claim.is_for(credential):
        return False
    if connected is None:
        credential.refresh_claimed_until = None
        return False
    rules.require_same(account, connected)
    kept = rules.merged_secrets(_secrets_of(sealer, credential), connected.secrets)
    _learn(account, connected, now)
    _keep_secrets(session, sealer, account, kept, connected, now)
    if account.state == "needs_reconnect":
        account.state, account.state_reason = "connected", ""
        live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)
    audit.record(session, actor, "account.refresh", account, now)
    return True


def note_refresh_refused(
    session: Session, actor: Actor, account: Account, error: AuthExpired, claim: RefreshClaim, now: datetime
) -> None:
    """The network gives no new secrets for those that were claimed. They hold until their own end, so
    until then the account goes on, and people are told; then it needs a person. Nothing follows
    where there are others by now: somebody else was faster, or connected it anew."""
    require(actor, Action.SYSTEM)
    credential = session.get(Credential, account.id, with_for_update=True)
    if credential is None or not claim.is_for(credential):
        return
    credential.refused_at = credential.refused_at or now
    if credential.expires_at is None or credential.expires_at <= now:
        _note_failure(session, actor, account, error, claim.kept_at, now)
        return
    account.last_error, account.last_error_at = error.detail, now
    audit.record(session, actor, "account.refresh_refused", account, now, code=error.code)
    live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)


def note_failure(
    session: Session, actor: Actor, account: Account, error: ChannelError, now: datetime, *,
    used: datetime | None, is_confirmed: bool = True,
) -> None:  # fmt: skip
    """What a call's failure means for the account: a sign-in that no longer holds needs a
    person, anything else is only noted, and so is a "no" that the network did not repeat
    (`is_confirmed` False). `used`: when the secrets were kept that the call was made with; a "no"
    to others than those that stand now (connected anew meanwhile) says nothing of these. A limit
    on reading parks nothing: it is the stream's, and must not hold up an answer."""
    require(actor, Action.SYSTEM)
    _note_failure(session, actor, account, error, used, now, is_confirmed)


def _note_failure(
    session: Session, actor: Actor, account: Account, error: ChannelError, used: datetime | None, now: datetime,
    is_confirmed: bool = True,
) -> None:  # fmt: skip
    if isinstance(error, AuthExpired):
        _lock(session, account)  # whoever connects it anew waits, or is done
        if queries.kept_at(session, account.id) != used:
            return
    account.last_error, account.last_error_at = error.detail, now
    if not is_confirmed:
        return
    if isinstance(error, AuthExpired) and not error.is_renewable and account.state == "connected":
        account.state, account.state_reason = "needs_reconnect", error.detail
        audit.record(session, actor, "account.expired", account, now, code=error.code)
        live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)


def note_success(
    session: Session, actor: Actor, account: Account, now: datetime, *, streams: Sequence[str] = ()
) -> None:
    """A call went well: what was noted before is over, but for what still fails of `streams`,
    those that are read: an account is as well as the worst of them."""
    require(actor, Action.SYSTEM)
    failing = (
        select(PollCursor.last_error)
        .where(PollCursor.account_id == account.id, PollCursor.stream.in_(streams), PollCursor.failures > 0)
        .order_by(PollCursor.failures.desc(), PollCursor.stream)
    )
    account.last_error = session.scalars(failing.limit(1)).first() or ""
    account.last_error_at = (account.last_error_at or now) if account.last_error else None
    if account.state == "needs_reconnect":
        account.state, account.state_reason = "connected", ""
        live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)


def note_checked(session: Session, actor: Actor, account: Account, connected: Connected, now: datetime) -> None:
    """The network said who we are: fresh names and limits. That a stream cannot be read is
    another matter, which still stands."""
    require(actor, Action.ACCOUNT_VIEW, account)
    rules.require_same(account, connected)
    noted, noted_at = account.last_error, account.last_error_at
    _learn(account, connected, now)
    failing = select(PollCursor.account_id).where(
        PollCursor.account_id == account.id, PollCursor.failures > 0, PollCursor.last_error == noted
    )
    if noted and session.scalar(failing.limit(1)) is not None:
        account.last_error, account.last_error_at = noted, noted_at
    if account.state == "needs_reconnect":
        account.state, account.state_reason = "connected", ""
    live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)


def note_check_failed(
    session: Session, actor: Actor, account: Account, error: ChannelError, now: datetime, *,
    used: datetime | None, is_confirmed: bool = True,
) -> None:  # fmt: skip
    """A check went wrong: noted as any other failure."""
    require(actor, Action.ACCOUNT_VIEW, account)
    _note_failure(session, actor, account, error, used, now, is_confirmed)


def change_account(session: Session, actor: Actor, account: Account, changes: dict[str, Any], now: datetime) -> None:
    """Change time zone, brand, how posts are spaced or whether its timeline is compared; to
    another brand only who may connect accounts there."""
    require(actor, Action.ACCOUNT_MANAGE, account)
    for name in ("min_gap_minutes", "duplicate_days", "clash_policy", "compares"):
        setattr(account, name, changes.get(name, getattr(account, name)))
    if "time_zone" in changes:
        rules.require_time_zone(changes["time_zone"])
        account.time_zone = changes["time_zone"]
    if "brand_id" in changes:
        brand = queries.get_brand(session, actor, changes["brand_id"])
        require_connect(session, actor, brand, now)
        account.brand_id = brand.id
    audit.record(session, actor, "account.change", account, now, fields=sorted(changes))
    live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)


def disconnect(session: Session, actor: Actor, account: Account, now: datetime) -> None:
    """Forget the secrets. What was said stays; what is scheduled will need a person."""
    require(actor, Action.ACCOUNT_MANAGE, account)
    credential = session.get(Credential, account.id)
    if credential is not None:
        session.delete(credential)
    account.state, account.state_reason = "disconnected", ""
    audit.record(session, actor, "account.disconnect", account, now)
    live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)


def reseal_credentials(session: Session, actor: Actor, sealer: Sealer, limit: int = 100) -> int:
    """Seal up to `limit` credentials anew with the first key; returns how many were. Called
    until it returns 0, while everything runs."""
    require(actor, Action.SYSTEM)
    old = session.scalars(select(Credential).where(Credential.key_id != sealer.current).limit(limit)).all()
    for credential in old:
        values = _secrets_of(sealer, credential)
        credential.version += 1
        sealed = sealer.seal(values, rules.owner_of(credential.account_id, credential.version))
        credential.key_id, credential.sealed = sealed.key_id, sealed.data
    session.flush()
    return len(old)


def _lock(session: Session, account: Account) -> None:
    """Wait for whoever is changing the account, and see it as they left it. The row alone: what is
    read together with it (an outer join) PostgreSQL does not lock."""
    session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    session.refresh(account)
