"""Pictures as a network takes them: smaller, or in another format, where it would refuse
what was uploaded. Only still pictures: a film or a moving picture is left as it is, and the
network's refusal stands. Nothing is enlarged, and nothing is made so small that it says
nothing any more; then it is refused instead.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from channels.contract.cards import PICTURE_BYTES
from channels.sentences import say
from guichet.delivery.bounds import STILL, Bounds, Fitted
from guichet.errors import Invalid
from guichet.publishing.framing import Frame

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_QUALITIES = (90, 82)  # of 100; below, pixels are given up instead
_STEP = 0.8  # of each side, from one try to the next
SMALLEST = 400  # pixels of the longer side
_THUMBNAIL = (320, 320)
_STAMP = 32  # pixels of a side; pages put smaller ones there to count their readers
_ON_CARD = Bounds({"image/jpeg": PICTURE_BYTES}, max_pixels=1_500_000)
_TURNED = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def cut(data: bytes, mime: str, frame: Frame) -> Fitted:
    """What a settled frame shows of the picture, in its own format and as good as that keeps it."""
    picture = _framed(data, frame)
    made = next(_written(picture, mime, picture.info.get("icc_profile")))
    return Fitted(made, mime, picture.width, picture.height)


def fit(data: bytes, mime: str, bounds: Bounds, frame: Frame | None = None) -> Fitted:
    """The picture within the bounds, as good as they allow: with every pixel where that can
    be, else with fewer; in its own format where that keeps nothing back, else as a photograph
    is kept; only what `frame` shows of it. `data` is a picture that was examined. Raises Invalid
    where only a stamp would fit."""
    picture = _framed(data, frame)
    kind = _kind(picture, mime, bounds)
    most = bounds.max_bytes[kind]
    share = min(1.0, (bounds.max_pixels / (picture.width * picture.height)) ** 0.5) if bounds.max_pixels else 1.0
    while True:
        size = max(1, int(picture.width * share)), max(1, int(picture.height * share))
        smaller = picture if size == picture.size else _plain(picture).resize(size, Image.Resampling.LANCZOS)
        written = 0
        for made in _written(smaller, kind, picture.info.get("icc_profile")):
            written = len(made)
            if written <= most:
                return Fitted(made, kind, *size)
        share *= min(_STEP, (most / written) ** 0.5)
        if max(picture.size) * share < min(SMALLEST, *picture.size):
            break
    raise Invalid(
        "this picture cannot be made small enough",
        {"file": say("does not fit with {least} pixels on its longer side", least=SMALLEST)},
    )


def for_card(data: bytes, mime: str) -> Fitted:
    """A picture as it stands on the card of a link. `data` was examined. Raises Invalid where it
    is a stamp, or can only become one."""
    with Image.open(io.BytesIO(data)) as image:
        if min(image.size) < _STAMP:
            raise Invalid("this picture is too small", {"file": say("must have {least} pixels a side", least=_STAMP)})
    return fit(data, mime, _ON_CARD)


def poster(data: bytes) -> Fitted:
    """A JPEG that was taken from a film, with its size."""
    with Image.open(io.BytesIO(data)) as image:
        return Fitted(data, "image/jpeg", image.width, image.height)


def thumbnail(data: bytes) -> Fitted:
    """A picture for lists, at most 320 pixels wide and high."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", _THUMBNAIL)
        small = _plain(image)
        small.thumbnail(_THUMBNAIL)
        out = io.BytesIO()
        small.save(out, "WEBP", quality=78)
        return Fitted(out.getvalue(), "image/webp", small.width, small.height)


def _framed(data: bytes, frame: Frame | None) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        picture: Image.Image = image
    if frame is None:
        return picture
    upright = picture.transpose(_TURNED[frame.turn]) if frame.turn else picture
    shown = upright.crop(frame.box)
    shown.info = dict(picture.info)
    return shown


def _kind(image: Image.Image, mime: str, bounds: Bounds) -> str:
    """The format to write. What is see-through stays so, where any format there can be; a
    photograph keeps more of its pixels as a JPEG than as a PNG."""
    can = [kind for kind in STILL if kind in bounds.max_bytes]
    if _is_see_through(image):
        can = [kind for kind in ("image/webp", "image/png") if kind in bounds.max_bytes] or can
    return mime if mime in can and mime != "image/png" else can[0]


def _is_see_through(image: Image.Image) -> bool:
    """Many pictures have a channel for that and are opaque in every point of it."""
    return image.has_transparency_data and _plain(image).getchannel("A").getextrema() != (255, 255)


def _plain(image: Image.Image) -> Image.Image:
    """In colours that every format can be made of."""
    wanted = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _written(image: Image.Image, kind: str, icc: bytes | None) -> Iterator[bytes]:
    """The picture as this format gives it, the best first. Colours of print are no part of it."""
    picture, icc = (image, icc) if image.mode in ("RGB", "RGBA", "L") else (_plain(image), None)
    if kind == "image/jpeg" and picture.mode == "RGBA":
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    for more in ({},) if kind == "image/png" else tuple({"quality": q} for q in _QUALITIES):
        out = io.BytesIO()
        picture.save(out, _FORMATS[kind], icc_profile=icc, **more)
        yield out.getvalue()
