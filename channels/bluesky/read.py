"""Hearing what customers say to a Bluesky account, and what the account itself says.

`notifications` are mentions, replies, quotes, likes and reposts. The network's own
read marks are wrong (seen: five of six shown as read while six counted as unread), so
what is new is decided by the walk. `echoes` is the account's own repository: what was
posted or deleted in the network's own app. `direct` is there where the sign-in may read it.

A customer's deleted post is told by no notification: its notification vanishes. Where a
walk passes the place and misses it, the record itself is asked for, and only its absence
there is a deletion (a blocked account's notifications vanish too). So deletions are
noticed at once within about the latest hundred notifications or a quarter of an hour;
older ones by asking for the posts themselves (`recheck`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels.bluesky.direct import DIRECT, DirectMessages
from channels.bluesky.publish import MOST_VIEWS, POST, get_record
from channels.bluesky.syntax import datetime_text, is_tid, parse_address, parse_datetime, time_of_tid
from channels.bluesky.views import above_in, inbound_of, kind_of, may_reply, quoted_in, reaction_of
from channels.bluesky.walk import Entry, Walk, keep_in_mind, walk
from channels.bluesky.xrpc import Server
from channels.contract import JSON, Connection, Inbound, InboundKind, Page, Person, RawItem, Surface
from channels.errors import ChannelError, Gone, Malformed, Rejected
from channels.sentences import say
from channels.wire import Wire

NOTIFICATIONS, ECHOES = "notifications", "echoes"
_MESSAGES = frozenset({"mention", "reply", "quote"})
_REACTIONS = frozenset({"like", "repost"})
_PAGE = 100
_PARENTS = 10
# How many vanished entries are looked into per reading; the others wait for the next.
_MOST_LOOKED_INTO = 20


class BlueskyReader:
    """Reads one account's notifications and its own posts."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._did = connection.remote_id
        self._handle = connection.handle
        self._web = str(connection.settings.get("web") or "https://bsky.app")
        self._server = Server(connection.base_url, wire, connection.secrets.get("access", ""))
        self._direct = DirectMessages(self._server, self._did, self._web)
        may_read_direct = connection.settings.get("direct") is True
        self.streams: Sequence[str] = (NOTIFICATIONS, ECHOES, *((DIRECT,) if may_read_direct else ()))

    def poll(self, stream: str, cursor: JSON | None) -> Page:
        if stream == DIRECT:
            return self._direct.poll(cursor)
        if stream == NOTIFICATIONS:
            walked = walk(self._notifications, cursor)
            fresh = [e for e in walked.fresh if e.body.get("reason") in _MESSAGES | _REACTIONS]
            fresh = self._with_followers(fresh)
        elif stream == ECHOES:
            walked = walk(self._own_posts, cursor)
            fresh = list(walked.fresh)
        else:
            raise ValueError(f"there is no stream {stream!r}")
        deleted, later = self._look_into(walked)
        items = [RawItem(stream, e.uri, _bytes(e.body)) for e in fresh]
        items += [_deleted(stream, uri, at) for uri, at in deleted]
        return Page(tuple(items), keep_in_mind(walked.cursor, later), gap=walked.gap)

    def recheck(self, remote_ids: Sequence[str]) -> Sequence[RawItem]:
        """Asks for the posts in view, and in its repository for what is in no view (that of
        a blocked account, for one). Posts cannot be edited."""
        uris = [id_ for id_ in remote_ids if id_.startswith("at://")]
        seen = set()
        for n in range(0, len(uris), MOST_VIEWS):
            answer = self._server.query("app.bsky.feed.getPosts", {"uris": uris[n : n + MOST_VIEWS]})
            seen |= {str(view.get("uri")) for view in _objects(answer, "posts")}
        gone = [uri for uri in uris if uri not in seen and self._is_gone(uri)]
        return [_deleted(NOTIFICATIONS, uri, time_of_tid(parse_address(uri).rkey)) for uri in gone]

    def parse(self, item: RawItem) -> Sequence[Inbound]:
        body = _object(item.body)
        if item.stream == DIRECT:
            return self._direct.parse(body)
        if "deleted" in body:
            return [_deletion(body, self._web)]
        if item.stream == ECHOES:
            return [self._echo(body)]
        if body.get("reason") in _REACTIONS:
            return [reaction_of(body, self._web)]
        return [self._message(body)] if body.get("reason") in _MESSAGES else []

    # -- the two lists

    def _notifications(self, position: str) -> tuple[list[Entry], str]:
        """One page. The network's cursor is a moment and excludes it, so entries of the same
        millisecond on both sides of a page's end would be lost: we ask from a little later,
        save where a whole page is of one moment ("=")."""
        asked = position[1:] if position.startswith("=") else _a_little_later(position)
        params: JSON = {"limit": _PAGE, **({"cursor": asked} if asked else {})}
        answer = self._server.query("app.bsky.notification.listNotifications", params)
        entries = [
            Entry(parse_datetime(str(body.get("indexedAt"))), str(parse_address(str(body.get("uri")))), body)
            for body in _objects(answer, "notifications")
        ]
        following = str(answer.get("cursor") or "")
        if following and following == position:
            following = f"={following}" if len(entries) == _PAGE else ""
        return entries, following

    def _with_followers(self, entries: list[Entry]) -> list[Entry]:
        """Who wrote has as many followers as their profile says: no notification does. Where it cannot
        be asked, that is not known, and nothing waits for it."""
        authors = {_did(e): None for e in entries if e.body.get("reason") in _MESSAGES and _did(e)}
        dids, counts = list(authors), dict[str, object]()
        with suppress(ChannelError):
            for n in range(0, len(dids), MOST_VIEWS):
                answer = self._server.query("app.bsky.actor.getProfiles", {"actors": dids[n : n + MOST_VIEWS]})
                counts |= {str(p.get("did")): p.get("followersCount") for p in _objects(answer, "profiles")}
        return [
            replace(e, body={**e.body, "author": {**e.body["author"], "followersCount": counts[_did(e)]}})
            if _did(e) in counts
            else e
            for e in entries
        ]

    def _own_posts(self, position: str) -> tuple[list[Entry], str]:
        params: JSON = {"repo": self._did, "collection": POST, "limit": _PAGE}
        answer = self._server.query(
            "com.atproto.repo.listRecords", {**params, **({"cursor": position} if position else {})}
        )
        entries = []
        for body in _objects(answer, "records"):
            address = parse_address(str(body.get("uri")))
            if is_tid(address.rkey):  # a post under any other key is shown to nobody
                entries.append(Entry(time_of_tid(address.rkey), str(address), body))
        return entries, str(answer.get("cursor") or "")

    def _look_into(self, walked: Walk) -> tuple[list[tuple[str, datetime]], list[tuple[str, datetime]]]:
        """Which of the vanished posts are really gone, and which are left for the next reading."""
        posts = [(uri, at) for uri, at in walked.missing if parse_address(uri).collection == POST]
        gone = [(uri, at) for uri, at in posts[:_MOST_LOOKED_INTO] if self._is_gone(uri)]
        return gone, posts[_MOST_LOOKED_INTO:]

    def _is_gone(self, uri: str) -> bool:
        try:
            get_record(self._server, parse_address(uri))
        except Gone:
            return True
        except Rejected:  # the whole repository is away; it may come back
            return False
        return False

    # -- understanding

    def _message(self, notification: JSON) -> Inbound:
        thread = self._thread(str(notification.get("uri")))
        post = thread.get("post")
        view: JSON = post if isinstance(post, dict) else {}
        record = notification.get("record")
        kind = kind_of(record if isinstance(record, dict) else {}, self._did)
        message = inbound_of({**notification, "embed": view.get("embed")}, kind, self._web)
        if not may_reply(view):
            message = replace(
                message, can_reply=False, cannot_reply_reason=say("its author lets only some people reply")
            )
        above = above_in(thread, self._did, self._web)
        if kind is InboundKind.QUOTE:
            above = self._quoted(record if isinstance(record, dict) else {})
        return replace(message, above=above, raw=notification)

    def _echo(self, listed: JSON) -> Inbound:
        record = listed.get("value")
        view = {
            "uri": listed.get("uri"),
            "cid": listed.get("cid"),
            "author": {"did": self._did, "handle": self._handle},
            "record": record,
            "indexedAt": datetime_text(time_of_tid(parse_address(str(listed.get("uri"))).rkey)),
        }
        echo = inbound_of(view, InboundKind.ECHO, self._web)
        answered = parse_address(echo.in_reply_to).did if echo.in_reply_to else ""
        if answered in ("", self._did):
            return replace(echo, raw=listed)
        above = above_in(self._thread(echo.remote_id), self._did, self._web)
        return replace(echo, recipient_id=answered, above=above, raw=listed)

    def _thread(self, uri: str) -> JSON:
        """A post's view with those it hangs under; empty where it is not (or not yet) there."""
        params = {"uri": uri, "depth": 0, "parentHeight": _PARENTS}
        try:
            thread = self._server.query("app.bsky.feed.getPostThread", params).get("thread")
        except Gone:
            return {}
        return thread if isinstance(thread, dict) else {}

    def _quoted(self, record: Mapping[str, Any]) -> Inbound | None:
        """The post of ours that a record quotes."""
        ours = [uri for uri in quoted_in(record) if uri.startswith(f"at://{self._did}/")]
        posts = _objects(self._server.query("app.bsky.feed.getPosts", {"uris": ours}), "posts") if ours else []
        return inbound_of(posts[0], InboundKind.ECHO, self._web) if posts else None


