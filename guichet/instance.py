"""Which installation this is. A database that was restored or copied must not send, answer
or read anything by itself: it does not know what happened after the moment it holds.

The database remembers who last ran against it (an id, the public address, when it was last
seen); beside the files lies the same, outside of the database. Where the two do not agree,
the database is another's, or older than we are: a brake goes on for everything, nothing is
read or renewed, webhooks are told to come back, until a person lifts that brake.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from channels.sentences import Sentence, say
from guichet import audit, live
from guichet.db.changing import change_rows
from guichet.errors import Conflict
from guichet.models import Brake, Instance, table_of
from guichet.policy import Action, Actor, require

_I = table_of(Instance)
_NAME = ".instance"  # beside the files, which all machines of an installation share
_HOME = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Noted:
    """What stands outside of the database: who we are, and when it was last seen with us."""

    instance_id: str
    seen_at: datetime


def is_unconfirmed() -> ColumnElement[bool]:
    """The SQL condition that nobody has said yet that this instance may act."""
    return select(_I.c.id).where(_I.c.unconfirmed_since.is_not(None)).exists()


def awaits_confirmation(session: Session) -> bool:
    """Whether nobody has said yet that this instance may act."""
    return session.scalar(select(Instance.id).where(Instance.unconfirmed_since.is_not(None)).limit(1)) is not None


def difference(row: Instance, noted: Noted | None, public_url: str) -> Sentence | None:
    """Why the database is not known to be ours as we left it; None where it is. Pure."""
    if noted is None or noted.instance_id != row.instance_id:
        return say("this is a copy, or was restored: another installation last ran with this database")
    if noted.seen_at > row.seen_at:
        return say("this database was put back to an earlier moment")
    if not _is_same_place(row.public_url, public_url):
        return say("this database last ran at {address}", address=row.public_url)
    return None


def _is_same_place(before: str, after: str) -> bool:
    """The same host; ports on this machine are nobody's address."""
    hosts = {urlsplit(before).hostname or "", urlsplit(after).hostname or ""}
    return len(hosts) == 1 or hosts <= _HOME


def recognise(session: Session, actor: Actor, noted: Noted | None, public_url: str, now: datetime) -> Noted:
    """Called by every program before it does anything: know this installation again, or stop
    everything. The first one that ever runs is the one. Returns what the edge notes outside,
    after the commit (never before: the note must not be ahead of the database)."""
    require(actor, Action.SYSTEM)
    row = session.scalars(select(Instance).order_by(Instance.id).limit(1).with_for_update()).first()
    if row is None:
        row = Instance(
            instance_id=noted.instance_id if noted else secrets.token_hex(16), public_url=public_url, seen_at=now
        )
        session.add(row)
    else:
        why = difference(row, noted, public_url)
        if why is not None and row.unconfirmed_since is None:
            stop_everything(session, actor, why, now)
            row.unconfirmed_since = now
        if noted is None or noted.instance_id != row.instance_id:
            row.instance_id = noted.instance_id if noted else secrets.token_hex(16)
        row.public_url, row.seen_at = public_url, max(row.seen_at, now, noted.seen_at if noted else now)
    session.flush()
    return Noted(row.instance_id, row.seen_at)


def stop_everything(session: Session, actor: Actor, why: str, now: datetime) -> None:
    """A brake on everything, posts and answers, that a person has to lift."""
    require(actor, Action.SYSTEM)
    brake = session.scalars(select(Brake).where(Brake.scope == "all", Brake.lifted_at.is_(None))).first()
    if brake is None:
        brake = Brake(scope="all", scope_id=None, pulled_at=now)
        session.add(brake)
    brake.stops_posts, brake.stops_answers, brake.reason = True, True, why
    session.flush()
    audit.record(session, actor, "instance.unconfirmed", brake, now)
    live.tell(session, "brake", now, on=True)


def note_seen(session: Session, actor: Actor, noted: Noted, now: datetime) -> Noted:
    """The database was seen with us. Returns what the edge notes outside after the commit; if
    the database is no longer the one of `noted`, only the next start says so."""
    require(actor, Action.SYSTEM)
    ours = update(_I).where(_I.c.instance_id == noted.instance_id, _I.c.seen_at < now)
    return Noted(noted.instance_id, now) if change_rows(session, ours.values(seen_at=now)) else noted


def confirm(session: Session, actor: Actor, now: datetime) -> None:
    """A person said that this instance may act."""
    require(actor, Action.BRAKE_ALL)
    unconfirmed = update(_I).where(_I.c.unconfirmed_since.is_not(None))
    if change_rows(session, unconfirmed.values(unconfirmed_since=None, seen_at=now)):
        audit.record(session, actor, "instance.confirm", None, now)


def require_all_stopped(session: Session, posts: bool, answers: bool) -> None:
    """Until somebody confirmed the instance, the brake on everything stops everything.
    Raises Conflict."""
    if not (posts and answers) and awaits_confirmation(session):
        raise Conflict("this instance was restored or copied: lift the brake to let it act", code="unconfirmed")


# ---------------------------------------------------------------- outside of the database


def read_note(files: Path) -> Noted | None:
    """What is noted beside the files; None where nothing is, or nothing that can be read."""
    try:
        plain = json.loads((files / _NAME).read_text())
        return Noted(str(plain["id"]), datetime.fromisoformat(plain["seen_at"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def write_note(files: Path, noted: Noted) -> None:
    """Whole or not at all."""
    files.mkdir(parents=True, exist_ok=True)
    partial = files / f"{_NAME}.{os.getpid()}.part"
    partial.write_text(json.dumps({"id": noted.instance_id, "seen_at": noted.seen_at.isoformat()}))
    partial.replace(files / _NAME)
