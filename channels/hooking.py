"""Telling a program of the company's: JSON by POST, signed as Standard Webhooks are
(standardwebhooks.com, 1.0): the id, the time and the body, with a secret that only both know."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from channels.errors import OutcomeUnknown, Rejected, Unavailable
from channels.sentences import say
from channels.wire import Wire


def tell(wire: Wire, url: str, secret: str, *, id_: str, now: datetime, content: Mapping[str, Any]) -> int:
    """One try; the status. Raises Rejected where the listener is gone or refuses for good (410),
    Unavailable or OutcomeUnknown where another try may help."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    stamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature(secret, id_, stamp, body)}",
    }
    answer = wire.call("POST", url, headers, data=body)
    if 200 <= answer.status_code < 300:
        return answer.status_code
    words = say("the listener answered {status}", status=answer.status_code)
    if answer.status_code == 410:
        raise Rejected(words, status=410, code="gone")
    if answer.status_code == 429:
        raise Unavailable(words, status=429)
    raise OutcomeUnknown(words, status=answer.status_code, code="refused")


def signature(secret: str, id_: str, stamp: str, body: bytes) -> str:
    """Base64 of the HMAC-SHA256 over "id.timestamp.body"; the secret is "whsec_" and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, f"{id_}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
