"""Films as cameras and phones make them, coded anew: HDR10, interlaced, turned."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from guichet.delivery.film_bounds import FilmPlan
from guichet.filming.making import Means, make_film
from guichet.filming.running import read_film

WIDTH, HEIGHT, RATE, PICTURES = 320, 180, 10, 8
BRIGHT = (0, 1, 10, 50, 100, 203, 400, 1000)  # cd/m², one bar of the picture for each
MASTERED = ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
_SAID = "log-level=none:hdr10=1:repeat-headers=1:pools=1:frame-threads=1"


def pq(luminance: float) -> int:
    """The sample of ten bits that says so much light (SMPTE ST 2084)."""
    power = (luminance / 10_000) ** (2610 / 16384)
    share = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    return round(64 + 876 * share)


def planes(frame: Any, lines: list[bytes], grey: bytes) -> Any:
    """Fill a frame: its light by lines, its colour with `grey`."""
    light, *colours = frame.planes
    light.update(b"".join(line.ljust(light.line_size, b"\0") for line in lines))
    for plane in colours:
        plane.update(grey * (plane.buffer_size // len(grey)))
    return frame


def coded(frames: Iterator[Any], codec: str, pixels: str, options: dict[str, str], **said: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as film:
        stream: Any = film.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.options = WIDTH, HEIGHT, pixels, options
        for name, value in said.items():
            setattr(stream.codec_context, name, value)
        for n, frame in enumerate(frames):
            frame.pts = n
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return out.getvalue()


def an_hdr_film(mastered: str) -> bytes:
    bar = WIDTH // len(BRIGHT)
    line = b"".join(pq(light).to_bytes(2, "little") * bar for light in BRIGHT)
    grey = (512).to_bytes(2, "little")
    frames = (planes(av.VideoFrame(WIDTH, HEIGHT, "yuv420p10le"), [line] * HEIGHT, grey) for _ in range(PICTURES))
    return coded(
        frames, "libx265", "yuv420p10le", {"preset": "ultrafast", "x265-params": _SAID + mastered},
        color_primaries=9, color_trc=16, colorspace=9, color_range=1,
    )  # fmt: skip


def an_interlaced_film() -> bytes:
    """A white bar that runs to the right: the lower field of each picture is half a step later."""

    def line(at: int) -> bytes:
        return b"".join(b"\xeb" if at <= x < at + 40 else b"\x10" for x in range(WIDTH))

    frames = (
        planes(
            av.VideoFrame(WIDTH, HEIGHT, "yuv420p"),
            [line(20 + 24 * n + 12 * (y % 2)) for y in range(HEIGHT)],
            b"\x80",
        )
        for n in range(PICTURES)
    )
    return coded(frames, "libx264", "yuv420p", {"x264-params": "tff=1:crf=10", "flags": "+ildct+ilme"})


def a_turned_film() -> bytes:
    """White above black, said to be turned a quarter, as a phone that is held upright says it."""
    lines = [b"\xeb" * WIDTH] * (HEIGHT // 2) + [b"\x10" * WIDTH] * (HEIGHT // 2)
    frames = (planes(av.VideoFrame(WIDTH, HEIGHT, "yuv420p"), lines, b"\x80") for _ in range(PICTURES))
    data = coded(frames, "libx264", "yuv420p", {})
    one, whole = 1 << 16, 1 << 30
    plain, turned = (one, 0, 0, 0, one, 0, 0, 0, whole), (0, one, 0, -one & 0xFFFFFFFF, 0, 0, HEIGHT << 16, 0, whole)
    track = data.index(b"tkhd")
    assert data.count(matrix(plain), track, track + 96) == 1
    return data[:track] + data[track:].replace(matrix(plain), matrix(turned), 1)


def matrix(numbers: tuple[int, ...]) -> bytes:
    return b"".join(n.to_bytes(4, "big") for n in numbers)


def made_of(data: bytes, folder: Path, width: int = WIDTH, height: int = HEIGHT) -> tuple[Any, list[bytes]]:
    """The third picture of what is made of it, and the lines of its light."""
    plan = FilmPlan(width, height, RATE, 4_000_000, 0, 10**7, 10**6)
    made = make_film(
        data, "video/mp4", plan, PICTURES / RATE, folder / "work", Means(2048, 120), lambda _: True
    )  # fmt: skip
    assert (made.width, made.height) == (width, height)
    with av.open(io.BytesIO(made.data)) as film:
        frame: Any = list(film.decode(film.streams.video[0]))[3]
    light = frame.planes[0]
    seen = bytes(light)
    return frame, [seen[y * light.line_size :][:width] for y in range(height)]


@pytest.mark.parametrize("mastered", [MASTERED, ""])
def test_hdr10_becomes_plain_colours(tmp_path: Path, mastered: str) -> None:
    frame, lines = made_of(an_hdr_film(mastered), tmp_path)
    bar = WIDTH // len(BRIGHT)
    light = [lines[HEIGHT // 2][bar * n + bar // 2] for n in range(len(BRIGHT))]
    assert (frame.color_trc, frame.color_primaries, frame.colorspace, frame.format.name) == (1, 1, 1, "yuv420p")
    assert light == sorted(light)
    assert light[0] <= 18
    assert light[-1] >= 230, "the brightest there is, is white"
    if mastered:
        assert 150 <= light[5] <= 215, "what is as bright as paper leaves room above"
        assert light[5] + 10 < light[6] < light[7] - 10, "and what is brighter can be told apart"
    else:
        assert light[5] >= 228, "as bright as paper is white where nothing says how bright it gets"
    for plane in frame.planes[1:]:
        assert all(abs(value - 128) <= 3 for value in bytes(plane)[: WIDTH // 2]), "grey stays grey"


def combed(lines: list[bytes]) -> int:
    """How many samples differ much from both neighbours above and below, which are alike."""
    return sum(
        abs(a - c) < 30 and abs(a - b) > 90
        for above, line, below in zip(lines, lines[1:], lines[2:], strict=False)
        for a, b, c in zip(above, line, below, strict=True)
    )


def test_interlaced_pictures_are_made_whole(tmp_path: Path) -> None:
    data = an_interlaced_film()
    with av.open(io.BytesIO(data)) as film:
        frame: Any = list(film.decode(film.streams.video[0]))[3]
        assert frame.interlaced_frame
        light = frame.planes[0]
        before = combed([bytes(light)[y * light.line_size :][:WIDTH] for y in range(HEIGHT)])
    assert before > 2000
    assert combed(made_of(data, tmp_path)[1]) < before / 20


def test_a_turned_film_stands_upright(tmp_path: Path) -> None:
    data = a_turned_film()
    read = read_film(data, "video/mp4", 10**7)
    assert (read.width, read.height) == (HEIGHT, WIDTH)
    _, lines = made_of(read.data, tmp_path, HEIGHT, WIDTH)
    middle = lines[WIDTH // 2]
    assert (middle[10] < 40, middle[-10] > 200) == (True, True), "what was above is on the right"
