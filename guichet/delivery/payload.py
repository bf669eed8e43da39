"""What is to be sent, frozen: exactly what was approved and shown is what goes out.

A payload is plain JSON in the delivery's row. Its hash identifies it: a start is bound
to the hash that was prepared, so a text that was changed meanwhile does not go out with
what was prepared for the old one. Bytes of media are named by their SHA-256 and checked
when they are read: a file that was changed in the store is not sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from channels.contract import Draft, Film, LinkCard, MediaItem, Surface, Target
from guichet.errors import GuichetError
from guichet.storage import FileStore


class MediaLost(GuichetError):
    """The stored bytes are not there, or are not those that were attached."""

    code = "media_lost"


@dataclass(frozen=True)
class MediaRef:
    """A file of the store as it stands in a payload. `size` in bytes, `sha256` in hex."""

    media_id: int
    sha256: str
    mime: str
    size: int
    filename: str
    alt: str
    storage_key: str
    width: int | None = None
    height: int | None = None
    film: Mapping[str, Any] | None = None  # what was found in a film
    focus: tuple[float, float] | None = None  # a point of it, from (-1, -1), left below, to (1, 1)
    # Of a film that was made, or is still to be made (`sha256` is empty), from another: of which, and how.
    source: str = ""
    recipe: str = ""


@dataclass(frozen=True)
class CardRef:
    """The card of a link as it stands in a payload; `url` as it goes out."""

    url: str
    title: str
    description: str
    picture: MediaRef | None = None


def freeze(
    *,
    text: str,
    surface: Surface | str,
    media: Sequence[MediaRef] = (),
    language: str = "",
    reply_to: Target | None = None,
    subject: str = "",
    options: Mapping[str, Any] | None = None,
    card: CardRef | None = None,
) -> dict[str, Any]:
    """The payload of a delivery: JSON-able, complete, independent of every other row."""
    return {
        "text": text,
        "surface": Surface(surface).value,
        "media": [asdict(m) for m in media],
        "language": language,
        "reply_to": frozen_target(reply_to) if reply_to else None,
        "subject": subject,
        "options": dict(options or {}),
        **({"card": asdict(card)} if card else {}),
    }


def awaits_film(payload: Mapping[str, Any]) -> bool:
    """Whether a film that it names is still to be made."""
    return any(not m["sha256"] for m in payload.get("media", ()))


def with_film(payload: Mapping[str, Any], made: MediaRef) -> dict[str, Any]:
    """The payload with what was made where it was awaited."""
    new = ("sha256", "size", "width", "height", "film", "storage_key")
    there = {name: value for name, value in asdict(made).items() if name in new}
    media = [
        {**m, **there} if (m["media_id"], m.get("recipe")) == (made.media_id, made.recipe) else m
        for m in payload["media"]
    ]
    return {**payload, "media": media}


def frozen_target(target: Target) -> dict[str, Any]:
    """A target as it stands in a payload."""
    return {
        "remote_id": target.remote_id,
        "author_id": target.author_id,
        "author_handle": target.author_handle,
        "thread_root": target.thread_root,
        "surface": target.surface.value,
        "context": dict(target.context),
    }


def payload_hash(payload: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the payload as canonical JSON (sorted keys, no spaces, UTF-8)."""
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def thaw(payload: Mapping[str, Any], store: FileStore) -> Draft:
    """The draft that a payload froze. Bytes of media are read, and checked, when asked
    for; then MediaLost may be raised."""
    reply_to = payload.get("reply_to")
    return Draft(
        text=payload["text"],
        surface=Surface(payload["surface"]),
        media=tuple(_media_item(m, store) for m in payload["media"]),
        language=payload["language"],
        reply_to=thawed_target(reply_to) if reply_to else None,
        subject=payload["subject"],
        options=payload["options"],
        card=_card(payload.get("card"), store),
    )


def thawed_target(frozen: Mapping[str, Any]) -> Target:
    """The target that `frozen_target` froze."""
    return Target(**{**frozen, "surface": Surface(frozen["surface"])})


def focus_of(frozen: Mapping[str, Any]) -> tuple[float, float] | None:
    """The point of a file that is to stay in sight, as it was frozen."""
    focus = frozen.get("focus")
    return (focus[0], focus[1]) if focus else None


def item_of(ref: MediaRef) -> MediaItem:
    """The file for counting only: its bytes are not asked for."""
    return MediaItem(
        ref.sha256, ref.mime, ref.size, ref.filename, ref.alt, bytes, ref.width, ref.height, film=film_of(ref.film)
    )


def film_of(kept: Mapping[str, Any] | None) -> Film | None:
    """What was found in a film, as it was kept."""
    return Film(**kept) if kept else None


def _card(frozen: Mapping[str, Any] | None, store: FileStore) -> LinkCard | None:
    if frozen is None:
        return None
    picture = _media_item(frozen["picture"], store) if frozen["picture"] else None
    return LinkCard(frozen["url"], frozen["title"], frozen["description"], picture)


def _media_item(frozen: Mapping[str, Any], store: FileStore) -> MediaItem:
    def read() -> bytes:
        try:
            data = store.get(frozen["storage_key"])
        except OSError as e:
            raise MediaLost(f"the file {frozen['filename']!r} is not in the store any more") from e
        if hashlib.sha256(data).hexdigest() != frozen["sha256"]:
            raise MediaLost(f"the file {frozen['filename']!r} was changed after it was attached")
        return data

    return MediaItem(
        sha256=frozen["sha256"],
        mime=frozen["mime"],
        size=frozen["size"],
        filename=frozen["filename"],
        alt=frozen["alt"],
        open=read,
        width=frozen["width"],
        height=frozen["height"],
        focus=focus_of(frozen),
        film=film_of(frozen.get("film")),
    )
