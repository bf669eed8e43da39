"""The signature of the link in a call's mail: it acknowledges this one alert, as this one person."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence


def signature_of(key: bytes, call_id: int, nonce: str) -> str:
    """Made with one of the installation's keys; the nonce is in no answer and no mail."""
    return hmac.new(key, f"guichet alert call:{call_id}:{nonce}".encode(), hashlib.sha256).hexdigest()[:40]


def is_signed(keys: Sequence[tuple[str, bytes]], call_id: int, nonce: str, given: str) -> bool:
    """Whether it is ours, by the key of today or an older one."""
    made = [signature_of(key, call_id, nonce) for _, key in keys]
    return any(hmac.compare_digest(one.encode(), given.encode()) for one in made)
