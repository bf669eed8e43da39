"""The instance itself: who is there, what they wrote, who hears of it.

Everything is kept as it was written; addresses and HTML are made when it is read.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from channels.rehearsal.base import Network, utc_text
from channels.rehearsal.mastodon.rates import Rates
from channels.rehearsal.mastodon.ways import Ways
from channels.rehearsal.mastodon.writing import names_in
from channels.rehearsal.store import Doc, Store

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class MastodonWorld(Network):
    """One instance, with the given ways."""

    name = "mastodon"

    def __init__(self, store: Store | None = None, ways: Ways | None = None) -> None:
        self.ways = ways or Ways()
        self.rates = Rates(self.ways.rates)
        self._last_id = 0
        super().__init__(store)
        # Ids by author and by what they answer: statuses pile up in rehearsals and benchmarks.
        self._written: dict[str, list[str]] = defaultdict(list)
        self._below: dict[str, list[str]] = defaultdict(list)
        for status in self.store.all("status"):
            self._index(status)

    def new_id(self) -> str:
        """An id that sorts by time: milliseconds and a counter, as snowflake or ULID."""
        with self.store.lock:
            self._last_id = max(self._last_id + 1, int(time.time() * 1000) << 16)
            if self.ways.ids == "snowflake":
                return str(self._last_id)
            return "".join(_CROCKFORD[self._last_id >> shift & 31] for shift in range(125, -1, -5))

    # -- people

    def seed_company(self, handle: str, name: str) -> Doc:
        """A user of this instance who can sign in on the consent page."""
        return self._add_person(handle, name, "company")

    def person(self, handle: str) -> Doc:
        """Raises LookupError."""
        person = self.store.get("person", self.local_handle(handle))
        if person is None:
            raise LookupError(f"nobody here is called {handle}")
        return person

    def local_handle(self, handle: str) -> str:
        """The handle without our own domain, lower case: how people are filed."""
        return handle.lstrip("@").lower().removesuffix(f"@{self.ways.domain}")

    def company_users(self) -> list[Doc]:
        return self.store.all("person", lambda p: p["kind"] == "company")

    def people(self) -> list[Doc]:
        return [{k: p[k] for k in ("id", "handle", "name", "kind")} for p in self.store.all("person")]

    def revoke(self, handle: str) -> None:
        """Take back every token of a user: nothing may be done in their name any more."""
        for token in self.store.all("token", lambda t: t["handle"] == handle):
            self.store.drop("token", token["token"])

    def _add_person(self, handle: str, name: str, kind: str) -> Doc:
        handle = self.local_handle(handle)
        with self.store.lock:
            known = self.store.get("person", handle)
            if known is not None:
                return known
            doc = {"id": self.new_id(), "handle": handle, "name": name, "kind": kind, "created_at": utc_text()}
            return self.store.put("person", handle, doc)

    # -- customers write

    def say(self, who: str, text: str, **how: Any) -> Doc:
        """`to` (a handle to mention), `in_reply_to`, `edit` and `delete` (ids of statuses),
        `direct` (bool), `visibility`, `language`, `followers` (how many they have now). An
        unknown customer is created; one with a host (`ines@elsewhere.example`) writes from
        another instance."""
        unknown = set(how) - {"to", "in_reply_to", "edit", "delete", "direct", "visibility", "language", "followers"}
        if unknown:
            raise ValueError(f"Mastodon customers cannot: {', '.join(sorted(unknown))}")
        name = who.lstrip("@").partition("@")[0].title()
        author = self.followed_by("handle", self._add_person(who, name, "customer"), how)["handle"]
        if how.get("delete"):
            self.delete_status(author, how["delete"])
            return {"remote_id": how["delete"], "deleted": True}
        if how.get("edit"):
            self.edit_status(author, how["edit"], {"text": self._addressed(text, how)})
            return {"remote_id": how["edit"], "edited": True}
        doc = self.publish(
            author,
            self._addressed(text, how),
            in_reply_to=how.get("in_reply_to") or "",
            visibility="direct" if how.get("direct") else how.get("visibility") or "public",
            language=how.get("language") or "fr",
        )
        return {"remote_id": doc["id"], "id": doc["id"], "author": author, "text": doc["text"]}

    def _addressed(self, text: str, how: dict[str, Any]) -> str:
        """With the mention that makes it arrive: of `to`, else of whom it answers."""
        to = how.get("to") or ""
        if not to and how.get("in_reply_to"):
            to = self.status(how["in_reply_to"])["author"]
        handle = self.person(to)["handle"] if to else ""
        return text if not handle or handle in map(self.local_handle, names_in(text)) else f"@{handle} {text}"

    # -- statuses

    def publish(self, author: str, text: str, *, key: str = "", **more: Any) -> Doc:
        """Make a status public and tell those whom it mentions. Raises LookupError for an
        answer to what is not there."""
        in_reply_to = str(more.get("in_reply_to") or "")
        if in_reply_to:
            self.status(in_reply_to)
        with self.store.lock:
            doc: Doc = {
                "id": self.new_id(),
                "author": author,
                "text": text,
                "in_reply_to": in_reply_to,
                "visibility": more.get("visibility") or "public",
                "language": more.get("language") or "",
                "spoiler_text": more.get("spoiler_text") or "",
                "sensitive": bool(more.get("sensitive")),
                "media": list(more.get("media") or ()),
                "application": more.get("application") or "",
                "mentions": self._mentioned(text, author),
                "created_at": utc_text(),
                "edited_at": "",
                "visible_at": self.visible_at(),
            }
            self.store.put("status", doc["id"], doc)
            self._index(doc)
            if self.person(author)["kind"] == "company":
                self._to_ledger(_act_of(doc), doc, key)
            for handle in doc["mentions"]:
                self._notify(handle, "mention", doc)
            return doc

    def edit_status(self, author: str, status_id: str, changes: Doc) -> Doc:
        with self.store.lock:
            doc = self._own(author, status_id)
            doc = {**doc, **changes, "edited_at": utc_text()}
            doc["mentions"] = self._mentioned(doc["text"], author)
            self.store.put("status", status_id, doc)
            if self.person(author)["kind"] == "company":
                self._to_ledger("edit", doc)
            return doc

    def delete_status(self, author: str, status_id: str) -> Doc:
        """Take it down, with the notifications that told of it. Raises LookupError."""
        with self.store.lock:
            doc = self._own(author, status_id)
            self.store.drop("status", status_id)
            self._written[author].remove(status_id)
            self._below[doc["in_reply_to"]].remove(status_id)
            for told in self.store.all("notification", lambda n: n["status"] == status_id):
                self.store.drop("notification", told["id"])
            if self.person(author)["kind"] == "company":
                self._to_ledger("delete", doc)
            return doc

    def favour(self, handle: str, doc: Doc, wanted: bool) -> Doc:
        """A favourite, or none any more; asked twice, it is done once."""
        with self.store.lock:
            doc = self.status(doc["id"])
            by = [one for one in doc.get("favourited_by", ()) if one != handle]
            if (handle in doc.get("favourited_by", ())) is wanted:
                return doc
            doc = {**doc, "favourited_by": [*by, handle] if wanted else by}
            self.store.put("status", doc["id"], doc)
            if self.person(handle)["kind"] == "company":
                self.publish_to_ledger("like" if wanted else "unlike", handle, doc["id"], "")
            return doc

    def status(self, status_id: str) -> Doc:
        """Raises LookupError."""
        doc = self.find_status(status_id)
        if doc is None:
            raise LookupError(f"there is no status {status_id}")
        return doc

    def find_status(self, status_id: str) -> Doc | None:
        return self.store.get("status", str(status_id))

    def may_see(self, reader: str, doc: Doc) -> bool:
        if doc["author"] == reader:
            return True
        return self.readable(doc) and (doc["visibility"] in ("public", "unlisted") or reader in doc["mentions"])

    def count_statuses(self, handle: str) -> int:
        return len(self._written[handle])

    def statuses_of(self, handle: str) -> list[Doc]:
        """What one person wrote, oldest first."""
        return [self.status(id_) for id_ in list(self._written[handle])]

    def count_replies(self, status_id: str) -> int:
        return len(self._below[status_id])

    def ancestors(self, doc: Doc) -> list[Doc]:
        """Oldest first."""
        found: list[Doc] = []
        above = self.find_status(doc["in_reply_to"])
        while above is not None:
            found.insert(0, above)
            above = self.find_status(above["in_reply_to"])
        return found

    def descendants(self, doc: Doc) -> list[Doc]:
        found = []
        for below in [self.status(id_) for id_ in list(self._below[doc["id"]])]:
            found += [below, *self.descendants(below)]
        return found

    def _index(self, doc: Doc) -> None:
        self._written[doc["author"]].append(doc["id"])
        self._below[doc["in_reply_to"]].append(doc["id"])

    def _own(self, author: str, status_id: str) -> Doc:
        doc = self.status(status_id)
        if doc["author"] != author:
            raise LookupError(f"{author} has no status {status_id}")
        return doc

    def _mentioned(self, text: str, author: str) -> list[str]:
        handles = dict.fromkeys(map(self.local_handle, names_in(text)))
        return [h for h in handles if h != author and self.store.get("person", h)]

    def _notify(self, handle: str, kind: str, doc: Doc) -> None:
        is_kept_out = self.ways.keeps_strangers_out_of_notifications and doc["visibility"] == "direct"
        if self.person(handle)["kind"] != "company" or is_kept_out:
            return
        told = {
            "id": str(self.store.next_number()),
            "for": handle,
            "type": kind,
            "from": doc["author"],
            "status": doc["id"],
            "created_at": utc_text(),
        }
        self.store.put("notification", told["id"], told)

    def _to_ledger(self, act: str, doc: Doc, key: str = "") -> None:
        media = tuple({"alt": m["description"], "type": m["mime"], "size": m["size"]} for m in self._media_of(doc))
        self.publish_to_ledger(
            act,
            doc["author"],
            doc["id"],
            doc["text"],
            key=key,
            in_reply_to=doc["in_reply_to"],
            media=media,
            extra={"to": doc["mentions"], "visibility": doc["visibility"], "language": doc["language"]},
        )

    # -- media

    def media(self, media_id: str) -> Doc:
        """Raises LookupError."""
        doc = self.store.get("media", media_id)
        if doc is None:
            raise LookupError(f"there is no attachment {media_id}")
        return doc

    def add_media(self, owner: str, **facts: Any) -> Doc:
        ready_at = time.time() + self.ways.processing_seconds
        doc = {"id": self.new_id(), "owner": owner, "ready_at": ready_at, **facts}
        return self.store.put("media", doc["id"], doc)

    def is_processing(self, doc: Doc) -> bool:
        return float(doc["ready_at"]) > time.time()

    def _media_of(self, doc: Doc) -> list[Doc]:
        return [self.media(m) for m in doc["media"]]

    # -- keys

    def find_by_key(self, handle: str, key: str) -> Doc | None:
        """The status that this key made, while the instance remembers it."""
        known = self.store.get("key", f"{handle}:{key}") if key and self.ways.honours_keys else None
        if known is None or known["at"] + self.ways.key_life < time.time():
            return None
        return self.find_status(known["status"])

    def remember_key(self, handle: str, key: str, status_id: str) -> None:
        if key:
            self.store.put("key", f"{handle}:{key}", {"status": status_id, "at": time.time()})


def _act_of(doc: Doc) -> str:
    if doc["visibility"] == "direct":
        return "direct"
    return "reply" if doc["in_reply_to"] else "post"
