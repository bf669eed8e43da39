"""What the servers check and compute: names, hashes, counts. Written apart from the
adapter's own code, so that a mistake there is not repeated here."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import regex

POST = "app.bsky.feed.post"
LIKE = "app.bsky.feed.like"
GATE = "app.bsky.feed.threadgate"
MOST_HIDDEN = 300
MOST_GRAPHEMES = 300
MOST_BYTES = 3_000
MOST_IMAGES = 4
MOST_IMAGE_BYTES = 2_000_000
MOST_THUMB_BYTES = 1_000_000
MOST_FILM_BYTES = 100_000_000
MOST_FILM_ALT = 1000  # graphemes
TID = re.compile(r"[2-7a-j][2-7a-z]{12}")
_AT_URI = re.compile(r"at://(did:[a-z]+:[A-Za-z0-9._:%-]+)/([a-zA-Z0-9.-]+)/([A-Za-z0-9._~:-]{1,512})")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_URI = re.compile(r"[a-z][a-z0-9+.-]{0,80}:[^\s]{1,8191}")  # @atproto/syntax, isValidUri
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"


class XrpcError(Exception):
    """A refusal: its HTTP status, its name, and words for a person."""

    def __init__(self, status: int, name: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.name, self.message, self.headers = status, name, message, headers or {}


def invalid(message: str, name: str = "InvalidRequest") -> XrpcError:
    return XrpcError(400, name, message)


def cid_of(body: bytes, codec: int) -> str:
    """A content identifier, version 1: SHA-256 under a codec (0x71 a record, 0x55 a file).
    Records are hashed as sorted JSON, not as DAG-CBOR: stable, and nobody here compares
    them with another server's."""
    return "b" + base64.b32encode(bytes([1, codec, 0x12, 32]) + hashlib.sha256(body).digest()).decode().lower().rstrip(
        "="
    )


def record_cid(record: Any) -> str:
    return cid_of(json.dumps(record, sort_keys=True, ensure_ascii=False).encode(), 0x71)


def did_for(handle: str) -> str:
    digest = hashlib.sha256(handle.lower().encode()).digest()
    return "did:plc:" + base64.b32encode(digest).decode().lower()[:24]


def tid_at(microseconds: int) -> str:
    value = microseconds << 10
    return "".join(_DIGITS[(value >> shift) & 31] for shift in range(60, -1, -5))


def split_uri(uri: object) -> tuple[str, str, str]:
    """DID, collection and key of a record's address. Raises XrpcError."""
    match = _AT_URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None:
        raise invalid(f"Error: uri must be a valid at-uri: {uri!r}")
    return match[1], match[2], match[3]


def check_act(did: str, collection: str, rkey: str, record: Any) -> None:
    """Refuse a like or a thread's gate that the lexicons do not know. Raises XrpcError."""
    if collection == LIKE:
        _check(bool(TID.fullmatch(rkey)), "rkey")
        subject = record.get("subject") or {}
        split_uri(subject.get("uri"))
        _check(bool(subject.get("cid")) and bool(_MOMENT.fullmatch(str(record.get("createdAt")))), "subject")
    elif collection == GATE:
        _check(split_uri(record.get("post")) == (did, POST, rkey), "post")
        hidden = record.get("hiddenReplies", [])
        _check(isinstance(hidden, list) and len(hidden) <= MOST_HIDDEN, "hiddenReplies")
        for uri in hidden:
            split_uri(uri)


