"""Finding out what became of a send whose answer was lost: reading our own timeline,
or our own conversation, over the time in which it can have arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from channels.contract import JSON, Connection, Draft, Looked, Receipt, Standing, Surface, Timeline
from channels.figures import figures_in
from channels.wire import Wire
from channels.x import shapes
from channels.x.client import XClient
from channels.x.walk import walk

_SKEW = timedelta(seconds=120)  # between our clock and X's
_ARRIVAL = timedelta(seconds=180)  # our longest call, and X's latest acceptance after it
_MOST = 3200  # X hands out no more of one's own posts
_MOST_DIRECT = 1000
_FIELDS = ("created_at", "entities", "attachments", "referenced_tweets", "note_tweet", "author_id")


class XReconciler:
    """Looks for one attempt. Reads only."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._connection = connection
        self._client = XClient(connection, wire)

    def look(
        self,
        draft: Draft,
        prepared: Mapping[str, Any],
        key: str,
        started_at: datetime,
        known_ids: frozenset[str],
        others: Sequence[Draft] = (),
    ) -> Looked:
        """Bind the one post of that time with that text, that many media and that target.

        Two of them are both candidates, and so is one that another draft of ours may
        be which differs from it. What has the text but not the rest is a candidate too,
        unless it is just another of ours. Absent only if X gave everything back to
        before the start.
        """
        is_direct = draft.surface is Surface.DIRECT
        since = shapes.id_at(started_at - _SKEW)
        fetch = self._fetch_direct(draft) if is_direct else self._fetch_posts(since)
        read = walk(fetch, down_to=since, most=_MOST_DIRECT if is_direct else _MOST)
        ours = [item for item, _ in read.items if self._is_ours(item, started_at, known_ids)]
        words = shapes.comparable(draft.text)
        rivals = [o for o in others if o != draft and shapes.comparable(o.text) == words]
        theirs = {str(i["id"]) for i in ours for o in rivals if _is_draft(i, o, is_direct)}
        same = [i for i in ours if _text(i) == words and (str(i["id"]) not in theirs or _agrees(i, draft, is_direct))]
        exact = [i for i in same if str(i["id"]) not in theirs and _agrees(i, draft, is_direct)]
        evidence: JSON = {
            "looked_at": datetime.now(UTC).isoformat(),
            "from": (started_at - _SKEW).isoformat(),
            "read": len(read.items),
            "complete": read.is_complete,
            "same_text": [str(item["id"]) for item in same],
        }
        if len(exact) == 1:
            return Looked(found=self._receipt(exact[0], is_direct), evidence=evidence)
        if same:
            return Looked(candidates=tuple(self._receipt(i, is_direct) for i in exact or same), evidence=evidence)
        return Looked(absent=read.is_complete, evidence=evidence)

    def list_since(self, since: datetime, most: int) -> Timeline:
        """X charges for each post that it gives back."""
        floor = shapes.id_at(since)
        fetch = self._fetch_posts(floor, min(100, max(5, most)), also=["public_metrics"], exclude=["retweets"])
        read = walk(fetch, down_to=floor, most=min(most, _MOST))
        return Timeline(tuple(self._standing(item) for item, _ in read.items), read.is_complete)

    def _standing(self, item: JSON) -> Standing:
        receipt = self._receipt(item, is_direct=False)
        edits = tuple(str(i) for i in item.get("edit_history_tweet_ids") or () if str(i) != receipt.remote_id)
        made = shapes.moment(item.get("created_at"), receipt.remote_id)
        metrics = item.get("public_metrics") or {}
        figures = figures_in(
            metrics, likes=("like_count",), shares=("retweet_count", "quote_count"), answers="reply_count"
        )
        return Standing(receipt.remote_id, _plain(item), made, receipt.url, aliases=edits, figures=figures)

    def _fetch_posts(self, since: int, page: int = 100, also: Sequence[str] = (), **more: Any) -> Any:
        def fetch(token: str | None) -> requests.Response:
            response: requests.Response = self._client.get_users_tweets(
                self._connection.remote_id,
                max_results=page,
                since_id=since,
                pagination_token=token,
                **more,
                tweet_fields=[*_FIELDS, *also],
            )
            return response

        return fetch

    def _fetch_direct(self, draft: Draft) -> Any:
        participant = draft.reply_to.author_id if draft.reply_to else ""

        def fetch(token: str | None) -> requests.Response:
            response: requests.Response = self._client.get_direct_message_events(
                participant_id=participant,
                max_results=100,
                event_types="MessageCreate",
                pagination_token=token,
                dm_event_fields=["created_at", "sender_id", "attachments", "entities", "dm_conversation_id"],
            )
            return response

        return fetch

    def _is_ours(self, item: JSON, started_at: datetime, known_ids: frozenset[str]) -> bool:
        author = str(item.get("author_id") or item.get("sender_id") or "")
        ids = {str(item["id"]), *map(str, item.get("edit_history_tweet_ids") or ())}
        made = shapes.moment(item.get("created_at"), str(item["id"]))
        return (
            author == self._connection.remote_id
            and not ids & known_ids
            and shapes.is_between(made, started_at, _ARRIVAL, _SKEW)
        )

    def _receipt(self, item: JSON, is_direct: bool) -> Receipt:
        number = str(item["id"])
        made = shapes.moment(item.get("created_at"), number)
        if is_direct:
            conversation = str(item.get("dm_conversation_id", ""))
            context = {"surface": Surface.DIRECT.value, "dm_conversation_id": conversation}
            return Receipt(number, accepted_at=made, context=context)
        url = f"https://x.com/{self._connection.handle}/status/{number}"
        return Receipt(number, url=url, accepted_at=made, context={"surface": Surface.PUBLIC.value})


def _text(item: JSON) -> str:
    return shapes.comparable(_plain(item))


def _plain(item: JSON) -> str:
    note = item.get("note_tweet") or {}
    whole = note if note.get("text") else item
    urls: Sequence[Mapping[str, Any]] = (whole.get("entities") or {}).get("urls") or ()
    return shapes.plain_text(str(whole.get("text", "")), urls)


def _is_draft(item: JSON, other: Draft, is_direct: bool) -> bool:
    is_same_surface = (other.surface is Surface.DIRECT) == is_direct
    return is_same_surface and _text(item) == shapes.comparable(other.text) and _agrees(item, other, is_direct)


def _agrees(item: JSON, draft: Draft, is_direct: bool) -> bool:
    """Whether the rest agrees too: how many media, and what it answers."""
    if len((item.get("attachments") or {}).get("media_keys") or ()) != len(draft.media):
        return False
    if is_direct:
        return True
    target = draft.reply_to
    wanted = str(target.context.get("newest_id") or target.remote_id) if target else ""
    return shapes.referred(item, "replied_to") == wanted
