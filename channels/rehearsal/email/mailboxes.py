"""The mailboxes of the rehearsal provider: folders with UIDs that only ever grow, until
somebody changes their UIDVALIDITY, and those who wait for news of a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from channels.rehearsal.store import Doc, Store

FOLDERS = ("INBOX", "Sent")


@dataclass(frozen=True)
class Mail:
    """One mail as it lies in a folder. `arrived` in epoch seconds."""

    uid: int
    raw: bytes
    flags: tuple[str, ...]
    arrived: float
    visible_at: float = 0.0


class Mailboxes:
    """Folders by address, kept in the network's store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[int, tuple[str, Callable[[], None]]] = {}
        self._tickets = 0
        self._lock = threading.Lock()

    def add(self, address: str, folder: str, raw: bytes, *, flags: Iterable[str] = (), visible_at: float = 0.0) -> int:
        """File a mail; gives its UID."""
        place = _place(address, folder)
        with self._store.lock:
            state = self._state(place)
            uid = int(state["next"])
            self._store.put("folder", place, {**state, "next": uid + 1})
            doc = {
                "uid": uid,
                "raw": raw.decode("latin-1"),
                "flags": list(flags),
                "arrived": time.time(),
                "visible_at": visible_at,
            }
            self._store.put(f"mail {place}", f"{uid:010d}", doc)
        self._tell(place)
        return uid

    def mails(self, address: str, folder: str) -> list[Mail]:
        """What can be seen in a folder now, by UID."""
        docs = self._store.all(f"mail {_place(address, folder)}", lambda d: float(d["visible_at"]) <= time.time())
        return sorted((_mail(d) for d in docs), key=lambda m: m.uid)

    def set_flags(self, address: str, folder: str, uid: int, flags: Iterable[str]) -> None:
        kind = f"mail {_place(address, folder)}"
        with self._store.lock:
            doc = self._store.get(kind, f"{uid:010d}")
            if doc:
                self._store.put(kind, f"{uid:010d}", {**doc, "flags": sorted(set(flags))})

    def numbers(self, address: str, folder: str) -> tuple[int, int]:
        """UIDVALIDITY and UIDNEXT."""
        state = self._state(_place(address, folder))
        return int(state["validity"]), int(state["next"])

    def change_uidvalidity(self, address: str, folder: str = "INBOX") -> int:
        """Number all mails of a folder anew, as after a migration; gives the new value."""
        place = _place(address, folder)
        with self._store.lock:
            state = self._state(place)
            docs = sorted(self._store.all(f"mail {place}"), key=lambda d: int(d["uid"]))
            for doc in docs:
                self._store.drop(f"mail {place}", f"{doc['uid']:010d}")
            for uid, doc in enumerate(docs, start=1):
                self._store.put(f"mail {place}", f"{uid:010d}", {**doc, "uid": uid})
            new = {"validity": int(state["validity"]) + 1, "next": len(docs) + 1}
            self._store.put("folder", place, new)
        self._tell(place)
        return new["validity"]

    def _state(self, place: str) -> Doc:
        return self._store.get("folder", place) or {"validity": 1000, "next": 1}

    # -- news

    def on_news(self, address: str, folder: str, call: Callable[[], None]) -> Callable[[], None]:
        """Have `call` called (from any thread) when a folder changes; gives what ends it."""
        with self._lock:
            self._tickets += 1
            ticket = self._tickets
            self._waiting[ticket] = (_place(address, folder), call)
        return lambda: self._forget(ticket)

    def _forget(self, ticket: int) -> None:
        with self._lock:
            self._waiting.pop(ticket, None)

    def _tell(self, place: str) -> None:
        with self._lock:
            calls = [call for where, call in self._waiting.values() if where == place]
        for call in calls:
            call()


def _place(address: str, folder: str) -> str:
    return f"{address.lower()} {folder}"


def _mail(doc: Doc) -> Mail:
    return Mail(
        int(doc["uid"]),
        str(doc["raw"]).encode("latin-1"),
        tuple(doc["flags"]),
        float(doc["arrived"]),
        float(doc["visible_at"]),
    )
