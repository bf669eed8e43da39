"""Repositories: each account's own records, read and written at once, and told to the
network's index (which shows them later where a lag is planted)."""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

from channels.rehearsal.base import Network, utc_text
from channels.rehearsal.bluesky.rules import POST, XrpcError, check_post, cid_of, invalid, record_cid, split_uri, tid_at
from channels.rehearsal.bluesky.views import index
from channels.rehearsal.store import Doc


class Repo:
    """Records by account and collection."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._store = network.store
        self._last = 0
        self._clock = threading.Lock()

    def next_tid(self) -> str:
        with self._clock:
            self._last = max(self._last + 1, time.time_ns() // 1000)
            return tid_at(self._last)

    def find(self, did: str, collection: str, rkey: str) -> Doc | None:
        return self._store.get(f"record:{did}:{collection}", f"at://{did}/{collection}/{rkey}")

    def put(self, did: str, collection: str, rkey: str, value: Any, swap: Any = ...) -> tuple[Doc, bool]:
        """Write a record under a key. The same content again changes nothing. `swap` is the
        hash that must stand there now (None: nothing may; left out: whatever does).
        Returns the record and whether anything changed; raises XrpcError."""
        value = {**value, "$type": value.get("$type", collection)}
        if collection == POST:
            check_post(value, rkey, lambda cid: self._store.get("blob", cid))
        with self._store.lock:
            current = self.find(did, collection, rkey)
            cid = record_cid(value)
            if current is not None and current["cid"] == cid:
                return current, False
            if swap is not ... and (current or {}).get("cid") != swap:
                raise invalid(f"Record was at {(current or {}).get('cid')}", "InvalidSwap")
            return self._write(did, collection, rkey, value, cid), True

    def create(self, did: str, collection: str, rkey: str, value: Any) -> Doc:
        """Create a record. A key that is taken makes the real server fall over."""
        with self._store.lock:
            if rkey and self.find(did, collection, rkey):
                raise XrpcError(500, "InternalServerError", "Internal Server Error")
            return self.put(did, collection, rkey or self.next_tid(), value)[0]

    def _write(self, did: str, collection: str, rkey: str, value: Any, cid: str) -> Doc:
        doc = {
            "uri": f"at://{did}/{collection}/{rkey}",
            "cid": cid,
            "did": did,
            "collection": collection,
            "rkey": rkey,
            "value": value,
            "rev": self.next_tid(),
            "at": utc_text(),
            "visible_at": self._network.visible_at(),
        }
        self._store.put(f"record:{did}:{collection}", doc["uri"], doc)
        index(self._store, doc, doc["at"])
        return doc

    def delete(self, uri: str) -> Doc | None:
        """Take a record away; None where there was none. What it notified vanishes with it."""
        did, collection, rkey = split_uri(uri)
        with self._store.lock:
            doc = self.find(did, collection, rkey)
            if doc is not None:
                self._store.drop(f"record:{did}:{collection}", uri)
            return doc

    def list(self, did: str, collection: str, limit: int, cursor: str, oldest_first: bool) -> Doc:
        """A page of records by key, newest key first."""
        docs = sorted(self._store.all(f"record:{did}:{collection}"), key=lambda d: str(d["rkey"]))
        if not oldest_first:
            docs.reverse()
        after = [d for d in docs if not cursor or (d["rkey"] > cursor if oldest_first else d["rkey"] < cursor)]
        page = [{name: d[name] for name in ("uri", "cid", "value")} for d in after[:limit]]
        return {"records": page, **({"cursor": after[len(page) - 1]["rkey"]} if page else {})}

    def upload(self, data: bytes, mime: str) -> Doc:
        """Keep a file; returns the reference that a record may carry."""
        cid = cid_of(data, 0x55)
        kept = {"mime": mime, "size": len(data), "data": base64.b64encode(data).decode()}
        self._store.put("blob", cid, kept)
        return {"$type": "blob", "ref": {"$link": cid}, "mimeType": mime, "size": len(data)}

    def file(self, cid: str) -> tuple[bytes, str]:
        """A kept file and its type. Raises XrpcError."""
        kept = self._store.get("blob", cid)
        if kept is None:
            raise invalid("Blob not found", "BlobNotFound")
        return base64.b64decode(kept["data"]), kept["mime"]
