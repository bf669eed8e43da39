"""Pictures from outside, drawn anew: what is shown is ours, point by point, and nothing rides
along (positions, scripts, other formats). Only a few formats are opened, bombs are not; of a
moving picture its first is drawn."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageOps

from guichet.errors import Invalid

MIME = "image/webp"
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_PIXELS = 13_000_000  # of what is decoded (of a photograph: at the scale that is needed)
_WIDEST = 1600  # pixels of what is drawn; a conversation is half as wide
_LONGEST = 8000
_TINY = 2  # pixels of a side: it shows nothing, and counts its readers


@dataclass(frozen=True)
class Drawn:
    """A picture of our own, a WebP."""

    data: bytes = field(repr=False)
    width: int
    height: int


def redraw(data: bytes) -> Drawn:
    """The picture as it may be shown. Raises Invalid for what is none, damaged, too large, or so
    small that it shows nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                return _drawn(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Invalid("this is no picture that can be shown") from None


def _drawn(image: Image.Image) -> Drawn:
    if min(image.size) <= _TINY:
        raise Invalid("this picture shows nothing", code="shows_nothing")
    share = min(1.0, _WIDEST / image.width, _LONGEST / image.height)
    size = max(1, int(image.width * share)), max(1, int(image.height * share))
    if image.format == "JPEG":
        image.draft("RGB", size)
    if image.width * image.height > _PIXELS:
        raise Invalid("this picture is too large")
    turned = ImageOps.exif_transpose(image)
    picture = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    picture.info = {}
    picture.thumbnail((max(size), max(size)) if turned.size != image.size else size)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=85, method=2)
    return Drawn(out.getvalue(), picture.width, picture.height)
