"""The world of the rehearsed Bluesky: accounts, repositories, views, and people who write.

Where it is known how the real servers behave (their source, or the real ones on this
machine in tests/real), it behaves so: a record put twice is one, createRecord on a key
that is taken answers 500, a deletion of nothing says yes, a notification vanishes with
its post, read marks lie.
"""

from __future__ import annotations

import re
from typing import Any

from channels.rehearsal.base import Network, utc_text
from channels.rehearsal.bluesky.chat import Chat, remote_id
from channels.rehearsal.bluesky.repo import Repo
from channels.rehearsal.bluesky.rules import POST, XrpcError, did_for, split_uri
from channels.rehearsal.bluesky.sessions import Sessions, Window, password_digest
from channels.rehearsal.bluesky.video import Films
from channels.rehearsal.bluesky.views import Views
from channels.rehearsal.store import Doc, Store


class BlueskyWorld(Network):
    """One server for everybody. `writes` and `sign_ins` are the rate windows, by length."""

    name = "bluesky"

    def __init__(self, store: Store | None = None) -> None:
        store = store or Store()
        self.sessions = Sessions(store)
        # Points for writes (create 3, put 2, delete 1) and sign-ins, as docs.bsky.app lists them.
        self.writes = [Window(5_000, 3600), Window(35_000, 24 * 3600)]
        self.sign_ins = [Window(30, 300), Window(300, 24 * 3600)]
        self.store = store
        self.repo = Repo(self)
        self.views = Views(self)
        self.films = Films(store, self.repo, self.sessions)
        self.chat = Chat(self, self.repo, self.sessions, self.views)
        super().__init__(store)

    # -- people

    def seed_company(self, handle: str, name: str, app_password: str, *, email: str = "", direct: bool = True) -> Doc:
        """An account that can sign in. `direct`: its app password may read direct messages."""
        kept = {"digest": password_digest(app_password), "privileged": direct}
        return self._person(handle, name, "company", email=email or f"social@{handle}", app_passwords=[kept])

    def people(self) -> list[Doc]:
        return [{k: p[k] for k in ("did", "handle", "name", "kind")} for p in self.store.all("person")]

    def _person(self, handle: str, name: str, kind: str, **more: Any) -> Doc:
        did = did_for(handle)
        with self.store.lock:
            known = self.store.get("person", did)
            if known is not None and kind == "customer":
                return known
            doc = {"did": did, "handle": handle, "name": name, "kind": kind, "at": utc_text(), **more}
            return self.store.put("person", did, doc)

    def revoke(self, handle: str) -> None:
        """Take the account's app passwords away: nothing can be refreshed any more."""
        person = self.views.person(handle)
        self.sessions.revoke(person["did"])
        self.store.put("person", person["did"], {**person, "app_passwords": []})

    def take_down(self, handle: str) -> None:
        """Suspend an account: every token answers AccountTakedown."""
        person = self.views.person(handle)
        self.store.put("person", person["did"], {**person, "taken_down": True})

    # -- customers write

    def say(self, who: str, text: str, **how: Any) -> Doc:
        """`to` (a handle to mention), `in_reply_to` and `quote` (addresses of posts), `delete`
        (an address; the customer takes it down), `like` (an address), `at` (createdAt, where
        a customer's clock is wrong), `direct` (with `to`: a direct message), `followers` (how many they
        have now)."""
        unknown = set(how) - {"to", "in_reply_to", "quote", "delete", "like", "at", "direct", "followers"}
        if unknown:
            raise ValueError(f"Bluesky customers cannot: {', '.join(sorted(unknown))}")
        person = self._person(who if "." in who else f"{who}.test", who.partition(".")[0].title(), "customer")
        person = self.followed_by("did", person, how)
        try:
            return self._act(person, text, how)
        except XrpcError as e:
            raise ValueError(e.message) from e

    def _act(self, person: Doc, text: str, how: dict[str, Any]) -> Doc:
        did = person["did"]
        if how.get("delete"):
            if split_uri(how["delete"])[0] != did or not self.repo.delete(how["delete"]):
                raise LookupError(f"{person['handle']} has no post {how['delete']}")
            return {"remote_id": how["delete"], "deleted": True}
        if how.get("like"):
            about = self._reference(how["like"])
            value: Doc = {"$type": "app.bsky.feed.like", "subject": about, "createdAt": utc_text()}
            return _said(self.repo.create(did, "app.bsky.feed.like", "", value), person)
        to = str(how.get("to") or "").lstrip("@")
        if how.get("direct"):
            convo = self.chat.convo(did, self.views.person(to)["did"])
            message = self.chat.write(convo, did, text)
            return {"remote_id": remote_id(convo, message), "author": person["handle"], "text": text}
        if to and f"@{to}" not in text and not how.get("in_reply_to"):
            text = f"@{self.views.person(to)['handle']} {text}"
        value = {"$type": POST, "text": text, "createdAt": how.get("at") or utc_text(), "langs": ["fr"]}
        mentions = self._mentions(text)
        if mentions:
            value["facets"] = mentions
        if how.get("in_reply_to"):
            value["reply"] = self._reply(how["in_reply_to"])
        if how.get("quote"):
            value["embed"] = {"$type": "app.bsky.embed.record", "record": self._reference(how["quote"])}
        return _said(self.repo.create(did, POST, "", value), person)

    def _mentions(self, text: str) -> list[Doc]:
        facets = []
        for match in re.finditer(r"@([a-zA-Z0-9.-]+[a-zA-Z0-9])", text):
            for person in self.store.all("person", lambda p, h=match[1]: p["handle"] == h):  # type: ignore[misc]
                start = len(text[: match.start()].encode())
                index = {"byteStart": start, "byteEnd": start + len(match[0].encode())}
                feature = {"$type": "app.bsky.richtext.facet#mention", "did": person["did"]}
                facets.append({"index": index, "features": [feature]})
        return facets

    def _reference(self, uri: str) -> Doc:
        doc = self.repo.find(*split_uri(uri))
        if doc is None:
            raise LookupError(f"there is no post {uri}")
        return {"uri": uri, "cid": doc["cid"]}

    def _reply(self, uri: str) -> Doc:
        parent = self._reference(uri)
        above = self.repo.find(*split_uri(uri)) or {}
        return {"root": above["value"].get("reply", {}).get("root", parent), "parent": parent}


def _said(doc: Doc, person: Doc) -> Doc:
    text = doc["value"].get("text", "")
    return {"remote_id": doc["uri"], "cid": doc["cid"], "author": person["handle"], "text": text}
