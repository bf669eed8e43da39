"""Accounts that are known before they are connected: an imported configuration names them,
their secrets come with the connection."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from guichet import audit, live
from guichet.accounts import rules
from guichet.accounts.connecting import require_connect
from guichet.models import Account, Brand
from guichet.policy import Actor

WAITS = "its secrets were not in what was imported: connect it"


def register_account(
    session: Session,
    actor: Actor,
    brand: Brand,
    *,
    network: str,
    base_url: str,
    remote_id: str,
    handle: str,
    name: str,
    time_zone: str,
    is_rehearsal: bool,
    now: datetime,
) -> Account:
    """Know an account that has no secrets yet: nothing is read or sent until it is connected,
    which must come back as this very account. Raises Invalid for a zone that is none."""
    require_connect(session, actor, brand, now)
    rules.require_time_zone(time_zone)
    account = Account(
        brand_id=brand.id, network=network, base_url=base_url, remote_id=remote_id, handle=handle, name=name,
        time_zone=time_zone, is_rehearsal=is_rehearsal, state="needs_reconnect", state_reason=WAITS,
        webhook_secret=secrets.token_urlsafe(24), connected_by=actor.staff_id, created_at=now,
    )  # fmt: skip
    session.add(account)
    session.flush()
    audit.record(session, actor, "account.register", account, now, network=network)
    live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)
    return account
