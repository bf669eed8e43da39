"""The view of the whole network: profiles, posts, threads and notifications, as they are
shown once they have been indexed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from channels.rehearsal.base import Network, utc_text
from channels.rehearsal.bluesky.rules import POST, invalid, split_uri
from channels.rehearsal.store import Doc, Store


class Views:
    """Reads the store of a network and answers in the shapes of app.bsky."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._store: Store = network.store

    def person(self, actor: str) -> Doc:
        """A person by DID or handle. Raises XrpcError."""
        wanted = actor.lstrip("@").lower()
        for doc in self._store.all("person", lambda p: wanted in (p["did"], p["handle"].lower())):
            return doc
        raise invalid("Profile not found")

    def profile(self, did: str) -> Doc:
        person = self.person(did)
        shown = {"did": person["did"], "handle": person["handle"], "displayName": person["name"]}
        return {**shown, "viewer": {"muted": False, "blockedBy": False}, "labels": [], "createdAt": person["at"]}

    def detailed(self, actor: str) -> Doc:
        """As only the calls for profiles show somebody. Raises XrpcError."""
        person = self.person(actor)
        counts = {"followersCount": person.get("followers", 0), "followsCount": 0, "postsCount": 0}
        return {**self.profile(person["did"]), **counts}

    def record(self, uri: str) -> Doc | None:
        """A record that has been indexed."""
        did, collection, _ = split_uri(uri)
        doc = self._store.get(f"record:{did}:{collection}", uri)
        return doc if doc is not None and self._network.readable(doc) else None

    def post(self, doc: Doc, base_url: str) -> Doc:
        uri = doc["uri"]
        counts = self._counts(uri)
        view = {
            "uri": uri,
            "cid": doc["cid"],
            "author": self.profile(doc["did"]),
            "record": doc["value"],
            "indexedAt": doc["at"],
            **counts,
            "viewer": {"threadMuted": False, "embeddingDisabled": False},
            "labels": [],
        }
        embed = self._embed(doc, base_url)
        return {**view, "embed": embed} if embed else view

    def _counts(self, uri: str) -> Doc:
        about = self._store.all(f"about:{uri}", lambda d: self.record(d["uri"]) is not None)
        how = {"replyCount": "reply", "repostCount": "repost", "likeCount": "like", "quoteCount": "quote"}
        return {name: sum(d["how"] == kind for d in about) for name, kind in how.items()}

    def _embed(self, doc: Doc, base_url: str) -> Doc | None:
        embed = doc["value"].get("embed") or {}
        if embed.get("$type") == "app.bsky.embed.images":
            images = []
            for image in embed["images"]:
                address = f"{base_url}/img/{doc['did']}/{image['image']['ref']['$link']}"
                shown = {"thumb": address, "fullsize": address, "alt": image["alt"]}
                ratio = {"aspectRatio": image["aspectRatio"]} if "aspectRatio" in image else {}
                images.append({**shown, **ratio})
            return {"$type": "app.bsky.embed.images#view", "images": images}
        if embed.get("$type") == "app.bsky.embed.video":
            address = f"{base_url}/img/{doc['did']}/{embed['video']['ref']['$link']}"
            known = {name: embed[name] for name in ("alt", "aspectRatio") if name in embed}
            return {"$type": "app.bsky.embed.video#view", "playlist": address, "thumbnail": address, **known}
        if embed.get("$type") == "app.bsky.embed.record":
            return {"$type": "app.bsky.embed.record#view", "record": self._quoted(embed["record"]["uri"])}
        return None

    def _quoted(self, uri: str) -> Doc:
        doc = self.record(uri)
        if doc is None:
            return {"$type": "app.bsky.embed.record#viewNotFound", "uri": uri, "notFound": True}
        return {
            "$type": "app.bsky.embed.record#viewRecord",
            "uri": uri,
            "cid": doc["cid"],
            "author": self.profile(doc["did"]),
            "value": doc["value"],
            "indexedAt": doc["at"],
        }

    def thread(self, uri: str, depth: int, height: int, base_url: str) -> Doc:
        """A post with those above and below it. Raises XrpcError where it is not there."""
        doc = self.record(uri)
        if doc is None:
            raise invalid(f"Post not found: {uri}", "NotFound")
        return self._node(doc, depth, height, base_url)

    def _node(self, doc: Doc, depth: int, height: int, base_url: str) -> Doc:
        node: Doc = {"$type": "app.bsky.feed.defs#threadViewPost", "post": self.post(doc, base_url)}
        parent = doc["value"].get("reply", {}).get("parent", {}).get("uri")
        if parent and height > 0:
            above = self.record(parent)
            missing = {"$type": "app.bsky.feed.defs#notFoundPost", "uri": parent, "notFound": True}
            node["parent"] = missing if above is None else self._node(above, 0, height - 1, base_url)
        if depth > 0:
            about = self._store.all(f"about:{doc['uri']}", lambda d: d["how"] == "reply")
            below = [found for d in about if (found := self.record(d["uri"])) is not None]
            node["replies"] = [self._node(b, depth - 1, 0, base_url) for b in below]
        return node

    def notifications(self, did: str, limit: int, cursor: str) -> Doc:
        """Newest first; the cursor is a moment, and excludes it, as the network's own does.
        Notifications of records that are gone are gone."""
        shown = []
        for doc in self._store.all(f"notification:{did}"):
            record = self.record(doc["uri"])
            if record is not None and (not cursor or doc["at"] < cursor):
                shown.append((doc, record))
        shown.sort(key=lambda pair: pair[0]["at"], reverse=True)
        page = [self._notification(doc, record) for doc, record in shown[:limit]]
        return {"notifications": page, "priority": False, **({"cursor": page[-1]["indexedAt"]} if page else {})}

    def _notification(self, doc: Doc, record: Doc) -> Doc:
        subject = {"reasonSubject": doc["subject"]} if doc["subject"] else {}
        return {
            "uri": doc["uri"],
            "cid": record["cid"],
            "author": self.profile(record["did"]),
            "reason": doc["reason"],
            **subject,
            "record": record["value"],
            "isRead": True,  # the network's own mark cannot be relied on
            "indexedAt": doc["at"],
            "labels": [],
        }

    def author_feed(self, did: str, limit: int, cursor: str, base_url: str) -> Doc:
        posts = [d for d in self._store.all(f"record:{did}:{POST}") if self._network.readable(d)]
        posts.sort(key=lambda d: str(d["at"]), reverse=True)
        page = [d for d in posts if not cursor or d["at"] < cursor][:limit]
        more = {"cursor": page[-1]["at"]} if page else {}
        return {"feed": [{"post": self.post(d, base_url)} for d in page], **more}


