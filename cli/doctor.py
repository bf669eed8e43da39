"""Examines what an installation stands on, one finding for each thing that can be wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from channels.email.house import house_of
from channels.errors import ChannelError
from channels.networks import open_networks
from guichet.db.dialect import is_sqlite
from guichet.filming import queue as films
from guichet.models import Account, AlertHook, AlertPolicy, Credential, Delivery, RawItem
from guichet.policy import SYSTEM
from guichet.receiving import refusals
from guichet.runtime import Runtime

_LEAST_DISK = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    check: str
    is_good: bool
    words: str


def examine(runtime: Runtime) -> list[Finding]:
    """All findings; a check that cannot be made is a bad one."""
    checks: dict[str, Callable[[Runtime], Finding]] = {
        "database": _database,
        "pooler": _pooler,
        "redis": _redis,
        "keys": _keys,
        "accounts": _accounts,
        "queue": _queue,
        "films": _films,
        "receiving": _receiving,
        "webhooks": _webhooks,
        "dead letters": _dead_letters,
        "disk": _disk,
        "mail": _mail,
        "data folder": _data_folder,
    }
    findings = []
    for name, check in checks.items():
        try:
            findings.append(check(runtime))
        except (SQLAlchemyError, RedisError, OSError) as e:
            findings.append(Finding(name, False, f"cannot be examined: {type(e).__name__}"))
    return findings


def _database(runtime: Runtime) -> Finding:
    with runtime.reading() as session:
        session.execute(text("SELECT 1"))
    return Finding("database", True, f"{runtime.engine.dialect.name}, schema up to date")


def _pooler(runtime: Runtime) -> Finding:
    """A transaction-mode pooler hands each transaction another session, and a worker's
    life lock, which belongs to a session, would be lost."""
    if is_sqlite(runtime.engine):
        return Finding("pooler", True, "not needed on SQLite")
    with runtime.engine.connect() as c:
        pids = set()
        for _ in range(5):
            pids.add(c.execute(text("SELECT pg_backend_pid()")).scalar_one())
            c.commit()
    if len(pids) > 1:
        return Finding("pooler", False, "a transaction-mode pooler stands before the database; workers need it direct")
    return Finding("pooler", True, "connections are direct or pooled by session")


def _redis(runtime: Runtime) -> Finding:
    policy = runtime.redis.config_get("maxmemory-policy").get("maxmemory-policy", "")
    if policy not in ("noeviction", ""):
        return Finding("redis", False, f"maxmemory-policy is {policy}: wake-ups may be evicted; set noeviction")
    return Finding("redis", True, "answers")


def _keys(runtime: Runtime) -> Finding:
    known = {key_id for key_id, _ in runtime.settings.secret_keys}
    with runtime.reading() as session:
        used = set(session.scalars(select(Credential.key_id).distinct()))
        used |= set(session.scalars(select(AlertHook.key_id).where(AlertHook.removed_at.is_(None))))
    missing = used - known
    if missing:
        return Finding(
            "keys", False, f"credentials are sealed with keys that are not here: {', '.join(sorted(missing))}"
        )
    old = used - {runtime.sealer.current}
    return Finding(
        "keys", True, f"run `guichet keys rotate`: {', '.join(sorted(old))} still in use" if old else "current"
    )


def _accounts(runtime: Runtime) -> Finding:
    with runtime.reading() as session:
        broken = session.scalars(select(Account.handle).where(Account.state == "needs_reconnect")).all()
        total = session.scalar(select(func.count()).select_from(Account)) or 0
    if broken:
        return Finding("accounts", False, f"need to be reconnected: {', '.join(broken)}")
    return Finding("accounts", True, f"{total} connected")


def _queue(runtime: Runtime) -> Finding:
    """Health is the age of the oldest due row, not that a process is up."""
    with runtime.reading() as session:
        oldest = session.scalar(select(func.min(Delivery.not_before)).where(Delivery.state.in_(("due", "claimed"))))
        waiting = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == "needs_human")) or 0
    age = (runtime.now() - oldest).total_seconds() if oldest else 0.0
    if age > 120:
        return Finding("queue", False, f"something has been due for {age:.0f} s; is a send worker running?")
    return Finding("queue", True, f"nothing is overdue; {waiting} deliveries need a person")


def _films(runtime: Runtime) -> Finding:
    """Health is the age of the oldest film that nobody makes. One that was put off (a full disk)
    says so itself; what is being made may take an hour."""
    with runtime.reading() as session:
        now = runtime.now()
        oldest = films.find_idle_since(session, SYSTEM, now)
    age = (now - oldest).total_seconds() if oldest else 0.0
    if age > 120:
        return Finding("films", False, f"a film has waited for {age:.0f} s to be made; is a films worker running?")
    return Finding("films", True, "none waits to be made")


def _receiving(runtime: Runtime) -> Finding:
    """Health is the age of the oldest item that nobody has understood."""
    with runtime.reading() as session:
        oldest = session.scalar(select(func.min(RawItem.received_at)).where(RawItem.state == "waiting"))
    age = (runtime.now() - oldest).total_seconds() if oldest else 0.0
    if age > 120:
        return Finding("receiving", False, f"something has waited for {age:.0f} s; is a receive worker running?")
    return Finding("receiving", True, "what came in is understood")


def _webhooks(runtime: Runtime) -> Finding:
    """A day on which everything that came was forged: as a rule it is our keys that are wrong."""
    with runtime.reading() as session:
        now = runtime.now()
        deaf = [account.handle for account in refusals.list_deaf(session, SYSTEM, now)]
        nobody = sum(one.n for one in refusals.list_refused_at_no_account(session, SYSTEM, now))
    if deaf:
        return Finding(
            "webhooks",
            False,
            f"every delivery was refused as forged: {', '.join(deaf)}; are the application's keys right?",
        )
    return Finding("webhooks", True, f"{nobody} came to addresses of no account in a week" if nobody else "none astray")


def _dead_letters(runtime: Runtime) -> Finding:
    with runtime.reading() as session:
        dead = session.scalar(select(func.count()).select_from(RawItem).where(RawItem.state == "dead")) or 0
    return Finding("dead letters", not dead, f"{dead} incoming items could not be understood" if dead else "none")


def _disk(runtime: Runtime) -> Finding:
    free = shutil.disk_usage(runtime.settings.data_dir).free
    return Finding("disk", free > _LEAST_DISK, f"{free / 1e9:.1f} GB free")


def _mail(runtime: Runtime) -> Finding:
    """Our own mail is bad only where somebody is to be called by it, or where it does not go."""
    settings = runtime.settings
    if not settings.mail_url:
        with runtime.reading() as session:
            on = select(AlertPolicy).where(AlertPolicy.is_on, AlertPolicy.removed_at.is_(None))
            wanted = any("email" in step["ways"] for policy in session.scalars(on) for step in policy.steps)
        words = "GUICHET_MAIL_URL is not set"
        return Finding("mail", not wanted, f"{words}; alerts are to go by mail" if wanted else words)
    try:
        house_of(settings.mail_url, settings.mail_from).check(open_networks(**settings.network_options()).wire)
    except ChannelError as e:
        return Finding("mail", False, e.detail)
    return Finding("mail", True, "the mail server lets us in")


def _data_folder(runtime: Runtime) -> Finding:
    folder = runtime.settings.data_dir
    return Finding(
        "data folder", os.access(folder, os.W_OK), f"{'can' if os.access(folder, os.W_OK) else 'cannot'} be written"
    )
