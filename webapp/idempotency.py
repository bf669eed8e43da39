"""Idempotency-Key on POST: the same key of the same person on the same address does its
effect once. The key is a row in the transaction of the effect; who comes second waits for
the first and is given its answer. Another payload under the same key is refused (422);
for an act of several transactions (it talks to a network) the second is told that the
first is still at it (409)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Request, Response
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from guichet.db import dialect
from guichet.errors import Conflict, Invalid
from guichet.models import IdempotencyKey, table_of

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_CHUNK = 256 * 1024
_STALE = timedelta(minutes=5)  # an act that crashed half-way does not block its key for ever


@dataclass(frozen=True)
class Kept:
    """A key that is ours to carry out."""

    row_id: int

    def answer(self, session: Session, status: int, body: str | None) -> None:
        """Keep the answer; None where it holds a secret, which is shown only once."""
        row = session.get_one(IdempotencyKey, self.row_id)
        row.status, row.response = status, body

    def give_back(self, session: Session) -> None:
        """Nothing was done: the same key may be used again."""
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.id == self.row_id))


def take(session: Session, asking: Request, staff_id: int, now: datetime) -> Kept | Response | None:
    """The key to carry out, the answer of the first, or None where no key was sent."""
    key = asking.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Invalid("the Idempotency-Key must be 1 to 200 printable characters", code="bad_key")
    route = f"{asking.method} {asking.path}"[:300]
    _forget_stale(session, staff_id, route, key, now)
    payload = _payload_hash(asking)
    row = {
        "staff_id": staff_id, "route": route, "key": key, "payload_hash": payload, "status": None,
        "response": None, "created_at": now,
    }  # fmt: skip
    new = dialect.insert_new(session, table_of(IdempotencyKey), [row], "staff_id", "route", "key")
    if new:
        return Kept(new[0])
    found = session.scalars(
        select(IdempotencyKey).where(
            IdempotencyKey.staff_id == staff_id, IdempotencyKey.route == route, IdempotencyKey.key == key
        )
    ).one()
    return _replay(found, payload)


def _replay(found: IdempotencyKey, payload: str) -> Response:
    if found.payload_hash != payload:
        raise Invalid("this Idempotency-Key was used for another request", code="key_reused")
    if found.status is None:
        raise Conflict("the first request with this Idempotency-Key is still being carried out", code="in_progress")
    if found.response is None:
        raise Conflict("this was done; its answer held a secret that is shown only once", code="answered_once")
    answer = Response(found.response, found.status, mimetype="application/json")
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _forget_stale(session: Session, staff_id: int, route: str, key: str, now: datetime) -> None:
    session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.staff_id == staff_id,
            IdempotencyKey.route == route,
            IdempotencyKey.key == key,
            IdempotencyKey.status.is_(None),
            IdempotencyKey.created_at < now - _STALE,
        )
    )


def _payload_hash(asking: Request) -> str:
    digest = hashlib.sha256(asking.query_string)
    if asking.mimetype == "multipart/form-data":  # already parsed: its boundary is new each time
        for name, value in sorted(asking.form.items(multi=True)):
            digest.update(f"\0{name}={value}".encode("utf-8", "surrogatepass"))
        for name, file in sorted(asking.files.items(multi=True), key=lambda one: one[0]):
            digest.update(f"\0{name}:{file.filename}".encode("utf-8", "surrogatepass"))
            while chunk := file.stream.read(_CHUNK):  # an archive is not held whole
                digest.update(chunk)
            file.stream.seek(0)
    else:
        digest.update(asking.get_data())
    return digest.hexdigest()