def check_post(record: Any, rkey: str, find_blob: Callable[[str], dict[str, Any] | None]) -> None:
    """Refuse what the servers refuse of a post. Raises XrpcError."""
    if not TID.fullmatch(rkey):
        raise invalid(f"Invalid record key for {POST}: not a TID")
    _check(isinstance(record, dict) and record.get("$type") == POST, "$type")
    text = record.get("text")
    _check(isinstance(text, str), "text")
    if len(text.encode()) > MOST_BYTES:
        raise invalid(f"Invalid {POST} record: text is longer than {MOST_BYTES} bytes")
    if len(regex.findall(r"\X", text)) > MOST_GRAPHEMES:
        raise invalid(f"Invalid {POST} record: text is longer than {MOST_GRAPHEMES} graphemes")
    _check(isinstance(record.get("createdAt"), str) and bool(_MOMENT.fullmatch(record["createdAt"])), "createdAt")
    langs = record.get("langs", [])
    _check(isinstance(langs, list) and len(langs) <= 3 and all(isinstance(x, str) for x in langs), "langs")
    for facet in record.get("facets", []):
        _check_facet(facet)
    if "reply" in record:
        for part in ("root", "parent"):
            _check_reference(record["reply"].get(part), f"reply.{part}")
    _check_embed(record.get("embed"), find_blob)


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise invalid(f"Invalid {POST} record: bad {what}")


def _check_facet(facet: Any) -> None:
    index = facet.get("index", {}) if isinstance(facet, dict) else {}
    start, end = index.get("byteStart"), index.get("byteEnd")
    _check(isinstance(start, int) and isinstance(end, int) and start >= 0, "facets.index")
    for feature in facet.get("features", ()):
        kind = str(feature.get("$type", "")).rpartition("#")[2]
        needed = {"mention": "did", "link": "uri", "tag": "tag"}.get(kind, "$type")
        _check(isinstance(feature.get(needed), str), f"facets.{kind}")


def _check_reference(reference: Any, what: str) -> None:
    _check(isinstance(reference, dict), what)
    split_uri(reference.get("uri"))
    _check(isinstance(reference.get("cid"), str) and bool(re.fullmatch(r"b[a-z2-7]{58}", reference["cid"])), what)


def _check_embed(embed: Any, find_blob: Callable[[str], dict[str, Any] | None]) -> None:
    if embed is None:
        return
    _check(isinstance(embed, dict), "embed")
    if embed.get("$type") == "app.bsky.embed.record":
        return _check_reference(embed.get("record"), "embed.record")
    if embed.get("$type") == "app.bsky.embed.video":
        _check(len(regex.findall(r"\X", str(embed.get("alt", "")))) <= MOST_FILM_ALT, "embed.alt")
        return _check_blob(embed.get("video"), find_blob, "video/mp4", MOST_FILM_BYTES)
    if embed.get("$type") == "app.bsky.embed.external":
        return _check_external(embed.get("external"), find_blob)
    _check(embed.get("$type") == "app.bsky.embed.images", "embed.$type")
    images = embed.get("images")
    _check(isinstance(images, list) and 0 < len(images) <= MOST_IMAGES, "embed.images")
    for image in images:
        _check(isinstance(image.get("alt"), str), "embed.images.alt")
        _check_blob(image.get("image"), find_blob, "image/", MOST_IMAGE_BYTES)
    return None


def _check_external(external: Any, find_blob: Callable[[str], dict[str, Any] | None]) -> None:
    _check(isinstance(external, dict), "embed.external")
    for name in ("uri", "title", "description"):
        _check(isinstance(external.get(name), str), f"embed.external.{name}")
    _check(bool(_URI.fullmatch(external["uri"])), "embed.external.uri")
    if "thumb" in external:
        _check_blob(external["thumb"], find_blob, "image/", MOST_THUMB_BYTES)


def _check_blob(reference: Any, find_blob: Callable[[str], dict[str, Any] | None], mime: str, most: int) -> None:
    reference = reference if isinstance(reference, dict) else {}
    cid = reference.get("ref", {}).get("$link", "")
    blob = find_blob(cid)
    if blob is None:
        raise invalid(f"Could not find blob: {cid}", "BlobNotFound")
    if blob["size"] > most:
        message = f"This file is too large. It is {blob['size']} bytes but the maximum is {most}"
        raise invalid(message, "BlobTooLarge")
    if not blob["mime"].startswith(mime):
        raise invalid(f"Wrong mimetype of file. It is {blob['mime']}", "InvalidMimeType")
