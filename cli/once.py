"""Doing a thing once from a script: the same key of the same person finds what was done.

The key is a row in the transaction of the effect, as with the API's Idempotency-Key, and is
kept as long. Another content under the same key is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cli.output import Failed, WronglyAsked
from guichet.db import dialect
from guichet.models import IdempotencyKey, table_of

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def require_key(key: str) -> None:
    """Raises WronglyAsked for what can be no key."""
    if not _KEY.fullmatch(key):
        raise WronglyAsked("--key must be 1 to 200 printable characters without spaces")


def digest_of(content: Any) -> str:
    """What tells one content from another."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def find_done(session: Session, staff_id: int, route: str, key: str, content: str) -> int | None:
    """The id of what was done under this key, or None. Raises Failed for another content."""
    row = _row(session, staff_id, route, key)
    if row is None:
        return None
    if row.payload_hash != content:
        raise Failed("this key was used for something else", code="key_reused")
    return int(row.response or 0)


def take(session: Session, staff_id: int, route: str, key: str, content: str, now: datetime) -> int | None:
    """Take the key for this transaction: None, and the effect is ours to carry out; or the id
    of what somebody did meanwhile. Waits for who is at it."""
    row = {
        "staff_id": staff_id, "route": route, "key": key, "payload_hash": content, "status": 201,
        "response": None, "created_at": now,
    }  # fmt: skip
    if dialect.insert_new(session, table_of(IdempotencyKey), [row], "staff_id", "route", "key"):
        return None
    return find_done(session, staff_id, route, key, content)


def keep(session: Session, staff_id: int, route: str, key: str, made: int) -> None:
    """Note what was made under the key, in the same transaction."""
    row = _row(session, staff_id, route, key)
    if row is not None:
        row.response = str(made)


def _row(session: Session, staff_id: int, route: str, key: str) -> IdempotencyKey | None:
    return session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.staff_id == staff_id, IdempotencyKey.route == route, IdempotencyKey.key == key
        )
    )
