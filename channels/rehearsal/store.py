"""What a rehearsal network remembers: documents by kind and id, kept in memory and,
where a path is given, written through to SQLite so that a demo survives a restart."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any

Doc = dict[str, Any]


class Store:
    """Documents by kind. Thread-safe; hold `lock` around what must be atomic."""

    def __init__(self, path: str = "") -> None:
        self.lock = threading.RLock()
        self._docs: dict[str, dict[str, Doc]] = {}
        self._last = 0
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        if path:
            self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS doc (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))")
        for kind, id_, body in self._db.execute("SELECT kind, id, body FROM doc ORDER BY rowid"):
            self._docs.setdefault(kind, {})[id_] = json.loads(body)
        self._last = int(self._docs.get("_sequence", {}).get("last", {}).get("n", 0))
        self._durable = bool(path)

    def next_number(self) -> int:
        """A number that was never given before, also across restarts."""
        with self.lock:
            self._last += 1
            self.put("_sequence", "last", {"n": self._last})
            return self._last

    def put(self, kind: str, id_: str, doc: Doc) -> Doc:
        with self.lock:
            self._docs.setdefault(kind, {})[id_] = doc
            if self._durable:
                self._db.execute(
                    "INSERT INTO doc VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                    (kind, id_, json.dumps(doc)),
                )
            return doc

    def get(self, kind: str, id_: str) -> Doc | None:
        with self.lock:
            return self._docs.get(kind, {}).get(id_)

    def drop(self, kind: str, id_: str) -> None:
        with self.lock:
            self._docs.get(kind, {}).pop(id_, None)
            if self._durable:
                self._db.execute("DELETE FROM doc WHERE kind = ? AND id = ?", (kind, id_))

    def items(self, kind: str) -> list[tuple[str, Doc]]:
        """Ids and documents in the order they came."""
        with self.lock:
            return list(self._docs.get(kind, {}).items())

    def all(self, kind: str, where: Callable[[Doc], bool] | None = None) -> list[Doc]:
        """Documents in the order they came."""
        with self.lock:
            docs: Iterator[Doc] = iter(list(self._docs.get(kind, {}).values()))
        return [d for d in docs if where is None or where(d)]
