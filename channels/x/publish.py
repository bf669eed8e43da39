"""Sending on X: posts, answers, threads, direct messages, and taking down."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from channels.answers import json_of
from channels.contract import JSON, Connection, Draft, MediaItem, Receipt, Surface, Target
from channels.errors import Gone, Malformed, OutcomeUnknown, Rejected, StillWorking
from channels.wire import Wire
from channels.x import shapes
from channels.x.client import XClient, data_of

_PROCESSING_PATIENCE = 8.0  # seconds that a video is waited for before the thread is given back
_AGAIN_AFTER = 5.0  # seconds, at least, before it is asked for again


class XPublisher:
    """Sends as one account. Holds one client for its life: it is cheap to send often."""

    def __init__(self, connection: Connection, wire: Wire, patience: float = _PROCESSING_PATIENCE) -> None:
        self._connection, self._patience = connection, patience
        self._client = XClient(connection, wire)

    def prepare(self, draft: Draft) -> JSON:
        """Upload the media and give them their alternative texts."""
        return self.prepare_on(draft, {})

    def prepare_on(self, draft: Draft, begun: Mapping[str, Any]) -> JSON:
        """Go on with the uploads that X has by now, by the hash of their files."""
        uploads = dict(begun)
        return {"media_ids": [self._upload(item, draft.surface, uploads) for item in draft.media]}

    def new_key(self, now: datetime) -> str:
        """X has no idempotency key."""
        return ""

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        """Post, answer, or write directly, with one request."""
        media_ids = list(prepared.get("media_ids", ()))
        if draft.surface is Surface.DIRECT:
            return self._send_direct(draft, media_ids)
        response = self._client.create_tweet(
            text=draft.text or None,
            media_ids=media_ids or None,
            **_reply(draft.reply_to, self._connection.remote_id),
        )
        number = _id(data_of(response), "id", response.status_code)
        return self._receipt(number)

    def _send_direct(self, draft: Draft, media_ids: list[str]) -> Receipt:
        target = draft.reply_to
        if target is None or not target.author_id:
            raise Rejected("a direct message needs somebody to write to", code="no_addressee")
        if len(media_ids) > 1:
            raise Rejected("X takes one file in a direct message", code="too_many_media")
        response = self._client.create_direct_message(
            participant_id=target.author_id,
            text=draft.text or None,
            media_id=media_ids[0] if media_ids else None,
        )
        data = data_of(response)
        context = {"surface": Surface.DIRECT.value, "dm_conversation_id": str(data.get("dm_conversation_id", ""))}
        number = _id(data, "dm_event_id", response.status_code)
        return Receipt(number, accepted_at=shapes.time_of(number), context=context)

    def delete(self, remote_id: str, context: Mapping[str, Any]) -> None:
        """Take a post down. X says yes as well for what is gone."""
        if context.get("surface") == Surface.DIRECT.value:
            self._client.request("DELETE", f"/2/dm_events/{remote_id}")
        else:
            self._client.delete_tweet(remote_id)

    def find(self, handle: str) -> str | None:
        """X answers 200 for a name that nobody has, or whose account is suspended."""
        try:
            response = self._client.get_user(username=handle)
        except Gone:
            return None
        body = json_of(response)
        found = body if isinstance(body, dict) else {}
        data, errors = found.get("data"), found.get("errors")
        if isinstance(data, dict) and str(data.get("id", "")).isdigit():
            return str(data["id"])
        kinds = [str(e.get("type", "")) for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
        if any(kind.endswith("/resource-not-found") for kind in kinds):
            return None
        raise Malformed("X did not say who has the name")

    def like(self, target: Target, at: datetime) -> None:
        """X says yes as well for what is liked already."""
        data_of(self._client.request("POST", self._likes, json={"tweet_id": _newest(target)}))

    def unlike(self, target: Target, at: datetime) -> None:
        data_of(self._client.request("DELETE", f"{self._likes}/{_newest(target)}"))

    def hide(self, target: Target, at: datetime) -> None:
        """X hides replies in conversations that the account began, and refuses any other."""
        data_of(self._client.request("PUT", f"/2/tweets/{_newest(target)}/hidden", json={"hidden": True}))

    def unhide(self, target: Target, at: datetime) -> None:
        data_of(self._client.request("PUT", f"/2/tweets/{_newest(target)}/hidden", json={"hidden": False}))

    @property
    def _likes(self) -> str:
        return f"/2/users/{self._connection.remote_id}/likes"

    def _receipt(self, number: str) -> Receipt:
        url = f"https://x.com/{self._connection.handle}/status/{number}"
        return Receipt(number, url=url, accepted_at=shapes.time_of(number), context={"surface": Surface.PUBLIC.value})

    def _upload(self, item: MediaItem, surface: Surface, uploads: JSON) -> str:
        media = self._found(uploads.get(item.sha256))
        if media is None:
            media = self._client.upload(item.open(), item.mime, _category(item.mime, surface))
        media_id = str(media["id"])
        uploads[item.sha256] = media_id
        self._await_processing(media_id, media, uploads)
        if item.alt:
            self._client.describe(media_id, item.alt)
        return media_id

    def _found(self, media_id: Any) -> JSON | None:
        """What X says of an upload that it has; None where it has it no more."""
        if not isinstance(media_id, str):
            return None
        try:
            return {**self._client.upload_status(media_id), "id": media_id}
        except (Gone, Rejected):
            return None

    def _await_processing(self, media_id: str, media: JSON, uploads: JSON) -> None:
        """Wait until a video can be attached. Raises StillWorking where that takes longer, Rejected
        when X cannot use it."""
        end = time.monotonic() + self._patience
        while (info := media.get("processing_info") or {}).get("state") in ("pending", "in_progress"):
            wait = min(max(float(info.get("check_after_secs", 1)), 0.1), 60)
            if time.monotonic() + wait > end:
                raise StillWorking(
                    "X is still working on the film", begun=uploads, again_after=max(wait, _AGAIN_AFTER)
                )  # fmt: skip
            time.sleep(wait)
            media = self._client.upload_status(media_id)
        if info.get("state") == "failed":
            raise Rejected("X cannot process the file", code="media_processing_failed", evidence={"info": dict(info)})


def _reply(target: Target | None, own_id: str) -> dict[str, Any]:
    """An answer mentions whom it answers, and none of the others who were mentioned there.

    X adds everybody of the conversation unless they are named for exclusion. An
    edited post is answered in its newest version.
    """
    if target is None:
        return {}
    others = [str(i) for i in target.context.get("mentioned_ids", ()) if i not in (target.author_id, own_id)]
    return {"in_reply_to_tweet_id": _newest(target), "exclude_reply_user_ids": others or None}


def _newest(target: Target) -> str:
    """An edited post has a new id."""
    return str(target.context.get("newest_id") or target.remote_id)


def _id(data: JSON, name: str, status: int) -> str:
    number = data.get(name)
    if not isinstance(number, str) or not number.isdigit():
        raise OutcomeUnknown(
            "X accepted without naming what it made", code="unreadable_success", status=status, evidence={"data": data}
        )
    return number


def _category(mime: str, surface: Surface) -> str:
    kind = "gif" if mime == "image/gif" else mime.partition("/")[0]
    return f"{'dm' if surface is Surface.DIRECT else 'tweet'}_{kind}"
