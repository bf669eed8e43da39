"""The addresses that reviewers from outside are given: signed, so that a guessed one is turned
away before the database is asked."""

from __future__ import annotations

import hashlib
import hmac

from guichet.runtime import Runtime


def address_of(runtime: Runtime, link_id: int, secret: str) -> str:
    """The signed address of a link."""
    base = str(runtime.settings.public_url).rstrip("/")
    return f"{base}/review/{link_id}/{secret}.{_signature(runtime, link_id, secret)}"


def _signature(runtime: Runtime, link_id: int, secret: str, key: bytes | None = None) -> str:
    key = key or runtime.settings.secret_keys[0][1]
    return hmac.new(key, f"guichet review link:{link_id}:{secret}".encode(), hashlib.sha256).hexdigest()[:32]


def is_signed(runtime: Runtime, link_id: int, secret: str, given: str) -> bool:
    """Whether the signature is ours, by the key of today or an older one."""
    keys = [key for _id, key in runtime.settings.secret_keys]
    return any(hmac.compare_digest(_signature(runtime, link_id, secret, k).encode(), given.encode()) for k in keys)
