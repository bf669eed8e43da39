"""Hearing what customers write on an instance.

Four streams, each with a cursor of its own:

- `notifications`: mentions, answers and quotes, complete, by min_id;
- `conversations`: direct messages that a server keeps out of the notifications
  (Mastodon filters strangers' by default); a server may not have them at all;
- `statuses`: what our account itself says, perhaps in the network's own app;
- `changes`: edits and deletions among the latest mentions, of which servers tell
  nobody; older ones are asked about one by one (`recheck`). A message counts as deleted
  only when the server says that it is not there.

The same message may come by two streams; its remote id is the same.
Source: docs.joinmastodon.org/methods/{notifications,conversations,accounts,statuses}.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.contract import JSON, Connection, Inbound, Page, RawItem
from channels.errors import ChannelError, Gone, Malformed
from channels.mastodon.api import Api, order_of, time_of
from channels.mastodon.understand import Understanding
from channels.sentences import say
from channels.wire import Wire

_PAGE = 40
_MOST_PAGES = 10
# How far the first poll of a new account looks back.
LOOK_BACK = timedelta(hours=1)
_KINDS = ("mention", "quote", "update")


class MastodonReader:
    """Reads as one account."""

    streams: Sequence[str] = ("notifications", "conversations", "statuses", "changes")

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._api = Api.of(connection, wire)
        self._account_id = str(connection.settings["account_id"])
        self._understanding = Understanding(connection, self._api)

    def poll(self, stream: str, cursor: JSON | None) -> Page:
        if stream == "notifications":
            return self._poll_list(stream, "/api/v1/notifications", cursor, {"types[]": list(_KINDS)})
        if stream == "statuses":
            path = f"/api/v1/accounts/{self._account_id}/statuses"
            return self._poll_list(stream, path, cursor, {"exclude_reblogs": "true"})
        if stream == "conversations":
            return self._poll_conversations(cursor)
        if stream == "changes":
            return self._poll_changes(cursor)
        raise ValueError(f"no stream is called {stream!r}")

    def parse(self, item: RawItem) -> Sequence[Inbound]:
        try:
            body = json.loads(item.body)
        except ValueError as e:
            raise Malformed("the stored item is not JSON") from e
        if not isinstance(body, dict):
            raise Malformed("the stored item is not an object")
        try:
            return self._understanding.of(item.stream, body)
        except ChannelError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise Malformed(
                say(
                    "the {stream} item lacks what it needs: {fault} {words}",
                    stream=item.stream,
                    fault=type(e).__name__,
                    words=e,
                )
            ) from e

    # -- lists with ids that grow

    def _poll_list(self, stream: str, path: str, cursor: JSON | None, params: Mapping[str, Any]) -> Page:
        cursor = cursor or {"min_id": "", "since": (datetime.now(UTC) - LOOK_BACK).isoformat()}
        newest = str(cursor["min_id"])
        if newest:
            page = self._api.read_list(path, limit=_PAGE, min_id=newest, **params)
            more = len(page) >= _PAGE
            page = [x for x in page if order_of(str(x["id"])) > order_of(newest)]  # some ignore min_id
        else:
            page, more = self._since(path, time_of(cursor["since"]), params), False
        page.sort(key=lambda x: order_of(str(x["id"])))
        if page:
            newest = str(page[-1]["id"])
        return Page(tuple(_items(stream, page)), {**cursor, "min_id": newest}, more and bool(page))

    def _since(self, path: str, since: datetime, params: Mapping[str, Any]) -> list[JSON]:
        """What was made since then, for as long as there is no id to go on from."""
        found: list[JSON] = []
        turn: dict[str, Any] = dict(params)
        for _ in range(_MOST_PAGES):
            page = self._api.read_list(path, limit=_PAGE, **turn)
            fresh = [x for x in page if time_of(x.get("created_at")) >= since]
            found += fresh
            if len(page) < _PAGE or not fresh:
                break
            turn["max_id"] = page[-1]["id"]
        return found

    # -- conversations

    def _poll_conversations(self, cursor: JSON | None) -> Page:
        cursor = cursor or {"after": "", "since": (datetime.now(UTC) - LOOK_BACK).isoformat()}
        try:
            # The list is paged by the last status, not by its own ids; its newest page is enough here.
            conversations = self._api.read_list("/api/v1/conversations", limit=_PAGE)
        except Gone:
            return Page((), cursor)
        last = [c["last_status"] for c in conversations if c.get("last_status")]
        after, since = str(cursor["after"]), time_of(cursor["since"])
        fresh = [s for s in last if order_of(str(s["id"])) > order_of(after) and time_of(s["created_at"]) >= since]
        fresh.sort(key=lambda s: order_of(str(s["id"])))
        if fresh:
            cursor = {**cursor, "after": str(fresh[-1]["id"])}
        theirs = [s for s in fresh if str(s["account"]["id"]) != self._account_id]
        return Page(tuple(_items("conversations", theirs)), cursor)

    # -- changes

    def _poll_changes(self, cursor: JSON | None) -> Page:
        """Compares the latest mentions with what they were at the last poll."""
        known: dict[str, str] = dict((cursor or {}).get("seen") or {})
        mentions = self._api.read_list("/api/v1/notifications", limit=_PAGE, **{"types[]": ["mention"]})
        statuses = {str(n["status"]["id"]): n["status"] for n in mentions if n.get("status")}
        seen = {id_: str(s.get("edited_at") or "") for id_, s in statuses.items()}
        edited = [s for id_, s in statuses.items() if id_ in known and seen[id_] != known[id_]]
        items = [*map(_edited, edited), *map(_deleted, self._missing(known, seen))]
        return Page(tuple(items), {"seen": seen})

    def _missing(self, known: Mapping[str, str], seen: Mapping[str, str]) -> list[str]:
        """Those that left the list though younger ones stayed, and that the server no longer has."""
        oldest = min(seen, key=order_of, default="") if len(seen) >= _PAGE else ""
        gone = [id_ for id_ in known if id_ not in seen and order_of(id_) > order_of(oldest)]
        return [id_ for id_ in sorted(gone, key=order_of) if self._is_deleted(id_)]

    def _is_deleted(self, remote_id: str) -> bool:
        return self._find(remote_id) is None

    def _find(self, remote_id: str) -> JSON | None:
        try:
            return self._api.read(f"/api/v1/statuses/{remote_id}")
        except Gone:
            return None

    def recheck(self, remote_ids: Sequence[str]) -> Sequence[RawItem]:
        items = []
        for id_ in remote_ids:
            status = self._find(id_)
            if status is None:
                items.append(_deleted(id_))
            elif status.get("edited_at"):
                items.append(_edited(status))
        return items


def _items(stream: str, page: Iterable[JSON]) -> Iterable[RawItem]:
    return (_raw(stream, str(x["id"]), x) for x in page)


def _edited(status: JSON) -> RawItem:
    return _raw("changes", f"edited:{status['id']}:{status['edited_at']}", {"edited": status})


def _deleted(remote_id: str) -> RawItem:
    return _raw("changes", f"deleted:{remote_id}", {"deleted": remote_id})


def _raw(stream: str, key: str, body: JSON) -> RawItem:
    return RawItem(stream, key, json.dumps(body, ensure_ascii=False).encode())
