"""X's own objects turned into ours: posts, direct messages, people, texts, ids."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.answers import followers_in
from channels.contract import JSON, Inbound, InboundKind, Person, RemoteMedia, Surface
from channels.errors import Malformed
from channels.sentences import say

_EPOCH_MS = 1288834974657  # of X's ids (snowflakes)
_MIMES = {"photo": "image/jpeg", "animated_gif": "video/mp4", "video": "video/mp4"}
_LEADING_MENTIONS = re.compile(r"\A(?:@\w{1,15}\s+)+", re.ASCII)

# Why an answer through the API is refused (since February 2026).
NOT_ENGAGED = say("X takes answers only to who mentioned or quoted the account")


# ---------------------------------------------------------------- ids and times


def id_at(when: datetime) -> int:
    """The smallest id that a post made at `when` can have."""
    return max(0, (int(when.timestamp() * 1000) - _EPOCH_MS)) << 22


def time_of(remote_id: str) -> datetime:
    """When the thing with this id was made."""
    return datetime.fromtimestamp(((int(remote_id) >> 22) + _EPOCH_MS) / 1000, UTC)


def moment(value: Any, remote_id: str) -> datetime:
    """A `created_at`; where it is missing or unreadable the id knows."""
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError):
        return time_of(remote_id)


# ---------------------------------------------------------------- texts


def plain_text(text: str, urls: Iterable[Mapping[str, Any]]) -> str:
    """The text as its author wrote it: links unshortened, those that stand for media
    left out, entities resolved."""
    for url in urls:
        short = str(url.get("url", ""))
        if not short:
            continue
        is_media = "media_key" in url
        full = "" if is_media else str(url.get("expanded_url") or url.get("unwound_url") or short)
        text = text.replace(short, html.escape(full, quote=False), 1)
    return html.unescape(text).strip()


def comparable(text: str) -> str:
    """A text reduced to what must agree for two to be the same post: NFC, one space
    between words, no mentions in front (X adds them to answers), URLs without their
    protocol and final slash (X completes them)."""
    text = unicodedata.normalize("NFC", text)
    text = _LEADING_MENTIONS.sub("", " ".join(text.split()) + " ").strip()
    return re.sub(r"https?://(\S+?)/?(?=\s|$)", r"\1", text)


# ---------------------------------------------------------------- people


def person_of(user: Mapping[str, Any] | None, user_id: str) -> Person:
    """A person; with nothing but the id where X withheld the rest."""
    user = user or {}
    handle = str(user.get("username", ""))
    return Person(
        remote_id=user_id,
        handle=handle,
        name=str(user.get("name", "")),
        avatar_url=str(user.get("profile_image_url", "")),
        url=f"https://x.com/{handle}" if handle else "",
        followers=followers_in(_object(user.get("public_metrics")).get("followers_count")),
    )


class Includes:
    """What a page holds besides its items, by id."""

    def __init__(self, includes: Mapping[str, Any]) -> None:
        self.users = {str(u.get("id")): u for u in _objects(includes.get("users"))}
        self.tweets = {str(t.get("id")): t for t in _objects(includes.get("tweets"))}
        self.media = {str(m.get("media_key")): m for m in _objects(includes.get("media"))}

    def person(self, user_id: str) -> Person:
        return person_of(self.users.get(user_id), user_id)

    def files(self, item: Mapping[str, Any]) -> tuple[RemoteMedia, ...]:
        keys = _object(item.get("attachments")).get("media_keys") or ()
        return tuple(_file(self.media[k]) for k in keys if k in self.media)

    def only(self, item: Mapping[str, Any]) -> JSON:
        """What of these concerns one item, so that it can be understood by itself."""
        tweets = [self.tweets[i] for r in references(item) if (i := str(r.get("id"))) in self.tweets]
        ids = {str(i.get(k)) for i in (item, *tweets) for k in ("author_id", "sender_id", "in_reply_to_user_id")}
        ids |= set(str(item.get("dm_conversation_id", "")).split("-"))
        keys = {k for i in (item, *tweets) for k in _object(i.get("attachments")).get("media_keys") or ()}
        return {
            "users": [self.users[i] for i in sorted(ids) if i in self.users],
            "tweets": tweets,
            "media": [self.media[k] for k in sorted(keys) if k in self.media],
        }


def _file(media: Mapping[str, Any]) -> RemoteMedia:
    kind = str(media.get("type", ""))
    variants = [v for v in _objects(media.get("variants")) if v.get("content_type") == "video/mp4"]
    best = max(variants, key=lambda v: int(v.get("bit_rate") or 0), default={})
    url = str(media.get("url") or best.get("url") or media.get("preview_image_url") or "")
    return RemoteMedia(_MIMES.get(kind, "application/octet-stream"), url=url, alt=str(media.get("alt_text", "")))


def references(tweet: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a post refers to: `replied_to`, `quoted`, `retweeted`."""
    return _objects(tweet.get("referenced_tweets"))


