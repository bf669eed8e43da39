"""Signed addresses. Those that lead in without an account, for reviewers from outside and for
other calendars: a guessed one is turned away before the database is asked. And those of pictures
in mails: what is behind one is asked for elsewhere, so it is one that a page of ours was given."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

from guichet.runtime import Runtime

Kind = Literal["review", "feed", "picture"]
_PURPOSES: dict[Kind, str] = {
    "review": "guichet review link",
    "feed": "guichet calendar feed",
    "picture": "guichet mail picture",
}


def address_of(runtime: Runtime, kind: Literal["review", "feed"], row_id: int, secret: str) -> str:
    """The signed address of a link or a feed."""
    base = str(runtime.settings.public_url).rstrip("/")
    token = f"{secret}.{sign(runtime, kind, row_id, secret)}"
    return f"{base}/review/{row_id}/{token}" if kind == "review" else f"{base}/feeds/{row_id}/{token}.ics"


def sign(runtime: Runtime, kind: Kind, row_id: int, secret: str) -> str:
    """Our signature, by the key of today."""
    return _signature(runtime.settings.secret_keys[0][1], kind, row_id, secret)


def is_signed(runtime: Runtime, kind: Kind, row_id: int, secret: str, given: str) -> bool:
    """Whether the signature is ours, by the key of today or an older one."""
    made = [_signature(key, kind, row_id, secret) for _id, key in runtime.settings.secret_keys]
    return any(hmac.compare_digest(one.encode(), given.encode()) for one in made)


def _signature(key: bytes, kind: Kind, row_id: int, secret: str) -> str:
    return hmac.new(key, f"{_PURPOSES[kind]}:{row_id}:{secret}".encode(), hashlib.sha256).hexdigest()[:32]
