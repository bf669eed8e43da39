"""Saying something on an instance: posts, threads, answers, edits, deletions.

An answer mentions exactly its addressee and is never seen by more people than the
message it answers. A direct message that mentions somebody else is refused before it
is sent, for a mention is what lets a person read it. `scheduled_at` is never used:
some servers ignore it and publish at once.
Source: docs.joinmastodon.org/methods/statuses and /methods/media.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from channels import answers
from channels.contract import JSON, Connection, Draft, MediaItem, Receipt, Surface, Target
from channels.errors import Gone, Malformed, OutcomeUnknown, Rejected, StillWorking
from channels.mastodon.api import Api, allowance, full_handle, time_of
from channels.mastodon.markup import mentioned
from channels.sentences import say
from channels.wire import Wire

# From open to closed. What a server calls otherwise is answered as narrowly as can be.
_VISIBILITIES = ("public", "unlisted", "private", "direct")
# Waits, in seconds, for a server that is still working on an upload, before the thread is given back.
PROCESSING_WAITS = (0.1, 0.2, 0.4, 0.8, 1.5, 3, 4)
_AGAIN_AFTER = 10.0  # seconds until it is asked again: a film is coded anew there


def answer_text(text: str, target: Target) -> str:
    """The text with the mention without which its addressee would not hear of it.
    Nothing is added for a thread of our own, nor where the mention already stands."""
    if target.context.get("own"):
        return text
    if _names_of(target) & {n.casefold() for n in mentioned(text)}:
        return text
    return f"@{acct_of(target)} {text}"


def acct_of(target: Target) -> str:
    """The addressee as this instance knows them: without host where they are its own."""
    return str(target.context.get("acct") or target.author_handle.lstrip("@"))


def _names_of(target: Target) -> set[str]:
    """What names the addressee: `ines` alone is the instance's own ines, not ines@elsewhere."""
    return {acct_of(target).casefold(), target.author_handle.lstrip("@").casefold()}


def visibility_of(draft: Draft) -> str:
    """Who will see it: what the answered message allowed, or what the draft asks for."""
    asked = str(draft.options.get("visibility") or "public")
    if asked not in _VISIBILITIES:
        raise Rejected(
            say("visibility must be one of {choices}", choices=", ".join(_VISIBILITIES)),
            evidence={"field": "visibility"},
        )
    if draft.surface is Surface.DIRECT:
        return "direct"
    if draft.reply_to is None:
        return asked
    kept = str(draft.reply_to.context.get("visibility") or "public")
    kept = kept if kept in _VISIBILITIES else "direct"
    return max(kept, asked, key=_VISIBILITIES.index)


def text_to_send(draft: Draft) -> str:
    """The text as it will stand, whoever composed the draft."""
    return answer_text(draft.text, draft.reply_to) if draft.reply_to else draft.text