def referred(tweet: Mapping[str, Any], kind: str) -> str:
    """The id of what a post refers to in this way, or ""."""
    return next((str(r.get("id", "")) for r in references(tweet) if r.get("type") == kind), "")


# ---------------------------------------------------------------- messages


def post_of(tweet: Mapping[str, Any], includes: Includes, own_id: str, *, with_above: bool = True) -> Inbound:
    """A post as a message. Raises Malformed."""
    newest = str(tweet.get("id", ""))
    author_id = str(tweet.get("author_id", ""))
    if not newest.isdigit() or not author_id or not isinstance(tweet.get("text"), str):
        raise Malformed("a post of X without id, author or text")
    history = [str(i) for i in tweet.get("edit_history_tweet_ids") or () if str(i).isdigit()] or [newest]
    first = history[0]
    made = moment(tweet.get("created_at"), newest)
    mentioned = [str(m.get("id", "")) for m in _objects(_object(tweet.get("entities")).get("mentions"))]
    parent, quoted = referred(tweet, "replied_to"), referred(tweet, "quoted")
    quotes_us = str(includes.tweets.get(quoted, {}).get("author_id", "")) == own_id
    is_own = author_id == own_id
    can_reply = is_own or own_id in mentioned or quotes_us
    author = includes.person(author_id)
    return Inbound(
        remote_id=first,
        kind=_kind(is_own, str(tweet.get("in_reply_to_user_id", "")) == own_id, quotes_us),
        surface=Surface.PUBLIC,
        author=author,
        text=_full_text(tweet),
        remote_at=made if first == newest else time_of(first),
        thread_root=str(tweet.get("conversation_id") or first),
        in_reply_to=parent,
        recipient_id=_recipient(tweet, own_id) if is_own else "",
        url=f"https://x.com/{author.handle or 'i'}/status/{newest}",
        language="" if tweet.get("lang") in (None, "und", "zxx", "qme") else str(tweet["lang"]),
        media=includes.files(tweet),
        edited_at=made if first != newest else None,
        can_reply=can_reply,
        cannot_reply_reason="" if can_reply else NOT_ENGAGED,
        context={"mentioned_ids": [i for i in dict.fromkeys(mentioned) if i], "newest_id": newest},
        raw=dict(tweet),
        above=_above(includes, parent or quoted, own_id) if with_above else None,
    )


def _kind(is_own: bool, answers_us: bool, quotes_us: bool) -> InboundKind:
    if is_own:
        return InboundKind.ECHO
    if quotes_us:
        return InboundKind.QUOTE
    return InboundKind.REPLY if answers_us else InboundKind.MENTION


def _recipient(tweet: Mapping[str, Any], own_id: str) -> str:
    to = str(tweet.get("in_reply_to_user_id") or "")
    return "" if to == own_id else to


def _above(includes: Includes, tweet_id: str, own_id: str) -> Inbound | None:
    tweet = includes.tweets.get(tweet_id)
    try:
        return post_of(tweet, includes, own_id, with_above=False) if tweet else None
    except Malformed:
        return None


def _full_text(tweet: Mapping[str, Any]) -> str:
    """A long post keeps its full text apart (`note_tweet`)."""
    note = _object(tweet.get("note_tweet"))
    whole = note if isinstance(note.get("text"), str) else tweet
    return plain_text(str(whole["text"]), _objects(_object(whole.get("entities")).get("urls")))


def message_of(event: Mapping[str, Any], includes: Includes, own_id: str) -> Inbound:
    """A direct message. Raises Malformed."""
    number, sender = str(event.get("id", "")), str(event.get("sender_id", ""))
    conversation = str(event.get("dm_conversation_id", ""))
    if not number.isdigit() or not sender or not conversation:
        raise Malformed("a direct message of X without id, sender or conversation")
    is_own = sender == own_id
    others = [p for p in conversation.split("-") if p != own_id] if "-" in conversation else []
    return Inbound(
        remote_id=number,
        kind=InboundKind.ECHO if is_own else InboundKind.DIRECT,
        surface=Surface.DIRECT,
        author=includes.person(sender),
        text=plain_text(str(event.get("text", "")), _objects(_object(event.get("entities")).get("urls"))),
        remote_at=moment(event.get("created_at"), number),
        thread_root=conversation,
        recipient_id=others[0] if is_own and others else "",
        media=includes.files(event),
        context={"dm_conversation_id": conversation},
        raw=dict(event),
    )


def is_between(when: datetime, start: datetime, length: timedelta, skew: timedelta) -> bool:
    """Whether X can have made it, at `when`, of a request begun at `start`."""
    return start - skew <= when <= start + length + skew


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []
