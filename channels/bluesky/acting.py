"""What an account does with other people's posts: likes them, and hides answers in its own threads.

A like is a record of ours under a key that we choose: that of the post it likes. So it is there
once however often it is asked for, and is found again to be taken away. (A like given in an app
has another key; the network counts both as one, and taking ours away leaves that one.)
Hidden answers stand in the thread's gate, a record beside its first post, which is read, changed
and put back only where nobody changed it meanwhile. Only the account whose post began the
thread has one.
Source: lexicons app.bsky.feed.like and app.bsky.feed.threadgate; com.atproto.repo.putRecord.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from channels.bluesky.syntax import datetime_text, is_tid, parse_address
from channels.bluesky.xrpc import Server, object_in, text_in
from channels.contract import JSON, Target
from channels.errors import Gone, Rejected
from channels.sentences import say

LIKE, GATE = "app.bsky.feed.like", "app.bsky.feed.threadgate"
MOST_HIDDEN = 300  # lexicon app.bsky.feed.threadgate, hiddenReplies


class Acts:
    """On behalf of one account. `fetched` gives a post's content hash and its thread's root."""

    def __init__(self, server: Server, did: str, fetched: Callable[[Target], tuple[str, Mapping[str, Any]]]) -> None:
        self._server, self._did, self._fetched = server, did, fetched

    def like(self, target: Target, at: datetime) -> None:
        key = _key_of(target)
        cid = target.context.get("cid") or self._fetched(target)[0]
        subject = {"uri": target.remote_id, "cid": cid}
        self._put(LIKE, key, {"$type": LIKE, "subject": subject, "createdAt": datetime_text(at)})

    def unlike(self, target: Target) -> None:
        self._server.procedure(
            "com.atproto.repo.deleteRecord", {"repo": self._did, "collection": LIKE, "rkey": _key_of(target)}
        )

    def hide(self, target: Target, at: datetime) -> None:
        root = self._own_root(target)
        key = parse_address(root).rkey
        gate, cid = self._gate(key)
        hidden = _hidden_in(gate)
        if target.remote_id in hidden:
            return
        if len(hidden) >= MOST_HIDDEN:
            raise Rejected(
                say("Bluesky keeps at most {most} hidden answers for a thread", most=MOST_HIDDEN),
                code="too_many_hidden",
            )
        gate = gate or {"$type": GATE, "post": root, "createdAt": datetime_text(at)}
        self._put(GATE, key, {**gate, "hiddenReplies": [*hidden, target.remote_id]}, swapRecord=cid)

    def unhide(self, target: Target) -> None:
        key = parse_address(self._own_root(target)).rkey
        gate, cid = self._gate(key)
        hidden = _hidden_in(gate)
        if gate is None or target.remote_id not in hidden:
            return
        left = [uri for uri in hidden if uri != target.remote_id]
        self._put(GATE, key, {**gate, "hiddenReplies": left}, swapRecord=cid)

    def _own_root(self, target: Target) -> str:
        root = target.context.get("root")
        uri = str(root.get("uri", "")) if isinstance(root, Mapping) else target.thread_root
        if not uri.startswith(f"at://{self._did}/") or uri == target.remote_id:
            raise Rejected("only answers in a thread of the account's own can be hidden", code="not_our_thread")
        return uri

    def _gate(self, key: str) -> tuple[JSON | None, str | None]:
        """The gate and its hash; None and None where there is none."""
        try:
            answer = self._server.query(
                "com.atproto.repo.getRecord", {"repo": self._did, "collection": GATE, "rkey": key}
            )
        except Gone:
            return None, None
        return object_in(answer, "value"), text_in(answer, "cid")

    def _put(self, collection: str, key: str, record: JSON, **how: Any) -> None:
        answer = self._server.procedure(
            "com.atproto.repo.putRecord",
            {"repo": self._did, "collection": collection, "rkey": key, "record": record, **how},
        )
        text_in(answer, "uri")


def _key_of(target: Target) -> str:
    key = parse_address(target.remote_id).rkey
    if not is_tid(key):
        raise Rejected("this post has a key that no like can have", code="odd_key")
    return key


def _hidden_in(gate: Mapping[str, Any] | None) -> list[str]:
    found = (gate or {}).get("hiddenReplies")
    return [uri for uri in found if isinstance(uri, str)] if isinstance(found, list) else []