def _a_little_later(position: str) -> str:
    """A cursor that is a moment, one millisecond on; any other cursor as it is."""
    try:
        return datetime_text(parse_datetime(position) + timedelta(milliseconds=1))
    except Malformed:
        return position


def _did(entry: Entry) -> str:
    author = entry.body.get("author")
    return str(author.get("did") or "") if isinstance(author, dict) else ""


def _objects(answer: Mapping[str, Any], name: str) -> list[JSON]:
    listed = answer.get(name)
    if not isinstance(listed, list) or not all(isinstance(x, dict) for x in listed):
        raise Malformed(say("the answer has no list of {name}", name=name))
    return listed


def _deleted(stream: str, uri: str, at: datetime) -> RawItem:
    return RawItem(stream, f"deleted {uri}", _bytes({"deleted": uri, "at": datetime_text(at)}))


def _bytes(body: JSON) -> bytes:
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def _object(body: bytes) -> JSON:
    try:
        value = json.loads(body)
    except ValueError as e:
        raise Malformed("a stored item that is not JSON") from e
    if not isinstance(value, dict):
        raise Malformed("a stored item that is not an object")
    return value


def _deletion(body: JSON, web: str) -> Inbound:
    address = parse_address(str(body["deleted"]))
    return Inbound(
        remote_id=str(address),
        kind=InboundKind.DELETION,
        surface=Surface.PUBLIC,
        author=Person(address.did, address.did, url=f"{web}/profile/{address.did}"),
        text="",
        remote_at=parse_datetime(str(body.get("at"))),
        thread_root="",
    )
