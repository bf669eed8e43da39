"""What the demonstration shows: a picture and a film, drawn here, so that nobody's work is in it and
no bytes of them are in the repository. The film is a WebM, which not every network takes: it is made
for the others."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

_PICTURE = (1200, 900)
_FILM = (480, 270)
_FRAMES, _RATE = 36, 12  # three seconds
_NIGHT, _DAWN = (24, 36, 84), (244, 164, 108)


def picture() -> bytes:
    """A PNG: an aeroplane over a morning sky."""
    out = io.BytesIO()
    _sky(_PICTURE, 0.55).save(out, "PNG")
    return out.getvalue()


def film() -> bytes:
    """The same aeroplane on its way, written by a program of its own: what writes films is large,
    and would stay in memory."""
    frames = b"".join(_sky(_FILM, n / _FRAMES).convert("RGBA").tobytes() for n in range(_FRAMES))
    with tempfile.TemporaryDirectory(prefix="guichet-demo-") as folder:
        path = Path(folder) / "film.webm"
        words = [str(Path(__file__).with_name("reel.py")), str(path), *map(str, _FILM), str(_RATE)]
        subprocess.run([sys.executable, "-P", *words], input=frames, check=True, timeout=120)
        return path.read_bytes()


def _sky(size: tuple[int, int], at: float) -> Image.Image:
    """The aeroplane at this part of its way, from 0 to 1."""
    width, height = size
    mask = Image.linear_gradient("L").resize(size)
    image = Image.composite(Image.new("RGB", size, _DAWN), Image.new("RGB", size, _NIGHT), mask)
    draw = ImageDraw.Draw(image)
    sun = width // 9
    draw.ellipse((width * 0.7 - sun, height * 0.8 - sun, width * 0.7 + sun, height * 0.8 + sun), fill=(255, 214, 150))
    x, y, unit = width * (at * 1.2 - 0.1), height * (0.55 - at * 0.25), width / 60
    body = [(-8, 0), (6, -1), (8, 0), (6, 1), (-8, 1)]
    wing, tail = [(1, 0), (-5, 5), (-2, 0)], [(-8, 0), (-9, -3), (-7, -3), (-5, 0)]
    for shape in (body, wing, tail):
        draw.polygon([(x + dx * unit, y + dy * unit) for dx, dy in shape], fill=(250, 250, 252))
    return image
