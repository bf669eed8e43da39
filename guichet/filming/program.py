"""The program that opens films: `python -m guichet.filming.program FILE KIND FOLDER`.

A process of its own, because decoders are large and are attacked by the files that they open:
what crashes here, eats memory or never ends takes nobody along. It binds itself before it loads
them. KIND is the demuxer, chosen by the file's first bytes: none that opens further files or
addresses is ever asked. It writes FOLDER/film (the same pictures and sounds, copied and not coded
anew, without where, when and on what it was filmed) and FOLDER/poster.jpg, and prints what it found.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guichet.filming.binding import MEGABYTE, bind

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

MEMORY = 1536 * MEGABYTE  # bytes of addresses; 1080p in H.264 takes a third of that
SECONDS = 60  # of a processor
_POSTER = (1280, 1280)
_MOST_PIXELS = 40_000_000
# What an MP4 may hold and every player of one knows; anything else stays in the container it came in.
_OF_MP4 = frozenset({"h264", "hevc", "mpeg4", "av1", "vp9", "aac", "mp3", "ac3", "eac3", ""})
_CONTAINERS = {"mov": ("mov", "video/quicktime"), "matroska": ("webm", "video/webm")}


class Unfit(Exception):
    """What is wrong with the file, as a stable name."""


def read(path: Path, kind: str, folder: Path) -> dict[str, Any]:
    """What the film is; see the module. Raises Unfit, and whatever the libraries raise."""
    import av

    with av.open(str(path), format=kind) as film:
        pictures = next((s for s in film.streams.video if not is_cover(s)), None)
        if pictures is None:
            raise Unfit("no_pictures")
        if pictures.width * pictures.height > _MOST_PIXELS:
            raise Unfit("too_large")
        sound = film.streams.audio[0] if film.streams.audio else None
        codecs = pictures.codec_context.name, sound.codec_context.name if sound else ""
        into, mime = ("mp4", "video/mp4") if kind == "mov" and set(codecs) <= _OF_MP4 else _CONTAINERS[kind]
        pixels = pictures.codec_context.pix_fmt or ""
        seconds, turn = _poster(film, pictures, folder / "poster.jpg")
        _copy(path, kind, folder / "film", into)
    width, height = (pictures.height, pictures.width) if turn % 180 else (pictures.width, pictures.height)
    rate = pictures.average_rate or Fraction(0)
    return {
        "mime": mime, "width": width, "height": height, "seconds": round(seconds, 2),
        "video": codecs[0], "audio": codecs[1], "rate": round(float(rate), 2), "pixels": pixels,
    }  # fmt: skip


def is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)


def _poster(film: InputContainer, pictures: VideoStream, path: Path) -> tuple[float, int]:
    """Keep one picture of it, a little after its beginning; gives its length in seconds and its turn."""
    pictures.thread_count = 1
    seconds = float(film.duration or 0) / 1_000_000
    if not seconds and pictures.duration and pictures.time_base:
        seconds = float(pictures.duration * pictures.time_base)
    if seconds > 3:
        film.seek(int(min(1.0, seconds / 10) * 1_000_000))
    frame = next(film.decode(pictures), None)
    if frame is None:
        raise Unfit("no_pictures")
    shown: Any = frame  # of which the library's types leave one method out
    image = shown.to_image().rotate(frame.rotation, expand=True) if frame.rotation else shown.to_image()
    image.thumbnail(_POSTER)
    image.convert("RGB").save(path, "JPEG", quality=85)
    return seconds, int(frame.rotation)


def _copy(path: Path, kind: str, out: Path, into: str) -> None:
    """The first pictures and the first sounds, packet by packet; nothing else comes along."""
    import av

    exact = {"fflags": "+bitexact", **({"movflags": "+faststart"} if into != "webm" else {})}
    with av.open(str(path), format=kind) as film, av.open(str(out), "w", format=into, options=exact) as made:
        kept = [s for s in film.streams.video if not is_cover(s)][:1]
        streams = {s.index: made.add_stream_from_template(s) for s in (*kept, *film.streams.audio[:1])}
        for stream in streams.values():
            stream.metadata.clear()
        made.metadata.clear()
        for packet in film.demux([film.streams[index] for index in streams]):
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                made.mux(packet)


def main() -> None:
    path, kind, folder, largest = sys.argv[1:]
    bind(memory=MEMORY, seconds=SECONDS, largest=int(largest))
    try:
        found = read(Path(path), kind, Path(folder))
    except Unfit as e:
        found = {"unfit": str(e)}
    except Exception as e:  # whatever a decoder says of a broken file, it is broken
        found = {"unfit": "damaged", "because": type(e).__name__}
    sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main()
