"""Pictures from outside: what is shown is drawn by us, and what is no picture is not."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from guichet.errors import Invalid
from guichet.receiving.redrawing import redraw


def picture(size: tuple[int, int] = (300, 200), kind: str = "PNG", mode: str = "RGB", **more: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 90).save(out, kind, **more)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A few bytes that say they are a picture of so many points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "RGBA"), ("PNG", "I;16"), ("PNG", "L"), ("JPEG", "CMYK"), ("JPEG", "RGB"), ("GIF", "P"), ("BMP", "1"),
     ("WEBP", "RGB")],
)  # fmt: skip
def test_every_usual_picture_becomes_one_of_ours(kind: str, mode: str) -> None:
    drawn = redraw(picture(kind=kind, mode=mode))
    with Image.open(io.BytesIO(drawn.data)) as image:
        assert (image.format, image.size) == ("WEBP", (300, 200))


def test_nothing_rides_along() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    exif[0x0112] = 6  # lies on its side
    data = picture(kind="JPEG", exif=exif, comment=b"<script>alert(1)</script>") + b"<script>alert(2)</script>"
    drawn = redraw(data)
    assert b"where I live" in data
    assert not any(word in drawn.data for word in (b"where I live", b"script", b"EXIF", b"XMP"))
    assert (drawn.width, drawn.height) == (200, 300)


def test_of_a_moving_picture_the_first_is_drawn() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(redraw(out.getvalue()).data)) as image:
        assert not getattr(image, "is_animated", False)
        red, _, blue = image.convert("RGB").getpixel((20, 20))
        assert red > blue


def test_it_is_no_larger_than_is_shown() -> None:
    drawn = redraw(picture((6000, 8000), "JPEG"))
    assert (drawn.width, drawn.height) == (1600, 2133)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html><script>alert(1)</script></html>",
        b"\x89PNG\r\n\x1a\n", picture()[:90], picture(kind="TIFF"), picture(kind="ICO", size=(64, 64)),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", bomb(60_000, 60_000), picture((5000, 5000), mode="1"),
        bomb(1000, 1000),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_not_shown(data: bytes) -> None:
    with pytest.raises(Invalid):
        redraw(data)


@pytest.mark.parametrize("size", [(1, 1), (2, 600)])
def test_what_shows_nothing_says_so(size: tuple[int, int]) -> None:
    with pytest.raises(Invalid) as refused:
        redraw(picture(size, "GIF", "P"))
    assert refused.value.code == "shows_nothing"
