"""Media uploads of the rehearsal X: initialize, append, finalize, processing, alt text."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from flask import Flask, g, jsonify, request

from channels.rehearsal.store import Doc
from channels.rehearsal.x.oauth import Gate
from channels.rehearsal.x.replies import Problem, answering
from channels.rehearsal.x.world import XWorld

MEGABYTE = 1024 * 1024
LARGEST = {
    "image/jpeg": 5 * MEGABYTE,
    "image/png": 5 * MEGABYTE,
    "image/webp": 5 * MEGABYTE,
    "image/gif": 15 * MEGABYTE,
    "video/mp4": 512 * MEGABYTE,
    "video/quicktime": 512 * MEGABYTE,
}
_KINDS = {"image": "3", "gif": "16", "video": "7"}


class Uploads:
    """Uploads under way: bytes in memory, what became of them in the store."""

    def __init__(self, world: XWorld) -> None:
        self._world = world
        self._parts: dict[str, dict[int, bytes]] = {}

    def initialize(self) -> Any:
        caller = g.caller
        body = request.get_json(force=True)
        mime, total, category = body.get("media_type"), body.get("total_bytes"), str(body.get("media_category", ""))
        if mime not in LARGEST:
            raise Problem(400, "media type unrecognized.")
        if not isinstance(total, int) or not 0 < total <= LARGEST[mime]:
            raise Problem(400, "File size exceeds the maximum.")
        kind = "gif" if mime == "image/gif" else mime.partition("/")[0]
        if not category.endswith(f"_{kind}"):
            raise Problem(400, "media_category does not match media_type.")
        number = self._world.new_id()
        self._parts[number] = {}
        key = f"{_KINDS[kind]}_{number}"
        doc = {"id": number, "media_key": key, "owner": caller["id"], "mime": mime, "total": total, "state": "new"}
        self._world.store.put("media", number, doc)
        return jsonify(data={"id": number, "media_key": key, "expires_after_secs": 86400}), 200

    def append(self, media_id: str) -> Any:
        self._own(media_id)
        file = request.files.get("media")
        segment = request.form.get("segment_index", "")
        if file is None or not segment.isdigit() or int(segment) > 999:
            raise Problem(400, "segment_index or media is missing.")
        self._parts[media_id][int(segment)] = file.read()
        return jsonify(data={"expires_at": int(time.time()) + 86400})

    def finalize(self, media_id: str) -> Any:
        doc = self._own(media_id)
        parts = self._parts.pop(media_id, {})
        content = b"".join(parts[i] for i in sorted(parts))
        if sorted(parts) != list(range(len(parts))) or len(content) != doc["total"]:
            raise Problem(400, "Segments do not add up to provided total file size.")
        is_slow = doc["mime"].startswith("video/")
        doc = {
            **doc,
            "state": "ready",
            "sha256": hashlib.sha256(content).hexdigest(),
            "ready_at": time.time() + (self._world.processing if is_slow else 0),
        }
        self._world.store.put("media", media_id, doc)
        return jsonify(data=self._view(doc, is_slow))

    def status(self) -> Any:
        doc = self._own(request.args.get("media_id", ""))
        return jsonify(data=self._view(doc, True))

    def metadata(self) -> Any:
        body = request.get_json(force=True)
        doc = self._own(str(body.get("id", "")))
        alt = body.get("metadata", {}).get("alt_text", {}).get("text", "")
        if not isinstance(alt, str) or len(alt) > 1000:
            raise Problem(400, "alt_text must be at most 1000 characters.")
        self._world.store.put("media", doc["id"], {**doc, "alt": alt})
        return jsonify(data={"id": doc["id"], "associated_metadata": {"alt_text": {"text": alt}}})

    def _own(self, media_id: str) -> Doc:
        caller = g.caller
        doc = self._world.store.get("media", media_id)
        if doc is None or doc["owner"] != caller["id"]:
            raise Problem(404, "media not found.")
        return doc

    @staticmethod
    def _view(doc: Doc, with_processing: bool) -> Doc:
        view = {"id": doc["id"], "media_key": doc["media_key"], "size": doc["total"], "expires_after_secs": 86400}
        if with_processing:
            left = doc.get("ready_at", 0) - time.time()
            view["processing_info"] = (
                {"state": "in_progress", "check_after_secs": 1, "progress_percent": 50}
                if left > 0
                else {"state": "succeeded", "progress_percent": 100}
            )
        return view


def media_routes(app: Flask, world: XWorld, gate: Gate) -> None:
    """Mount the upload addresses."""
    uploads = Uploads(world)
    for method, path, view in (
        ("POST", "/2/media/upload/initialize", uploads.initialize),
        ("POST", "/2/media/upload/<media_id>/append", uploads.append),
        ("POST", "/2/media/upload/<media_id>/finalize", uploads.finalize),
        ("GET", "/2/media/upload", uploads.status),
        ("POST", "/2/media/metadata", uploads.metadata),
    ):
        app.add_url_rule(path, f"{method} {path}", answering(world, gate, f"{method} /2/media", view), methods=[method])
