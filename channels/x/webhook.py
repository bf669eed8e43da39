"""X's webhooks: proof of ownership, signature, and the shape of account activity,
which is that of the older API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from channels.contract import JSON, Connection, Inbound, InboundKind, Person, RawItem, Surface
from channels.errors import Forged, Gone, Malformed, Misdirected
from channels.sentences import say
from channels.x import shapes

STREAM = "webhook"
_SIGNATURE = "x-twitter-webhooks-signature"
_SECRET = (_SIGNATURE, "authorization", "cookie")


class XReceiver:
    """Answers X's challenge and checks what it delivers. The key is the application's."""

    def __init__(self, connection: Connection) -> None:
        self._secret = connection.app.api_secret.encode()
        self._own_id = connection.remote_id

    def challenge(self, query: Mapping[str, str]) -> JSON | str | None:
        """X asks with `crc_token`, at registration and then every hour."""
        token = query.get("crc_token")
        return {"response_token": self._sign(token.encode())} if token and self._secret else None

    def verify(self, headers: Mapping[str, str], body: bytes) -> RawItem:
        """Check the signature over the raw body, and whom it is for: the key is the same for
        all accounts of the application, so a true delivery may come to the wrong address.
        Raises Forged; Misdirected, which names the account that it is for."""
        given = headers.get(_SIGNATURE, "")
        if not self._secret or not hmac.compare_digest(given.encode(), self._sign(body).encode()):
            raise Forged("the signature of the delivery does not hold")
        recipient = _recipient(body)
        if recipient not in ("", self._own_id):
            raise Misdirected("the delivery is for another account", recipient=recipient)
        kept = {k: v for k, v in headers.items() if k.lower() not in _SECRET}
        return RawItem(STREAM, hashlib.sha256(body).hexdigest(), body, kept)

    def _sign(self, body: bytes) -> str:
        return "sha256=" + base64.b64encode(hmac.new(self._secret, body, hashlib.sha256).digest()).decode()


def _recipient(body: bytes) -> str:
    """The id of the account that a delivery is for; "" where it does not say."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""  # kept as it is: a person will look at it
    return str(told.get("for_user_id") or "") if isinstance(told, dict) else ""


LookUp = Callable[[str], Inbound]


def understand(body: Mapping[str, Any], own_id: str, look_up: LookUp) -> Sequence[Inbound]:
    """Every post, deletion and direct message of one delivery.

    The older shape does not name the conversation that an answer belongs to, so
    answers are looked up. Raises Malformed, and what `look_up` raises.
    """
    try:
        posts = [_post(t, own_id) for t in body.get("tweet_create_events", ()) if "retweeted_status" not in t]
        found = [_looked_up(p, look_up) if p.in_reply_to else p for p in posts]
        found += [_deletion(d) for d in body.get("tweet_delete_events", ())]
        users = body.get("users") or {}
        events = body.get("direct_message_events", ())
        return [*found, *(_message(e, users, own_id) for e in events if e.get("type") == "message_create")]
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise Malformed(say("a delivery of X that cannot be understood: {fault}", fault=type(e).__name__)) from e


def _looked_up(post: Inbound, look_up: LookUp) -> Inbound:
    try:
        return look_up(str(post.context["newest_id"]))
    except Gone:
        return post  # deleted meanwhile: what was delivered is all there is


def _post(tweet: Mapping[str, Any], own_id: str) -> Inbound:
    """Put a post of the older shape into the newer one, and understand that."""
    whole = tweet.get("extended_tweet") or {}
    entities = whole.get("entities") or tweet.get("entities") or {}
    quoted = tweet.get("quoted_status") or {}
    references = []
    if tweet.get("in_reply_to_status_id_str"):
        references.append({"type": "replied_to", "id": tweet["in_reply_to_status_id_str"]})
    if quoted:
        references.append({"type": "quoted", "id": quoted["id_str"]})
    media = (whole.get("extended_entities") or tweet.get("extended_entities") or {}).get("media", ())
    urls = [*entities.get("urls", ()), *({"url": m["url"], "media_key": m["id_str"]} for m in media)]
    mentions = [{"id": m["id_str"]} for m in entities.get("user_mentions", ())]
    newer = {
        "id": tweet["id_str"],
        "author_id": tweet["user"]["id_str"],
        "text": whole.get("full_text") or tweet["text"],
        "created_at": datetime.fromtimestamp(int(tweet["timestamp_ms"]) / 1000, UTC).isoformat()
        if tweet.get("timestamp_ms")
        else None,
        "entities": {"urls": urls, "mentions": mentions},
        "attachments": {"media_keys": [m["id_str"] for m in media]},
        "in_reply_to_user_id": tweet.get("in_reply_to_user_id_str") or "",
        "referenced_tweets": references,
        "lang": tweet.get("lang"),
        # For an answer this is but the nearest that the older shape names: see `understand`.
        "conversation_id": tweet.get("in_reply_to_status_id_str") or tweet["id_str"],
        "edit_history_tweet_ids": (tweet.get("edit_history") or {}).get("initial_tweet_id")
        and [tweet["edit_history"]["initial_tweet_id"], tweet["id_str"]],
    }
    includes = shapes.Includes(
        {
            "users": [_user(tweet["user"])],
            "tweets": [{"id": quoted["id_str"], "author_id": quoted["user"]["id_str"]}] if quoted else [],
            "media": [_medium(m) for m in media],
        }
    )
    return shapes.post_of(newer, includes, own_id)


def _user(user: Mapping[str, Any]) -> JSON:
    return {
        "id": user["id_str"],
        "name": user.get("name", ""),
        "username": user["screen_name"],
        "profile_image_url": user.get("profile_image_url_https", ""),
        "public_metrics": _metrics(user),
    }


def _metrics(user: Mapping[str, Any]) -> JSON:
    return {"followers_count": user.get("followers_count")}


def _medium(media: Mapping[str, Any]) -> JSON:
    return {
        "media_key": media["id_str"],
        "type": media.get("type", "photo"),
        "url": media.get("media_url_https", ""),
        "alt_text": media.get("ext_alt_text") or "",
    }


def _deletion(event: Mapping[str, Any]) -> Inbound:
    status = event["status"]
    author = Person(str(status["user_id"]), "")
    when = datetime.fromtimestamp(int(event["timestamp_ms"]) / 1000, UTC)
    number = str(status["id"])
    return Inbound(number, InboundKind.DELETION, Surface.PUBLIC, author, "", when, number, raw=dict(event))


def _message(event: Mapping[str, Any], users: Mapping[str, Any], own_id: str) -> Inbound:
    created = event["message_create"]
    sender, recipient = str(created["sender_id"]), str(created["target"]["recipient_id"])
    data = created["message_data"]
    pair = sorted((sender, recipient), key=int)
    newer = {
        "id": str(event["id"]),
        "sender_id": sender,
        "dm_conversation_id": "-".join(pair),
        "text": data.get("text", ""),
        "entities": data.get("entities") or {},
        "created_at": datetime.fromtimestamp(int(event["created_timestamp"]) / 1000, UTC).isoformat(),
    }
    known = [
        {"id": k, "name": u.get("name", ""), "username": u.get("screen_name", ""), "public_metrics": _metrics(u)}
        for k, u in users.items()
    ]
    return shapes.message_of(newer, shapes.Includes({"users": known}), own_id)
