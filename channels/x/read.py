"""Hearing on X: mentions, quotes, direct messages, and what our own account says.

The own timeline is a stream as well, so that an answer given in X's own app ends the
wait of whoever it answered. Quotes are searched for: they are in no timeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from channels.contract import JSON, Connection, Gap, Inbound, Page, RawItem
from channels.errors import Gone, Malformed
from channels.sentences import say
from channels.wire import Wire
from channels.x import shapes, webhook
from channels.x.client import XClient, page_of
from channels.x.walk import walk

LOOK_BACK = timedelta(hours=1)  # on the first poll
OVERLAP = timedelta(minutes=2)  # a post may become readable after a younger one
_TWEET_FIELDS = [
    *("attachments", "author_id", "conversation_id", "created_at", "entities", "in_reply_to_user_id"),
    *("lang", "note_tweet", "referenced_tweets"),
]
_POST: dict[str, Any] = {
    "tweet_fields": _TWEET_FIELDS,
    "expansions": [
        *("author_id", "attachments.media_keys", "in_reply_to_user_id"),
        *("referenced_tweets.id", "referenced_tweets.id.author_id"),
    ],
    "user_fields": ["profile_image_url", "public_metrics"],
    "media_fields": ["alt_text", "preview_image_url", "type", "url", "variants"],
}
# How far back X hands each stream out: items, and for two of them days.
_MOST = {"mentions": 800, "own": 3200, "quotes": 1000, "direct": 1000}
_DAYS = {"quotes": 7, "direct": 30}

Fetch = Callable[[str | None], requests.Response]


class XReader:
    """Polls and understands what is addressed to one account."""

    streams: Sequence[str] = ("mentions", "quotes", "direct", "own")

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._connection = connection
        self._client = XClient(connection, wire)

    def poll(self, stream: str, cursor: JSON | None) -> Page:
        """All that is new in a stream, oldest first, in one page."""
        now = datetime.now(UTC)
        newest = int((cursor or {}).get("newest") or shapes.id_at(now - LOOK_BACK))
        seen = set((cursor or {}).get("seen", ()))
        floor = newest if cursor is None else _minus(newest, OVERLAP)
        read = walk(self._fetch(stream, floor), down_to=floor, most=_MOST[stream])
        fresh = [(item, inc) for item, inc in reversed(read.items) if str(item["id"]) not in seen]
        items = tuple(_raw(stream, item, includes) for item, includes in fresh)
        ids = [int(item["id"]) for item, _ in read.items]
        newest = max([newest, *ids])
        keep = _minus(newest, OVERLAP)
        recent = sorted({i for i in {*ids, *map(int, seen)} if i > keep})
        gap = self._gap(stream, floor, ids, read.is_complete, now) if cursor is not None else None
        return Page(items, {"newest": str(newest), "seen": [str(i) for i in recent]}, gap=gap)

    def _gap(self, stream: str, floor: int, ids: Sequence[int], is_complete: bool, now: datetime) -> Gap | None:
        since = shapes.time_of(str(floor))
        if not is_complete and ids:
            return Gap(
                since, shapes.time_of(str(min(ids))), say("X hands out the last {most} only", most=_MOST[stream])
            )
        days = _DAYS.get(stream)
        if days and since < now - timedelta(days=days):
            return Gap(since, now - timedelta(days=days), say("X hands out the last {days} days only", days=days))
        return None

    def _fetch(self, stream: str, floor: int) -> Fetch:
        own, client = self._connection.remote_id, self._client
        if stream == "mentions":
            return lambda token: client.get_users_mentions(
                own, since_id=floor, max_results=100, pagination_token=token, **_POST
            )
        if stream == "own":
            return lambda token: client.get_users_tweets(
                own, since_id=floor, max_results=100, pagination_token=token, exclude=["retweets"], **_POST
            )
        if stream == "quotes":
            return self._fetch_quotes(floor)
        if stream == "direct":
            return lambda token: client.get_direct_message_events(
                max_results=100,
                event_types="MessageCreate",
                pagination_token=token,
                dm_event_fields=["attachments", "created_at", "dm_conversation_id", "entities", "sender_id"],
                expansions=["sender_id", "participant_ids", "attachments.media_keys"],
                user_fields=_POST["user_fields"],
                media_fields=_POST["media_fields"],
            )
        raise ValueError(f"X has no stream {stream!r}")

    def _fetch_quotes(self, floor: int) -> Fetch:
        handle, client = self._connection.handle, self._client
        # The search refuses an id older than its seven days.
        floor = max(floor, shapes.id_at(datetime.now(UTC) - timedelta(days=_DAYS["quotes"], minutes=-5)))
        query = f'is:quote -from:{handle} (url:"x.com/{handle}/status" OR url:"twitter.com/{handle}/status")'
        return lambda token: client.search_recent_tweets(
            query, since_id=floor, max_results=100, next_token=token, **_POST
        )

    def parse(self, item: RawItem) -> Sequence[Inbound]:
        """Understand one stored item. Raises Malformed."""
        try:
            body = json.loads(item.body)
        except ValueError as e:
            raise Malformed("a stored item of X is no JSON") from e
        if not isinstance(body, dict):
            raise Malformed("a stored item of X is no object")
        own = self._connection.remote_id
        if item.stream == webhook.STREAM:
            return webhook.understand(body, own, self._look_up)
        includes = shapes.Includes(body.get("includes") or {})
        if item.stream == "direct":
            return [shapes.message_of(body.get("item") or {}, includes, own)]
        return [shapes.post_of(body.get("item") or {}, includes, own)]

    def _look_up(self, tweet_id: str) -> Inbound:
        """One post as it stands now. Raises Gone, and what a call raises."""
        body = page_of(self._client.get_tweets([tweet_id], **_POST))
        if not body.get("data"):
            raise Gone("the post is not there (any more)")
        return shapes.post_of(body["data"][0], shapes.Includes(body.get("includes") or {}), self._connection.remote_id)


def _raw(stream: str, item: JSON, includes: shapes.Includes) -> RawItem:
    body = {"item": item, "includes": includes.only(item)}
    return RawItem(stream, str(item["id"]), json.dumps(body, ensure_ascii=False).encode())


def _minus(number: int, length: timedelta) -> int:
    return max(0, number - (int(length.total_seconds() * 1000) << 22))
