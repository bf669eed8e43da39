"""Publishing as the classes do it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from channels.contract import JSON, Connection, Draft, MediaItem, Receipt
from channels.drills.api import Api, id_of, receipt_of
from channels.wire import Wire


class OneStepPublisher:
    """One request publishes, without a key: the laggard, the liar, the blind."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._api = Api.of(connection, wire)

    def prepare(self, draft: Draft) -> JSON:
        return {"media": [self._upload(item) for item in draft.media]}

    def new_key(self, now: datetime) -> str:
        return ""

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        return receipt_of(self._api.call("POST", "/posts", json=content_of(draft, prepared)))

    def delete(self, remote_id: str, context: Mapping[str, Any]) -> None:
        self._api.call("DELETE", f"/posts/{remote_id}")

    def _upload(self, item: MediaItem) -> str:
        files = {"file": (item.filename, item.open(), item.mime)}
        return id_of(self._api.call("POST", "/media", files=files, data={"alt": item.alt}))


def content_of(draft: Draft, prepared: Mapping[str, Any]) -> JSON:
    """What a post, a container and a draft are made of."""
    in_reply_to = draft.reply_to.remote_id if draft.reply_to else ""
    return {"text": draft.text, "in_reply_to": in_reply_to, "media": list(prepared.get("media") or ())}