def index(store: Store, doc: Doc, at: str) -> None:
    """Tell everybody whom a new record concerns, as the network's index does."""
    value, uri = doc["value"], doc["uri"]
    if doc["collection"] == POST:
        for to, reason, subject in _concerned(value):
            if to != doc["did"]:
                _notify(store, to, uri, reason, subject, min(at, _moment_of(value, at)))
        for how, about in _subjects(value):
            store.put(f"about:{about}", uri, {"uri": uri, "how": how})
    elif doc["collection"] in ("app.bsky.feed.like", "app.bsky.feed.repost"):
        how = doc["collection"].rpartition(".")[2]
        about = value["subject"]["uri"]
        store.put(f"about:{about}", uri, {"uri": uri, "how": how})
        to = split_uri(about)[0]
        if to != doc["did"]:
            _notify(store, to, uri, how, about, at)


def _concerned(value: Doc) -> list[tuple[str, str, str]]:
    """(whom, why, about which of their posts): one reason each, the first that holds."""
    concerned: dict[str, tuple[str, str]] = {}
    for how, about in _subjects(value):
        concerned.setdefault(split_uri(about)[0], (how, about))
    for facet in value.get("facets", ()):
        for feature in facet["features"]:
            if feature["$type"].endswith("#mention"):
                concerned.setdefault(feature["did"], ("mention", ""))
    root = value.get("reply", {}).get("root", {}).get("uri")
    if root:
        concerned.setdefault(split_uri(root)[0], ("reply", root))
    return [(to, reason, subject) for to, (reason, subject) in concerned.items()]


def _subjects(value: Doc) -> list[tuple[str, str]]:
    found: list[tuple[str, Any]] = [
        ("reply", value.get("reply", {}).get("parent", {}).get("uri")),
        ("quote", (value.get("embed") or {}).get("record", {}).get("uri")),
    ]
    return [(how, about) for how, about in found if about]


def _notify(store: Store, to: str, uri: str, reason: str, subject: str, at: str) -> None:
    store.put(f"notification:{to}", uri, {"uri": uri, "reason": reason, "subject": subject, "at": at})


def _moment_of(value: Doc, otherwise: str) -> str:
    try:
        return utc_text(datetime.fromisoformat(value["createdAt"]))
    except ValueError:
        return otherwise
