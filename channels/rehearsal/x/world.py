"""The world of the rehearsed X: who is there, what was said, and how customers are made to speak.

It knows no route; `network.py` puts addresses in front of it.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from channels.rehearsal.base import Network, utc_text
from channels.rehearsal.store import Doc, Store
from channels.rehearsal.x import texts

# Known to everybody: a rehearsal has no secrets.
API_KEY = CLIENT_ID = "rehearsal"
API_SECRET = CLIENT_SECRET = "rehearsal-secret"  # noqa: S105

# (calls, seconds) for each user and route; "*" is every other route. docs.x.com, April 2026.
DEFAULT_RATES: Mapping[str, tuple[int, int]] = {
    "POST /2/tweets": (100, 900),
    "DELETE /2/tweets": (50, 900),
    "GET /2/users/mentions": (300, 900),
    "GET /2/users/tweets": (900, 900),
    "GET /2/dm_events": (15, 900),
    "GET /2/tweets/search/recent": (300, 900),
    "POST /2/dm_conversations": (15, 900),
    "*": (900, 900),
}
ACCESS_LIFE = 7200  # seconds that an OAuth 2 access token lives
POSTS_A_DAY = 10_000  # of the whole application
DUPLICATE_FOR = timedelta(hours=24)
_EPOCH_MS = 1288834974657  # of X's ids


class XWorld(Network):
    """X as far as a company's accounts see it.

    `rates` overrides what DEFAULT_RATES says (benchmarks raise it); `processing`
    is how long a video is being processed, in seconds; `access_life` how long an
    OAuth 2 access token lives.
    """

    name = "x"
    api_key, api_secret, client_id, client_secret = API_KEY, API_SECRET, CLIENT_ID, CLIENT_SECRET

    def __init__(
        self,
        store: Store | None = None,
        *,
        rates: Mapping[str, tuple[int, int]] | None = None,
        posts_a_day: int = POSTS_A_DAY,
        processing: float = 0.0,
        access_life: int = ACCESS_LIFE,
    ) -> None:
        self.store = store or Store()
        self.rates = {**DEFAULT_RATES, **(rates or {})}
        self.posts_a_day = posts_a_day
        self.processing = processing
        self.access_life = access_life
        self._last_id = 0
        self.used: dict[str, tuple[int, int]] = {}  # calls by user and route, in the current window
        self.posts_of: dict[str, list[str]] = defaultdict(list)
        self.mentions_of: dict[str, list[str]] = defaultdict(list)
        self._said: dict[tuple[str, str], tuple[float, str]] = {}  # author, digest → when, post
        super().__init__(self.store)
        for tweet in self.store.all("tweet"):
            self._index(tweet)

    def push(self, event: str, doc: Doc) -> None:
        """Tell whoever listens that a "post", a "deletion" or a "message" has happened."""
        raise NotImplementedError

    # -- people

    def seed_company(self, username: str, name: str) -> Doc:
        """A user of the company, offered on the consent pages. Harmless if there already."""
        return self._settle(username, name, "company")

    def _settle(self, username: str, name: str, kind: str) -> Doc:
        with self.store.lock:
            found = self.find_person(username)
            if found:
                return found
            number = self.new_id()
            person = {"id": number, "username": username, "handle": username, "name": name, "kind": kind}
            return self.store.put("person", number, {**person, "created_at": utc_text()})

    def person(self, user_id: str) -> Doc:
        """The person with this id. Raises KeyError."""
        found = self.store.get("person", user_id)
        if found is None:
            raise KeyError(f"no user {user_id}")
        return found

    def find_person(self, username: str) -> Doc | None:
        return self.by_username().get(username.lstrip("@").lower())

    def by_username(self) -> dict[str, Doc]:
        return {p["username"].lower(): p for p in self.store.all("person")}

    def companies(self) -> list[Doc]:
        return self.store.all("person", lambda p: bool(p["kind"] == "company"))

    # -- ids

    def new_id(self) -> str:
        """An id that says its time in its upper bits, as X's do, and always grows."""
        with self.store.lock:
            self._last_id = max(self._last_id + 1, (int(time.time() * 1000) - _EPOCH_MS) << 22)
            return str(self._last_id)

    # -- posts

    def tweet(self, tweet_id: str) -> Doc | None:
        """A post that can be read now."""
        found = self.store.get("tweet", tweet_id)
        return found if found and not found["deleted"] and self.readable(found) else None

    def is_duplicate(self, author: Doc, text: str, in_reply_to: str) -> bool:
        """Whether this author said the same, in the same place, within the last day."""
        said_at, tweet_id = self._said.get((author["id"], _digest(text, in_reply_to)), (0.0, ""))
        return said_at > time.time() - DUPLICATE_FOR.total_seconds() and not self._is_gone(tweet_id)

    def _is_gone(self, tweet_id: str) -> bool:
        found = self.store.get("tweet", tweet_id)
        return found is None or bool(found["deleted"])

    def publish(
        self,
        author: Doc,
        text: str,
        *,
        media: Sequence[Doc] = (),
        in_reply_to: Doc | None = None,
        quotes: Doc | None = None,
        without: Sequence[str] = (),
        edit_of: Doc | None = None,
    ) -> Doc:
        """Make a post public. `without` are user ids that a reply shall not mention."""
        with self.store.lock:
            number = self.new_id()
            addressed = self._addressed(author, in_reply_to, without)
            spoken = self._with_mentions(text, addressed)
            shown, urls = texts.wrapped(spoken, list(media), number[-8:])
            mentions = texts.mention_entities(shown, self.by_username())
            history = [*(edit_of["edit_history_tweet_ids"] if edit_of else ()), number]
            tweet = {
                "id": number,
                "author_id": author["id"],
                "text": texts.escaped(shown),
                "created_at": utc_text(),
                "conversation_id": in_reply_to["conversation_id"] if in_reply_to else history[0],
                "in_reply_to_user_id": in_reply_to["author_id"] if in_reply_to else None,
                "referenced_tweets": _references(in_reply_to, quotes),
                "entities": {k: v for k, v in (("urls", urls), ("mentions", mentions)) if v},
                "attachments": {"media_keys": [m["media_key"] for m in media]} if media else {},
                "edit_history_tweet_ids": history,
                "lang": "fr",
                "visible_at": self.visible_at(),
                "deleted": False,
            }
            self.store.put("tweet", number, tweet)
            self._index(tweet)
            digest = _digest(text, in_reply_to["id"] if in_reply_to else "")
            self._said[author["id"], digest] = (time.time(), number)
            if author["kind"] == "company":
                self._enter(author, tweet, text, in_reply_to, addressed, media)
        self.push("post", tweet)
        return tweet

    def _enter(
        self, author: Doc, tweet: Doc, text: str, in_reply_to: Doc | None, addressed: list[Doc], media: Sequence[Doc]
    ) -> None:
        own = in_reply_to is not None and in_reply_to["author_id"] == author["id"]
        self.publish_to_ledger(
            "reply" if in_reply_to and not own else "post",
            author["username"],
            tweet["id"],
            text,
            in_reply_to=in_reply_to["id"] if in_reply_to else "",
            media=[{"alt": m.get("alt", ""), "mime": m["mime"], "sha256": m["sha256"]} for m in media],
            extra={"to": [p["username"] for p in addressed]},
        )

    def _addressed(self, author: Doc, in_reply_to: Doc | None, without: Sequence[str]) -> list[Doc]:
        """Whom a reply mentions by itself: the author it answers, and those mentioned there."""
        if in_reply_to is None:
            return []
        ids = [in_reply_to["author_id"], *(m["id"] for m in in_reply_to["entities"].get("mentions", ()))]
        wanted = dict.fromkeys(i for i in ids if i != author["id"] and i not in without)
        return [self.person(i) for i in wanted]

    @staticmethod
    def _with_mentions(text: str, addressed: Sequence[Doc]) -> str:
        already = texts.mentioned_in(text)
        names = [f"@{p['username']}" for p in addressed if p["username"].lower() not in already]
        return " ".join((*names, text))

    def _index(self, tweet: Doc) -> None:
        self._last_id = max(self._last_id, int(tweet["id"]))
        self.posts_of[tweet["author_id"]].append(tweet["id"])
        for user_id in {m["id"] for m in tweet["entities"].get("mentions", ())} - {tweet["author_id"]}:
            self.mentions_of[user_id].append(tweet["id"])

    def delete(self, tweet: Doc, author: Doc) -> None:
        """Take a post down."""
        with self.store.lock:
            self.store.put("tweet", tweet["id"], {**tweet, "deleted": True})
            if author["kind"] == "company":
                self.publish_to_ledger("delete", author["username"], tweet["id"], tweet["text"])
        self.push("deletion", tweet)

    def act_on(self, tweet: Doc, company: Doc, mark: str, act: str, wanted: bool) -> None:
        """A company likes a post or hides a reply, or takes that back; asked twice, it is done once."""
        with self.store.lock:
            tweet = self.store.get("tweet", tweet["id"]) or tweet
            by = [i for i in tweet.get(mark, ()) if i != company["id"]]
            if (company["id"] in tweet.get(mark, ())) is wanted:
                return
            self.store.put("tweet", tweet["id"], {**tweet, mark: [*by, company["id"]] if wanted else by})
            self.publish_to_ledger(act, company["username"], tweet["id"], "")

    # -- direct messages

    def message(self, sender: Doc, recipient: Doc, text: str, media: Sequence[Doc] = ()) -> Doc:
        """One person writes to another alone."""
        with self.store.lock:
            number = self.new_id()
            shown, urls = texts.wrapped(text, list(media), number[-8:])
            event = {
                "id": number,
                "event_type": "MessageCreate",
                "text": shown,
                "sender_id": sender["id"],
                "participants": [sender["id"], recipient["id"]],
                "dm_conversation_id": "-".join(sorted((sender["id"], recipient["id"]), key=int)),
                "created_at": utc_text(),
                "entities": {"urls": urls} if urls else {},
                "attachments": {"media_keys": [m["media_key"] for m in media]} if media else {},
                "visible_at": self.visible_at(),
            }
            self.store.put("dm", number, event)
            if sender["kind"] == "company":
                last = self._last_from(event, recipient["id"])
                self.publish_to_ledger(
                    "direct",
                    sender["username"],
                    number,
                    text,
                    in_reply_to=last,
                    media=[{"alt": m.get("alt", ""), "mime": m["mime"], "sha256": m["sha256"]} for m in media],
                    extra={"to": [recipient["username"]]},
                )
        self.push("message", event)
        return event

    def unsend(self, event: Doc, sender: Doc) -> None:
        """Take a direct message back."""
        with self.store.lock:
            self.store.drop("dm", event["id"])
            if sender["kind"] == "company":
                self.publish_to_ledger("delete", sender["username"], event["id"], event["text"])

    def _last_from(self, event: Doc, user_id: str) -> str:
        earlier = [
            e["id"]
            for e in self.store.all("dm")
            if e["dm_conversation_id"] == event["dm_conversation_id"] and e["sender_id"] == user_id
        ]
        return earlier[-1] if earlier else ""

    # -- customers

    def say(self, who: str, text: str, **how: Any) -> Doc:
        """A customer writes, and comes into being by writing.

        `to` is a company's user name, put in front as a mention; `in_reply_to` and
        `quote` are ids of posts; `direct` writes to `to` alone; `edit` and `delete`
        are ids of the customer's own posts; `followers`: how many they have now. Raises ValueError for what cannot be.
        """
        unknown = set(how) - {"to", "in_reply_to", "direct", "quote", "edit", "delete", "name", "followers"}
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        author = self._settle(who.lstrip("@"), how.get("name") or who.lstrip("@").capitalize(), "customer")
        author = self.followed_by("id", author, how)
        if how.get("delete"):
            tweet = self._existing(how["delete"])
            self.delete(tweet, author)
            return {**tweet, "deleted": True}
        if how.get("direct"):
            return self.message(author, self._company(how.get("to", "")), text)
        if how.get("edit"):
            return self._edit(author, self._existing(how["edit"]), text)
        target = self._existing(how["in_reply_to"]) if how.get("in_reply_to") else None
        quoted = self._existing(how["quote"]) if how.get("quote") else None
        if how.get("to") and target is None:
            text = self._with_mentions(text, [self._company(how["to"])])
        if quoted:
            text = f"{text} https://x.com/{self.person(quoted['author_id'])['username']}/status/{quoted['id']}"
        return self.publish(author, text, in_reply_to=target, quotes=quoted)

    def _edit(self, author: Doc, old: Doc, text: str) -> Doc:
        if old["author_id"] != author["id"]:
            raise ValueError("only the author edits a post")
        mentions = [self.person(m["id"]) for m in old["entities"].get("mentions", ())]
        parent = next((r["id"] for r in old["referenced_tweets"] if r["type"] == "replied_to"), None)
        target = self.store.get("tweet", parent) if parent else None
        return self.publish(author, self._with_mentions(text, mentions), in_reply_to=target, edit_of=old)

    def _existing(self, tweet_id: str) -> Doc:
        found = self.store.get("tweet", tweet_id)
        if found is None:
            raise ValueError(f"there is no post {tweet_id}")
        return found

    def _company(self, username: str) -> Doc:
        found = self.find_person(username)
        if found is None or found["kind"] != "company":
            raise ValueError(f"no company user is called {username!r}")
        return found


def _references(in_reply_to: Doc | None, quotes: Doc | None) -> list[Doc]:
    found = []
    if in_reply_to:
        found.append({"type": "replied_to", "id": in_reply_to["id"]})
    if quotes:
        found.append({"type": "quoted", "id": quotes["id"]})
    return found


def _digest(text: str, in_reply_to: str) -> str:
    return hashlib.sha256(f"{in_reply_to}\n{' '.join(text.split())}".encode()).hexdigest()
