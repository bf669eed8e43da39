"""The addresses of API v2 that a company's account uses: users, posts, timelines,
search for quotes, direct messages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Flask, g, jsonify, request

from channels.rehearsal.store import Doc
from channels.rehearsal.x import texts
from channels.rehearsal.x.oauth import Gate
from channels.rehearsal.x.replies import Problem, answering
from channels.rehearsal.x.world import XWorld

_ALWAYS = ("id", "text", "edit_history_tweet_ids")
_MOST = {"mentions": 800, "tweets": 3200}
NOT_ENGAGED = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the "
    "author of the post you are replying to."
)


class Api:
    """One method for each address."""

    def __init__(self, world: XWorld) -> None:
        self._world = world

    @staticmethod
    def _caller() -> Doc:
        caller: Doc = g.caller  # `answering` has checked who it is
        return caller

    # -- users

    def me(self) -> Any:
        return jsonify(data=_user(self._caller(), _asked("user.fields")))

    def by_username(self, username: str) -> Any:
        person = self._world.find_person(username)
        if person is not None:
            return jsonify(data=_user(person, _asked("user.fields")))
        said = f"Could not find user with username: [{username}]."
        where = {"value": username, "parameter": "username", "resource_id": username, "resource_type": "user"}
        kind = "https://api.twitter.com/2/problems/resource-not-found"
        return jsonify(errors=[{**where, "detail": said, "title": "Not Found Error", "type": kind}])

    # -- posting

    def create(self) -> Any:
        author, body = self._caller(), request.get_json(force=True)
        text = body.get("text", "")
        media = self._media(author, body.get("media", {}).get("media_ids", []))
        reply = body.get("reply", {})
        target = self._target(author, reply.get("in_reply_to_tweet_id"))
        quoted = self._target(author, body.get("quote_tweet_id"), replying=False)
        self._check_text(text, bool(media), texts.LONGEST, texts.weight(text))
        with self._world.store.lock:
            if self._world.is_duplicate(author, text, target["id"] if target else ""):
                raise Problem(403, "You are not allowed to create a Tweet with duplicate content.")
            self._count_day()
            tweet = self._world.publish(
                author,
                text,
                media=media,
                in_reply_to=target,
                quotes=quoted,
                without=reply.get("exclude_reply_user_ids", ()),
            )
        return jsonify(data={k: tweet[k] for k in _ALWAYS}), 201

    def _count_day(self) -> None:
        world = self._world
        day = int(time.time()) // 86400
        number, used = world.used.get("app", (day, 0))
        used = used + 1 if number == day else 1
        g.headers = {
            "x-app-limit-24hour-limit": str(world.posts_a_day),
            "x-app-limit-24hour-remaining": str(max(world.posts_a_day - used, 0)),
            "x-app-limit-24hour-reset": str((day + 1) * 86400),
        }
        if used > world.posts_a_day:
            raise Problem(429, "Too Many Requests", g.headers)
        world.used["app"] = (day, used)

    @staticmethod
    def _check_text(text: Any, has_media: bool, most: int, length: int) -> None:
        if not isinstance(text, str) or not (text.strip() or has_media):
            raise Problem(400, "One or more parameters to your request was invalid.")
        if length > most:
            raise Problem(400, "Your text is too long.")

    def _media(self, author: Doc, ids: Sequence[str]) -> list[Doc]:
        found = [self._world.store.get("media", i) for i in ids]
        if any(m is None or m["owner"] != author["id"] or m["state"] != "ready" for m in found):
            raise Problem(400, "Your media IDs are invalid.")
        media = [m for m in found if m]
        alone = [m for m in media if not m["mime"].startswith("image/") or m["mime"] == "image/gif"]
        if len(media) > 4 or (alone and len(media) > 1):
            raise Problem(400, "Too many media were attached.")
        if any(m["ready_at"] > time.time() for m in media):
            raise Problem(400, "Your media is still being processed.")
        return media

    def _target(self, author: Doc, tweet_id: str | None, *, replying: bool = True) -> Doc | None:
        if not tweet_id:
            return None
        target = self._world.store.get("tweet", tweet_id)
        if target is None or target["deleted"]:
            raise Problem(
                400, "The post that you are replying to or quoting has been deleted or is not visible to you."
            )
        if replying and not self._is_engaged(author, target):
            raise Problem(403, NOT_ENGAGED)
        return target

    def _is_engaged(self, author: Doc, target: Doc) -> bool:
        """Since February 2026: only to oneself, or to whoever mentioned or quoted one."""
        if target["author_id"] == author["id"]:
            return True
        if any(m["id"] == author["id"] for m in target["entities"].get("mentions", ())):
            return True
        quoted = (self._world.store.get("tweet", r["id"]) for r in target["referenced_tweets"] if r["type"] == "quoted")
        return any(q is not None and q["author_id"] == author["id"] for q in quoted)

    def delete(self, tweet_id: str) -> Any:
        author, tweet = self._caller(), self._world.store.get("tweet", tweet_id)
        if tweet is not None and tweet["author_id"] != author["id"]:
            raise Problem(403, "You are not authorized to delete this Tweet.")
        if tweet is not None and not tweet["deleted"]:
            self._world.delete(tweet, author)
        return jsonify(data={"deleted": True})

    # -- what an account does with posts

    def like(self, user_id: str) -> Any:
        return self._liked(user_id, str(request.get_json(force=True).get("tweet_id", "")), True)

    def unlike(self, user_id: str, tweet_id: str) -> Any:
        return self._liked(user_id, tweet_id, False)

    def _liked(self, user_id: str, tweet_id: str, wanted: bool) -> Any:
        caller = self._caller()
        if user_id != caller["id"]:
            raise Problem(403, "You are not authorized to act on behalf of this user.")
        tweet = self._there(tweet_id)
        self._world.act_on(tweet, caller, "liked_by", "like" if wanted else "unlike", wanted)
        return jsonify(data={"liked": wanted})

    def hide(self, tweet_id: str) -> Any:
        caller, body = self._caller(), request.get_json(force=True)
        if not isinstance(body.get("hidden"), bool):
            raise Problem(400, "One or more parameters to your request was invalid.")
        tweet = self._there(tweet_id)
        root = self._world.store.get("tweet", tweet["conversation_id"])
        if root is None or root["author_id"] != caller["id"] or root["id"] == tweet["id"]:
            raise Problem(403, "You are not allowed to hide this Tweet.")
        self._world.act_on(tweet, caller, "hidden_by", "hide" if body["hidden"] else "unhide", body["hidden"])
        return jsonify(data={"hidden": body["hidden"]})

    def _there(self, tweet_id: str) -> Doc:
        tweet = self._world.store.get("tweet", tweet_id)
        if tweet is None or tweet["deleted"]:
            raise Problem(404, f"Could not find tweet with id: [{tweet_id}].")
        return tweet

    # -- reading posts

    def mentions(self, user_id: str) -> Any:
        return self._timeline(user_id, self._world.mentions_of.get(user_id, []), _MOST["mentions"])

    def tweets(self, user_id: str) -> Any:
        return self._timeline(user_id, self._world.posts_of.get(user_id, []), _MOST["tweets"])

    def _timeline(self, user_id: str, ids: Iterable[str], most: int) -> Any:
        if user_id != self._caller()["id"]:
            raise Problem(403, "Rehearsed for one's own account only.")
        return self._page_of_tweets(sorted(ids, key=int, reverse=True)[:most])

    def lookup(self) -> Any:
        return self._page_of_tweets(_asked("ids"))

    def search(self) -> Any:
        query = request.args.get("query", "")
        names = {n.lower() for n in re.findall(r"url:\"(?:x|twitter)\.com/(\w+)/status", query)}
        if "is:quote" not in query or len(names) != 1:
            raise Problem(400, "Only the search for quotes of an account is rehearsed.")
        quoted_author = self._world.find_person(names.pop())
        found = [
            t["id"]
            for t in self._world.store.all("tweet")
            if quoted_author
            and t["author_id"] != quoted_author["id"]
            and any(r["type"] == "quoted" and self._is_by(r["id"], quoted_author) for r in t["referenced_tweets"])
        ]
        return self._page_of_tweets(sorted(found, key=int, reverse=True))

    def _is_by(self, tweet_id: str, author: Doc) -> bool:
        tweet = self._world.store.get("tweet", tweet_id)
        return tweet is not None and tweet["author_id"] == author["id"]

    def _page_of_tweets(self, ids: Sequence[str]) -> Any:
        tweets = [t for i in ids if (t := self._world.tweet(i)) is not None]
        tweets = [t for t in tweets if all(holds(t) for holds in _filters())]
        page, meta = _paged(tweets)
        fields = (*_ALWAYS, *_asked("tweet.fields"))
        answer: Doc = {"data": [_only(t, fields) for t in page]} if page else {}
        includes = self._includes(page, fields)
        if includes:
            answer["includes"] = includes
        if page:
            meta = {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"], **meta}
        return jsonify(**answer, meta=meta)

    def _includes(self, page: Sequence[Doc], fields: Sequence[str]) -> Doc:
        wanted, store = _asked("expansions"), self._world.store
        users: dict[str, None] = {}
        tweets: dict[str, None] = {}
        media: dict[str, None] = {}
        for item in page:
            if "author_id" in wanted:
                users[item["author_id"]] = None
            if "sender_id" in wanted:
                users[item["sender_id"]] = None
            if "participant_ids" in wanted:
                users.update(dict.fromkeys(item.get("participants", ())))
            if "in_reply_to_user_id" in wanted and item.get("in_reply_to_user_id"):
                users[item["in_reply_to_user_id"]] = None
            if "referenced_tweets.id" in wanted:
                tweets.update(dict.fromkeys(r["id"] for r in item["referenced_tweets"]))
            if "attachments.media_keys" in wanted:
                media.update(dict.fromkeys(item["attachments"].get("media_keys", ())))
        referenced = [t for i in tweets if (t := self._world.tweet(i))]
        if "referenced_tweets.id.author_id" in wanted:
            users.update(dict.fromkeys(t["author_id"] for t in referenced))
        parts = {
            "users": [_user(self._world.person(u), _asked("user.fields")) for u in users],
            "tweets": [_only(t, fields) for t in referenced],
            "media": [_medium(m) for k in media if (m := store.get("media", k.partition("_")[2]))],
        }
        return {k: v for k, v in parts.items() if v}

    # -- direct messages

    def messages(self, participant_id: str = "") -> Any:
        me = self._caller()["id"]
        events = [
            e
            for e in reversed(self._world.store.all("dm"))
            if me in e["participants"]
            and (not participant_id or participant_id in e["participants"])
            and self._world.readable(e)
        ]
        page, meta = _paged(events)
        fields = ("id", "event_type", "text", *_asked("dm_event.fields"))
        answer: Doc = {"data": [_only(e, fields) for e in page]} if page else {}
        includes = self._includes(page, ())
        if includes:
            answer["includes"] = includes
        return jsonify(**answer, meta=meta)

    def write(self, participant_id: str) -> Any:
        sender, body = self._caller(), request.get_json(force=True)
        recipient = self._world.store.get("person", participant_id)
        if recipient is None:
            raise Problem(403, "You cannot send messages to this user.")
        media = self._media(sender, [a["media_id"] for a in body.get("attachments", [])])
        text = body.get("text", "")
        self._check_text(text, bool(media), texts.LONGEST_DIRECT, len(text))
        event = self._world.message(sender, recipient, text, media)
        data = {"dm_conversation_id": event["dm_conversation_id"], "dm_event_id": event["id"]}
        return jsonify(data=data), 201

    def unsend(self, event_id: str) -> Any:
        me, event = self._caller(), self._world.store.get("dm", event_id)
        if event is None:
            raise Problem(404, "Could not find the event.")
        if event["sender_id"] != me["id"]:
            raise Problem(403, "You are not authorized to delete this event.")
        self._world.unsend(event, me)
        return jsonify(data={"deleted": True})


def api_routes(app: Flask, world: XWorld, gate: Gate) -> None:
    """Mount the addresses of API v2."""
    api = Api(world)
    for method, path, counted_as, view in (
        ("GET", "/2/users/me", "/2/users/me", api.me),
        ("GET", "/2/users/by/username/<username>", "/2/users/by/username", api.by_username),
        ("POST", "/2/tweets", "/2/tweets", api.create),
        ("GET", "/2/tweets", "/2/tweets", api.lookup),
        ("DELETE", "/2/tweets/<tweet_id>", "/2/tweets", api.delete),
        ("PUT", "/2/tweets/<tweet_id>/hidden", "/2/tweets/hidden", api.hide),
        ("POST", "/2/users/<user_id>/likes", "/2/users/likes", api.like),
        ("DELETE", "/2/users/<user_id>/likes/<tweet_id>", "/2/users/likes", api.unlike),
        ("GET", "/2/users/<user_id>/mentions", "/2/users/mentions", api.mentions),
        ("GET", "/2/users/<user_id>/tweets", "/2/users/tweets", api.tweets),
        ("GET", "/2/tweets/search/recent", "/2/tweets/search/recent", api.search),
        ("GET", "/2/dm_events", "/2/dm_events", api.messages),
        ("GET", "/2/dm_conversations/with/<participant_id>/dm_events", "/2/dm_events", api.messages),
        ("POST", "/2/dm_conversations/with/<participant_id>/messages", "/2/dm_conversations", api.write),
        ("DELETE", "/2/dm_events/<event_id>", "/2/dm_events", api.unsend),
    ):
        view = answering(world, gate, f"{method} {counted_as}", view)
        app.add_url_rule(path, f"{method} {path}", view, methods=[method])


# -- parameters and shapes


def _asked(name: str) -> tuple[str, ...]:
    return tuple(f for f in request.args.get(name, "").split(",") if f)


def _filters() -> list[Callable[[Doc], bool]]:
    args, holds = request.args, []
    if args.get("since_id"):
        holds.append(lambda t: int(t["id"]) > int(args["since_id"]))
    if args.get("until_id"):
        holds.append(lambda t: int(t["id"]) < int(args["until_id"]))
    if args.get("start_time"):
        holds.append(lambda t: _time(t["created_at"]) >= _time(args["start_time"]))
    if args.get("end_time"):
        holds.append(lambda t: _time(t["created_at"]) < _time(args["end_time"]))
    return holds


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _paged(items: Sequence[Doc]) -> tuple[Sequence[Doc], Doc]:
    """One page, newest first, continued by a token that holds the last id."""
    size = request.args.get("max_results", "10")
    if not size.isdigit() or not 1 <= int(size) <= 100:
        raise Problem(400, "The `max_results` query parameter value is not valid.")
    token = request.args.get("pagination_token") or request.args.get("next_token")
    if token:
        if not re.fullmatch(r"b26v\d+", token):
            raise Problem(400, "The `pagination_token` query parameter value is not valid.")
        items = [i for i in items if int(i["id"]) < int(token[4:])]
    page = items[: int(size)]
    meta: Doc = {"result_count": len(page)}
    if len(items) > len(page):
        meta["next_token"] = f"b26v{page[-1]['id']}"
    return page, meta


def _only(doc: Doc, fields: Sequence[str]) -> Doc:
    """Empty fields are left out, as X does."""
    return {k: doc[k] for k in dict.fromkeys(fields) if doc.get(k)}


def _user(person: Doc, fields: Sequence[str]) -> Doc:
    shown = {
        **person,
        "profile_image_url": f"https://pbs.twimg.com/profile_images/{person['id']}/a_normal.png",
        "verified": False,
        "public_metrics": {"followers_count": person.get("followers", 0), "following_count": 0, "tweet_count": 0},
    }
    return {k: shown[k] for k in ("id", "name", "username", *fields) if k in shown}


def _medium(media: Doc) -> Doc:
    kind = {"image/gif": "animated_gif"}.get(media["mime"], "photo" if "image" in media["mime"] else "video")
    view = {"media_key": media["media_key"], "type": kind}
    if kind == "photo":
        view["url"] = f"https://pbs.twimg.com/media/{media['id']}.jpg"
    if media.get("alt"):
        view["alt_text"] = media["alt"]
    return view
