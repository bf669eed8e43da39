"""The signature of the link that switches the mails off: for one person, without signing in."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from guichet.errors import NotFound
from guichet.models import LetterWish
from guichet.policy import Actor, load_actor


def signature_of(key: bytes, staff_id: int, nonce: str) -> str:
    """Made with one of the installation's keys; the nonce is in no answer and no mail."""
    return hmac.new(key, f"guichet letters:{staff_id}:{nonce}".encode(), hashlib.sha256).hexdigest()[:40]


def enter(
    session: Session, keys: Sequence[tuple[str, bytes]], staff_id: int, given: str, now: datetime, ip: str = ""
) -> tuple[LetterWish, Actor]:  # fmt: skip
    """Whose link this is. Raises NotFound."""
    wish = session.get(LetterWish, staff_id)
    made = [signature_of(key, staff_id, wish.nonce) for _, key in keys] if wish is not None else []
    is_ours = any(hmac.compare_digest(one.encode(), given.encode()) for one in made)
    if wish is None or not is_ours or wish.staff.disabled_at is not None:
        raise NotFound("this link does not lead anywhere, or not any more")
    return wish, load_actor(session, wish.staff, now, ip=ip)
