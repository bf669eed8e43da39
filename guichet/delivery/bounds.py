"""What a network takes of a still picture, and whether something can be made of one that it
would refuse. Pure, and without the library that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.contract import MediaLimit
from guichet.delivery.payload import MediaRef

STILL = ("image/jpeg", "image/png", "image/webp")  # what can be written, the best first for photographs


@dataclass(frozen=True)
class Bounds:
    """What an account's network takes of a still picture: bytes by MIME type, and pixels."""

    max_bytes: Mapping[str, int] = field(hash=False)
    max_pixels: int | None = None

    @property
    def recipe(self) -> str:
        """The same text for the same bounds, whichever account has them."""
        kinds = " ".join(f"{mime.removeprefix('image/')}<={size}" for mime, size in sorted(self.max_bytes.items()))
        return f"{kinds} pixels<={self.max_pixels}" if self.max_pixels else kinds

    def holds(self, mime: str, size: int, width: int | None, height: int | None) -> bool:
        """Whether the network takes it as it is."""
        largest = self.max_bytes.get(mime)
        pixels = (width or 0) * (height or 0)
        return largest is not None and size <= largest and not (self.max_pixels and pixels > self.max_pixels)


@dataclass(frozen=True)
class Fitted:
    """A picture that was made from another."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int


def joined(cut: str, bounds: str) -> str:
    """What is to be made of a picture that is cut and still outside of a network's bounds."""
    return f"{cut} {bounds}" if cut else bounds


def bounds_for(ref: MediaRef, limit: MediaLimit | None) -> Bounds | None:
    """What is to be kept to, where this file is a still picture that would be refused as it
    is and could be taken otherwise; None: it is fine, or nothing can be done."""
    if limit is None or ref.mime not in STILL:
        return None
    bounds = Bounds({m: size for m, size in limit.max_bytes.items() if m in STILL}, limit.max_pixels)
    if not bounds.max_bytes or bounds.holds(ref.mime, ref.size, ref.width, ref.height):
        return None
    return bounds
