"""Publishing as the classes do it: in one step, by a container, by a draft."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from channels.contract import JSON, Connection, Draft, MediaItem, Receipt
from channels.drills.api import Api, id_of, receipt_of
from channels.errors import Gone, Malformed, Unavailable
from channels.sentences import say
from channels.wire import Wire

# Waits, in seconds, for a network that is still working on a container: 7 s in all.
PROCESSING_WAITS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.5, 2.0, 2.0)


class _Publisher:
    """What all classes have in common."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._api = Api.of(connection, wire)

    def prepare(self, draft: Draft) -> JSON:
        return {"media": [self._upload(item) for item in draft.media]}

    def delete(self, remote_id: str, context: Mapping[str, Any]) -> None:
        self._api.call("DELETE", f"/posts/{remote_id}")

    def _upload(self, item: MediaItem) -> str:
        files = {"file": (item.filename, item.open(), item.mime)}
        return id_of(self._api.call("POST", "/media", files=files, data={"alt": item.alt}))


class OneStepPublisher(_Publisher):
    """One request publishes, without a key: the laggard, the liar, the blind."""

    def new_key(self, now: datetime) -> str:
        return ""

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        return receipt_of(self._api.call("POST", "/posts", json=content_of(draft, prepared)))


class ContainerPublisher(_Publisher):
    """A container that a second request publishes, once. Nobody can be asked which containers
    there are: one that was made and not written down is forgotten by the network."""

    def __init__(
        self, connection: Connection, wire: Wire, processing_waits: Sequence[float] = PROCESSING_WAITS
    ) -> None:
        super().__init__(connection, wire)
        self._processing_waits = processing_waits

    def new_key(self, now: datetime) -> str:
        return str(uuid.uuid4())  # names what was staged here; the network knows the container's id

    def stage(self, draft: Draft, prepared: Mapping[str, Any], key: str, is_again: bool) -> JSON:
        return {"container": id_of(self._api.call("POST", "/containers", json=content_of(draft, prepared)))}

    def ready(self, staged: Mapping[str, Any]) -> None:
        for seconds in self._processing_waits:
            time.sleep(seconds)
            status = status_of(self._api, str(staged["container"]))
            if status == "EXPIRED":
                raise Gone("the network has forgotten the container", code="container_gone")
            if status != "IN_PROGRESS":
                return
        raise Unavailable("the network is still working on it", code="processing")

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        try:
            answer = self._api.call("POST", "/publish", json={"container": prepared["container"]})
        except Gone as e:  # no publication without it, and another can be made
            raise Unavailable("the network has forgotten the container", code="container_gone") from e
        return receipt_of(answer)


class DraftPublisher(_Publisher):
    """A draft, found by its slug, which is the key; publishing it again changes nothing. The
    network keeps drafts for ever, so what is not published is taken away."""

    def new_key(self, now: datetime) -> str:
        return f"guichet-{uuid.uuid4()}"

    def stage(self, draft: Draft, prepared: Mapping[str, Any], key: str, is_again: bool) -> JSON:
        known = find_draft(self._api, key) if is_again else ""
        return {"draft": known or self._made(draft, prepared, key)}

    def _made(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> str:
        body = {**content_of(draft, prepared), "status": "draft", "slug": key}
        return id_of(self._api.call("POST", "/posts", json=body))

    def ready(self, staged: Mapping[str, Any]) -> None:
        self._api.read(f"/posts/{staged['draft']}")  # Gone where somebody deleted it

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        try:
            answer = self._api.call("POST", f"/posts/{prepared['draft']}", json={"status": "publish"})
        except Gone as e:
            raise Unavailable("somebody deleted the draft at the network", code="draft_gone") from e
        return receipt_of(answer)

    def discard(self, key: str, staged: Mapping[str, Any]) -> None:
        draft_id = str(staged.get("draft") or find_draft(self._api, key))
        try:
            if draft_id and self._api.read(f"/posts/{draft_id}").get("status") == "draft":
                self.delete(draft_id, {})
        except Gone:
            return


def content_of(draft: Draft, prepared: Mapping[str, Any]) -> JSON:
    """What a post, a container and a draft are made of."""
    in_reply_to = draft.reply_to.remote_id if draft.reply_to else ""
    return {"text": draft.text, "in_reply_to": in_reply_to, "media": list(prepared.get("media") or ())}


def status_of(api: Api, container: str) -> str:
    """IN_PROGRESS, FINISHED, PUBLISHED or EXPIRED. Raises ChannelError, and Malformed for
    anything else."""
    answer = api.read(f"/containers/{container}")
    status = str(answer.get("status")) if isinstance(answer, dict) else ""
    if status not in ("IN_PROGRESS", "FINISHED", "PUBLISHED", "EXPIRED"):
        raise Malformed(say("the network calls a container “{status}”", status=status))
    return status


def find_draft(api: Api, key: str) -> str:
    """The id of the draft (published or not) with this slug; "" where there is none."""
    found = api.read("/posts", slug=key)
    if not isinstance(found, list) or not all(isinstance(d, dict) for d in found):
        raise Malformed("the network did not show its list")
    return id_of(found[0]) if found else ""
