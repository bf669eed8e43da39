"""Writes a film: `python reel.py FILE WIDTH HEIGHT RATE`, with its pictures (RGBA) on the standard input."""

from __future__ import annotations

import sys

import av
from av.video.stream import VideoStream


def write(path: str, width: int, height: int, rate: int) -> None:
    """A WebM without sound."""
    with av.open(path, "w", format="webm") as made:
        stream = made.add_stream("libvpx", rate=rate, options={"deadline": "realtime", "cpu-used": "8"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        n = 0
        while picture := sys.stdin.buffer.read(width * height * 4):
            frame = av.VideoFrame.from_bytes(picture, width, height, format="rgba")
            frame.pts, n = n, n + 1
            made.mux(stream.encode(frame))
        made.mux(stream.encode())


if __name__ == "__main__":
    write(sys.argv[1], *map(int, sys.argv[2:5]))
