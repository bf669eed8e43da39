"""The world of a profile: the company's accounts, what was made for later, what is public."""

from __future__ import annotations

import secrets
import time
from typing import Any

from channels.rehearsal.base import Network, utc_text
from channels.rehearsal.drills.manners import Manners
from channels.rehearsal.store import Doc, Store

PASSWORD = "rehearsal"  # noqa: S105 - opens nothing but a server on loopback


class DrillWorld(Network):
    """A network of the given manners, with nobody in it."""

    def __init__(self, manners: Manners, store: Store | None = None) -> None:
        self.manners, self.name = manners, manners.name
        super().__init__(store)

    # -- people

    def seed_company(self, handle: str, name: str) -> Doc:
        return self.store.put("person", handle, {"handle": handle, "name": name, "kind": "company"})

    def open_session(self, handle: str, password: str) -> str:
        """A token for an account of the company. Raises LookupError."""
        person = self.store.get("person", handle)
        if person is None or person["kind"] != "company" or password != PASSWORD:
            raise LookupError("no such account, or not its password")
        token = secrets.token_urlsafe(24)
        self.store.put("token", token, {"handle": handle})
        return token

    def holder_of(self, token: str) -> Doc | None:
        known = self.store.get("token", token)
        return self.store.get("person", known["handle"]) if known else None

    def revoke(self, handle: str) -> None:
        """End every session of an account."""
        for token in [t for t, doc in list(self.store.items("token")) if doc["handle"] == handle]:
            self.store.drop("token", token)

    def say(self, who: str, text: str, **how: Any) -> Doc:
        """A customer writes in public. `in_reply_to` a post's id; `to` is taken for granted."""
        if unknown := set(how) - {"to", "in_reply_to"}:
            raise ValueError(f"customers of a drill cannot: {', '.join(sorted(unknown))}")
        if self.store.get("person", who) is None:
            self.store.put("person", who, {"handle": who, "name": who.title(), "kind": "customer"})
        return self.publish({"author": who, "text": text, "in_reply_to": how.get("in_reply_to") or "", "media": []})

    # -- what nobody sees yet

    def add_media(self, owner: str, **facts: Any) -> Doc:
        return self._kept("media", {"owner": owner, **facts})

    def find_media(self, owner: str, media_id: str) -> Doc | None:
        doc = self.store.get("media", media_id)
        return doc if doc and doc["owner"] == owner else None

    def make(self, content: Doc, slug: str = "") -> Doc:
        """A container or a draft. A slug that is taken silently becomes another one."""
        with self.store.lock:
            taken = {d["slug"] for d in self.store.all("made")}
            number = 2
            wanted = slug
            while slug and slug in taken:
                slug, number = f"{wanted}-{number}", number + 1
            now = time.time()
            kept = {**content, "slug": slug, "post": "", "made_at": now}
            return self._kept("made", {**kept, "ready_at": now + self.manners.processing_seconds})

    def find_made(self, author: str, made_id: str) -> Doc | None:
        """None too where it was forgotten."""
        doc = self.store.get("made", made_id)
        if doc is None or doc["author"] != author:
            return None
        is_over = self.manners.steps == "container" and doc["made_at"] + self.manners.container_life < time.time()
        return None if is_over else doc

    def made(self) -> list[Doc]:
        """Everything that was ever made for later and still stands."""
        return self.store.all("made")

    def is_processing(self, doc: Doc) -> bool:
        return float(doc["ready_at"]) > time.time()

    def drop_made(self, made_id: str) -> None:
        self.store.drop("made", made_id)

    # -- what is public

    def publish_made(self, made_id: str) -> Doc:
        """Make a container or a draft public, once. Raises LookupError."""
        with self.store.lock:
            made = self.store.get("made", made_id)
            if made is None:
                raise LookupError(made_id)
            if made["post"]:
                return self.post(made["post"])
            content = {name: made[name] for name in ("author", "text", "in_reply_to", "media")}
            # A draft is published in its place, under its own id.
            post = self.publish(content, made_id if self.manners.steps == "draft" else "", made_id)
            self.store.put("made", made_id, {**made, "post": post["id"]})
            return post

    def publish(self, content: Doc, post_id: str = "", made_id: str = "") -> Doc:
        with self.store.lock:
            doc = self._kept("post", {**content, "created_at": utc_text(), "visible_at": self.visible_at()}, post_id)
            if self._is_ours(doc["author"]):
                self._to_ledger("reply" if doc["in_reply_to"] else "post", doc, made_id)
            return doc

    def post(self, post_id: str) -> Doc:
        """Raises LookupError."""
        doc = self.store.get("post", post_id)
        if doc is None:
            raise LookupError(post_id)
        return doc

    def posts_of(self, author: str) -> list[Doc]:
        """What can be read of an account, newest first."""
        return self.store.all("post", lambda d: d["author"] == author and self.readable(d))[::-1]

    def take_down(self, author: str, post_id: str) -> None:
        """Raises LookupError."""
        with self.store.lock:
            doc = self.post(post_id)
            if doc["author"] != author:
                raise LookupError(post_id)
            self.store.drop("post", post_id)
            self._to_ledger("delete", doc)

    def visible_at(self) -> float:
        return max(super().visible_at(), time.time() + self.manners.lag)

    def next_lie(self, handle: str) -> str:
        """What is said of the next request of this account that publishes; "": the truth."""
        with self.store.lock:
            told = self.store.get("lies", handle) or {"n": 0}
            self.store.put("lies", handle, {"n": told["n"] + 1})
            lies = self.manners.lies
            return lies[told["n"] % len(lies)] if lies else ""

    def _is_ours(self, handle: str) -> bool:
        return bool((self.store.get("person", handle) or {}).get("kind") == "company")

    def _to_ledger(self, act: str, doc: Doc, made_id: str = "") -> None:
        media = tuple({"alt": m["alt"], "type": m["mime"]} for m in map(self._media, doc["media"]))
        self.publish_to_ledger(
            act, doc["author"], doc["id"], doc["text"], key=made_id, in_reply_to=doc["in_reply_to"], media=media
        )

    def _media(self, media_id: str) -> Doc:
        return self.store.get("media", media_id) or {"alt": "", "mime": ""}

    def _kept(self, kind: str, doc: Doc, id_: str = "") -> Doc:
        id_ = id_ or str(self.store.next_number())
        return self.store.put(kind, id_, {"id": id_, **doc})