class MastodonPublisher:
    """Publishes as one account."""

    def __init__(
        self, connection: Connection, wire: Wire, processing_waits: Sequence[float] = PROCESSING_WAITS
    ) -> None:
        self._processing_waits = processing_waits
        self._api = Api.of(connection, wire)
        self._domain = connection.handle.partition("@")[2]

    def prepare(self, draft: Draft) -> JSON:
        """Upload what is attached. Refuses a direct message that others could read."""
        return self.prepare_on(draft, {})

    def prepare_on(self, draft: Draft, begun: Mapping[str, Any]) -> JSON:
        """Go on with the uploads that the instance has by now, by the hash of their files."""
        if visibility_of(draft) == "direct":
            _refuse_eavesdroppers(draft)
        uploads = dict(begun)
        return {"media_ids": [self._upload(item, uploads) for item in draft.media]}

    def new_key(self, now: datetime) -> str:
        return str(uuid.uuid4())

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        body = {**_content_of(draft, prepared), "visibility": visibility_of(draft)}
        if draft.reply_to:
            body["in_reply_to_id"] = draft.reply_to.remote_id
        headers = {"Idempotency-Key": key} if key else {}
        response = self._api.call("POST", "/api/v1/statuses", json=body, headers=headers)
        return _receipt(answers.json_of(response), allowance(response.headers))

    def edit(self, remote_id: str, draft: Draft, prepared: Mapping[str, Any]) -> Receipt:
        """Replace text and attachments; visibility and thread stay as they were."""
        response = self._api.call("PUT", f"/api/v1/statuses/{remote_id}", json=_content_of(draft, prepared))
        return _receipt(answers.json_of(response), allowance(response.headers))

    def delete(self, remote_id: str, context: Mapping[str, Any]) -> None:
        self._api.call("DELETE", f"/api/v1/statuses/{remote_id}")

    def find(self, handle: str) -> str | None:
        """Asked of the account's own instance, which asks the other where it does not know them yet:
        whom it cannot find it would not link either."""
        found = self._api.read_list("/api/v1/accounts/search", q=handle, resolve="true", limit=10)
        here = self._domain
        return next((str(a["id"]) for a in found if full_handle(a, here).lower() == handle.lower()), None)

    def like(self, target: Target, at: datetime) -> None:
        """Make it a favourite, which its author is told of."""
        self._api.call("POST", f"/api/v1/statuses/{target.remote_id}/favourite")

    def unlike(self, target: Target, at: datetime) -> None:
        self._api.call("POST", f"/api/v1/statuses/{target.remote_id}/unfavourite")

    # -- media

    def _upload(self, item: MediaItem, uploads: JSON) -> str:
        there = uploads.get(item.sha256)
        if isinstance(there, str):
            try:
                self._await_processing(there, uploads)
            except Gone:  # nobody used it for a day
                del uploads[item.sha256]
            else:
                return there
        focus = {"focus": f"{item.focus[0]:.2f},{item.focus[1]:.2f}"} if item.focus else {}
        how: JSON = {
            "files": {"file": (item.filename, item.open(), item.mime)},
            "data": {"description": item.alt, **focus},
        }
        try:
            response = self._api.call("POST", "/api/v2/media", **how)
        except Gone:  # before Mastodon 3.1.3, and some others, there is only v1, which waits itself
            response = self._api.call("POST", "/api/v1/media", **how)
        media_id = uploads[item.sha256] = _id_of(answers.json_of(response))
        if response.status_code == 202:
            self._await_processing(media_id, uploads)
        return media_id

    def _await_processing(self, media_id: str, uploads: JSON) -> None:
        for seconds in self._processing_waits:
            time.sleep(seconds)
            if self._api.call("GET", f"/api/v1/media/{media_id}").status_code == 200:  # 206: not yet
                return
        raise StillWorking("the instance is still working on an upload", begun=uploads, again_after=_AGAIN_AFTER)


def _content_of(draft: Draft, prepared: Mapping[str, Any]) -> JSON:
    body: JSON = {"status": text_to_send(draft), "media_ids": list(prepared.get("media_ids") or ())}
    warning = draft.subject or draft.options.get("content_warning")
    if warning:
        body["spoiler_text"] = str(warning)
    if draft.options.get("sensitive"):
        body["sensitive"] = True
    if draft.language:
        body["language"] = draft.language
    return body


def _refuse_eavesdroppers(draft: Draft) -> None:
    text = text_to_send(draft)
    allowed = _names_of(draft.reply_to) if draft.reply_to else set()
    others = sorted({n for n in mentioned(text) if n.casefold() not in allowed})
    if draft.reply_to and others:
        raise Rejected(
            say(
                "a direct message is read by everybody whom it mentions: take out {names}",
                names=", ".join(f"@{o}" for o in others),
            ),
            code="mentions_others",
            evidence={"field": "text", "mentions": others},
        )


def _id_of(answer: Any) -> str:
    remote_id = answer.get("id") if isinstance(answer, Mapping) else None
    if not isinstance(remote_id, str) or not remote_id:
        raise OutcomeUnknown("the instance said yes without an id", code="unreadable_success")
    return remote_id


def _receipt(status: Any, left: JSON) -> Receipt:
    _id_of(status)
    return receipt_of(status, left)


def receipt_of(status: Mapping[str, Any], left: JSON | None = None) -> Receipt:
    """The receipt that a status of ours is. Its context serves later answers in its thread."""
    try:
        accepted_at = time_of(status.get("created_at"))
    except Malformed:
        accepted_at = None
    context: JSON = {"own": True, "visibility": status.get("visibility") or "public", "uri": status.get("uri") or ""}
    if left:
        context["allowance"] = left
    return Receipt(str(status["id"]), str(status.get("url") or status.get("uri") or ""), accepted_at, context)
