"""Finding out whether a send of unknown outcome was published.

A container says whether it was published, and not as what; a draft is found in its place. Else
the account's own posts are read back to the moment of the send. Only one that we did not
know, written since, with the same words in the same place is ours; two go to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import JSON, Connection, Draft, Looked, Standing, Timeline
from channels.drills.api import Api, id_of, receipt_of, time_of
from channels.drills.publish import status_of
from channels.errors import Gone, Malformed
from channels.wire import Wire

# How far the network's clock may be behind ours. What is read too much does no harm, since only
# the same words that we did not know count; what is missed would be sent again.
_CLOCK_MARGIN = timedelta(minutes=2)
_MOST_PAGES = 25


class TimelineReconciler:
    """Reads, and only reads, what the account has published."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._api = Api.of(connection, wire)

    def look(
        self,
        draft: Draft,
        prepared: Mapping[str, Any],
        key: str,
        started_at: datetime,
        known_ids: frozenset[str],
        others: Sequence[Draft] = (),
    ) -> Looked:
        since = started_at - _CLOCK_MARGIN
        posts, is_complete = self._own_since(since)
        fresh = [p for p in posts if time_of(p) >= since and id_of(p) not in known_ids]
        same = [p for p in fresh if _is_same(p, draft)]
        is_disputed = any(_is_same(p, o) for p in same for o in others if o != draft)
        ids = [id_of(p) for p in same]
        evidence = {"read": len(posts), "since": since.isoformat(), "complete": is_complete, "same": ids}
        if len(same) == 1 and not is_disputed:
            return Looked(found=receipt_of(same[0]), evidence=evidence)
        if same:
            return Looked(candidates=tuple(map(receipt_of, same)), evidence=evidence)
        return Looked(absent=is_complete, evidence=evidence)

    def list_since(self, since: datetime, most: int) -> Timeline:
        posts, is_complete = self._own_since(since)
        standing = (Standing(id_of(p), str(p.get("text") or ""), time_of(p), receipt_of(p).url) for p in posts)
        return Timeline(tuple(s for s in standing if s.at >= since), is_complete)

    def _own_since(self, since: datetime) -> tuple[list[JSON], bool]:
        """Our posts since then, and whether that is all of them."""
        found: list[JSON] = []
        params: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            page = self._api.read("/posts", **params)
            if not isinstance(page, list) or not all(isinstance(p, dict) for p in page):
                raise Malformed("the network did not show its list")
            found += page
            if not page or time_of(page[-1]) < since:
                return found, True
            params["before"] = id_of(page[-1])
        return found, False


def _is_same(post: JSON, draft: Draft) -> bool:
    in_reply_to = draft.reply_to.remote_id if draft.reply_to else ""
    shown = (post.get("text"), post.get("in_reply_to"), post.get("media"))
    return shown == (draft.text, in_reply_to, len(draft.media))


class ContainerReconciler(TimelineReconciler):
    """A container that was not published proves that nothing is out yet. One that was names
    no post: that is looked for among our own, where it may stand later."""

    def look(
        self,
        draft: Draft,
        prepared: Mapping[str, Any],
        key: str,
        started_at: datetime,
        known_ids: frozenset[str],
        others: Sequence[Draft] = (),
    ) -> Looked:
        status = status_of(self._api, str(prepared["container"]))
        if status in ("IN_PROGRESS", "FINISHED"):
            return Looked(absent=True, evidence={"container": status})
        seen = super().look(draft, prepared, key, started_at, known_ids, others)
        evidence = {**seen.evidence, "container": status}
        return replace(seen, absent=seen.absent and status == "EXPIRED", evidence=evidence)


class DraftReconciler(TimelineReconciler):
    """The draft itself says what became of it."""

    def look(
        self,
        draft: Draft,
        prepared: Mapping[str, Any],
        key: str,
        started_at: datetime,
        known_ids: frozenset[str],
        others: Sequence[Draft] = (),
    ) -> Looked:
        try:
            post = self._api.read(f"/posts/{prepared['draft']}")
        except Gone:  # somebody deleted it: perhaps after it was published
            return Looked(evidence={"draft": "gone"})
        if not isinstance(post, dict):
            raise Malformed("the network did not show the draft")
        evidence = {"draft": post.get("status")}
        if post.get("status") == "draft":
            return Looked(absent=True, evidence=evidence)
        return Looked(found=receipt_of(post), evidence=evidence)
