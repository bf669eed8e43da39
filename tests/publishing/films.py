"""Films for tests: a second of colours, made when they are asked for."""

from __future__ import annotations

import io
from typing import Any

import av
from PIL import Image


def a_film(
    kind: str = "mp4", codec: str = "libx264", seconds: float = 1.0, size: tuple[int, int] = (64, 48), **tags: str
) -> bytes:
    """Of `size`, ten pictures a second, no sound; `tags` are written into it as cameras do."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind, options={"movflags": "use_metadata_tags"} if kind != "webm" else {}) as film:
        film.metadata.update(tags)
        stream: Any = film.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for n in range(int(seconds * 10)):
            picture: Any = av.VideoFrame
            frame = picture.from_image(Image.new("RGB", size, (n * 20 % 255, 80, 160)))
            frame.pts = n
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return out.getvalue()
