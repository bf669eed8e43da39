"""The program that makes films for networks: `python -m guichet.filming.encoder ORDER`, where ORDER
is JSON (`Order`), in a folder that holds the film as `given`. It writes `made.mp4` there.

A process of its own for the reasons that `program` is one, and because it works for minutes: it
steps back behind everything else, and ends with whoever began it (its pipe closes), so that nobody
codes for a worker that is dead. It prints a line of JSON whenever it came further, and one at the end.
"""

from __future__ import annotations

import errno
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guichet.filming.binding import MEGABYTE, bind, step_back
from guichet.filming.program import Unfit, is_cover

if TYPE_CHECKING:
    from av import AudioFrame, VideoFrame
    from av.container import InputContainer, OutputContainer
    from av.filter import Graph

MADE = "made.mp4"
_TIMES = 3  # that it is coded with fewer bits, where it became larger than it may be
_SAY_EVERY = 0.5  # seconds
_PQ = 16  # SMPTE ST 2084 (HDR10): colours that are wrong on every screen that does not know them
_PLAIN = 1  # BT.709, what every screen shows
_MISSING = 0.5  # seconds that the end may lack, of pictures or sound that end apart


@dataclass(frozen=True)
class Order:
    """What is to be made: `kind` is the demuxer; sizes in pixels and bytes, `video_bits` and
    `audio_bits` a second (0: copied); `seconds` the length that it must have; the bounds of the
    program itself: `memory_mb`, `cpu_seconds`, `threads`."""

    kind: str
    width: int
    height: int
    rate: float
    video_bits: int
    audio_bits: int
    max_bytes: int
    seconds: float
    memory_mb: int
    cpu_seconds: int
    threads: int


class Progress:
    """Says how far it is, now and then; a reader that is gone ends the program."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._said = seconds, 0.0

    def reach(self, at: float) -> None:
        if time.monotonic() - self._said >= _SAY_EVERY:
            self._said = time.monotonic()
            report({"part": round(min(0.99, max(0.0, at / self._seconds)), 4)})


def report(what: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def make(given: Path, out: Path, order: Order) -> dict[str, Any]:
    """Make it; what it is then. Raises Unfit, OSError, and whatever the libraries raise."""
    bits = order.video_bits
    for _ in range(_TIMES):
        _code(given, out, order, bits)
        size = out.stat().st_size
        if size <= order.max_bytes:
            return _judged(out, order)
        if not bits:
            break
        bits = int(bits * order.max_bytes / size * 0.93)
    raise Unfit("too_many_bytes")


def _judged(out: Path, order: Order) -> dict[str, Any]:
    """What was made, read again: nothing may lack of it."""
    import av

    with av.open(str(out), format="mov") as film:
        pictures = film.streams.video[0]
        sound = film.streams.audio[0].codec_context.name if film.streams.audio else ""
        seconds = float(film.duration or 0) / 1_000_000
        if seconds < order.seconds - max(_MISSING, 2 / max(order.rate, 1)):
            raise Unfit("cut_short")
        return {
            "width": pictures.width, "height": pictures.height, "seconds": round(seconds, 2),
            "video": pictures.codec_context.name, "audio": sound,
            "rate": round(float(pictures.average_rate or 0), 2), "pixels": pictures.codec_context.pix_fmt or "",
        }  # fmt: skip


def _code(given: Path, out: Path, order: Order, bits: int) -> None:
    import av

    progress = Progress(order.seconds)
    exact = {"fflags": "+bitexact", "movflags": "+faststart"}
    with (
        av.open(str(given), format=order.kind) as film,
        av.open(str(out), "w", format="mp4", options=exact) as made,
    ):
        pictures = next((s for s in film.streams.video if not is_cover(s)), None)
        if pictures is None:
            raise Unfit("no_pictures")
        ways: dict[int, _Copying | _Pictures | _Sound] = {
            pictures.index: _Pictures(pictures, made, order, bits) if bits else _Copying(pictures, made)
        }
        if film.streams.audio:
            sound = film.streams.audio[0]
            ways[sound.index] = _Sound(sound, made, order.audio_bits) if order.audio_bits else _Copying(sound, made)
        made.metadata.clear()
        _walk(film, ways, progress)


def _walk(film: InputContainer, ways: dict[int, Any], progress: Progress) -> None:
    start = float(film.start_time or 0) / 1_000_000
    for packet in film.demux([film.streams[index] for index in ways]):
        if packet.pts is not None and packet.time_base is not None:
            progress.reach(float(packet.pts * packet.time_base) - start)
        ways[packet.stream.index].take(packet)
    for way in ways.values():
        way.end()


class _Copying:
    """Packets as they are."""

    def __init__(self, stream: Any, made: OutputContainer) -> None:
        self._made, self._stream = made, made.add_stream_from_template(stream)
        self._stream.metadata.clear()

    def take(self, packet: Any) -> None:
        if packet.dts is not None:
            packet.stream = self._stream
            self._made.mux(packet)

    def end(self) -> None:
        """Nothing is held back."""


class _Pictures:
    """Decoded, upright, not interlaced, at most so many and so large; coded anew."""

    def __init__(self, stream: Any, made: OutputContainer, order: Order, bits: int) -> None:
        self._in, self._made, self._order = stream, made, order
        self._graph: Graph | None = None
        stream.thread_count = order.threads
        rate = Fraction(order.rate).limit_denominator(1001) if order.rate else Fraction(25)
        out: Any = made.add_stream("libx264", rate=rate)
        out.width, out.height, out.pix_fmt = order.width, order.height, "yuv420p"
        out.codec_context.time_base = stream.time_base
        out.codec_context.thread_count = order.threads
        out.codec_context.color_range = 1  # as televisions have it; the scaler brings it there
        self._is_hdr = stream.codec_context.color_trc == _PQ
        for colours in ("color_primaries", "color_trc", "colorspace"):
            told = _PLAIN if self._is_hdr else getattr(stream.codec_context, colours)
            setattr(out.codec_context, colours, told)
        most = str(bits)
        out.options = {
            "preset": "fast", "profile": "high", "crf": "20", "maxrate": most, "bufsize": most,
            "g": str(round(float(rate) * 2) or 1), "x264-params": "open-gop=0",
        }  # fmt: skip
        self._out, self._last = out, -1

    def take(self, packet: Any) -> None:
        for frame in packet.decode():
            self._filter(frame)

    def _filter(self, frame: VideoFrame) -> None:
        if self._graph is None:
            self._graph = self._build(frame)
        self._graph.push(frame)
        self._drain()

    def _drain(self) -> None:
        for frame in _pulled(self._graph):
            frame.pts = frame.pts if frame.pts > self._last else self._last + 1
            self._last = frame.pts
            frame.pict_type = 0
            self._made.mux(self._out.encode(frame))

    def end(self) -> None:
        if self._graph is None:
            raise Unfit("no_pictures")
        self._graph.push(None)
        self._drain()
        self._made.mux(self._out.encode())

    def _build(self, frame: VideoFrame) -> Graph:
        import av

        graph = av.filter.Graph()
        steps = [graph.add_buffer(template=self._in, time_base=self._in.time_base)]
        steps.append(graph.add("bwdif", "deint=interlaced"))
        turns = {90: ("cclock",), 180: ("clock", "clock"), 270: ("clock",)}
        steps += [graph.add("transpose", way) for way in turns.get(int(frame.rotation) % 360, ())]
        average = float(self._in.average_rate or 0)
        if self._order.rate and average > self._order.rate + 0.01:
            steps.append(graph.add("fps", f"{self._order.rate}"))
        size = f"{self._order.width}:{self._order.height}"
        if self._is_hdr:
            steps.append(graph.add("scale", f"{size}:flags=bicubic"))
            steps.append(graph.add("scale", f"{_plainly(frame)}:out_range=tv"))
        else:
            steps.append(graph.add("scale", f"{size}:flags=bicubic:out_range=tv"))
        steps.append(graph.add("format", "yuv420p"))
        steps.append(graph.add("settb", f"expr={self._in.time_base}"))
        steps.append(graph.add("buffersink"))
        graph.link_nodes(*steps)
        graph.configure()
        return graph


def _plainly(frame: VideoFrame) -> str:
    """How HDR10 becomes BT.709. Where the film says how bright it gets, all of that is brought into
    what a plain screen shows; where it does not, white (203 cd/m², ITU-R BT.2408) stays white, and
    what is brighter is white too: to reckon with the 10,000 that may be would leave it in the dark."""
    from av.sidedata.sidedata import Type

    told: Any = frame.side_data  # which the library's types take for a mapping
    says = any(data.type == Type.MASTERING_DISPLAY_METADATA for data in told)
    intent = "perceptual" if says else "relative_colorimetric"
    return f"out_primaries=bt709:out_transfer=bt709:out_color_matrix=bt709:intent={intent}"


class _Sound:
    """Decoded, in two channels at most; AAC."""

    def __init__(self, stream: Any, made: OutputContainer, bits: int) -> None:
        import av

        layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        rate = 44_100 if stream.codec_context.sample_rate == 44_100 else 48_000
        self._made = made
        self._out: Any = made.add_stream("aac", rate=rate, layout=layout)
        self._out.bit_rate = bits
        self._even = av.AudioResampler(format="fltp", layout=layout, rate=rate)

    def take(self, packet: Any) -> None:
        for frame in packet.decode():
            self._encode(self._even.resample(frame))

    def end(self) -> None:
        self._encode(self._even.resample(None))
        self._made.mux(self._out.encode())

    def _encode(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._made.mux(self._out.encode(frame))


def _pulled(graph: Any) -> Iterator[Any]:
    import av

    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return


_FULL = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full", errno.EFBIG: "too_many_bytes"}


def main() -> None:
    order = Order(**json.loads(sys.argv[1]))
    step_back()
    bind(memory=order.memory_mb * MEGABYTE, seconds=order.cpu_seconds, largest=order.max_bytes * 4 + 64 * MEGABYTE)
    try:
        found: dict[str, Any] = {"made": make(Path("given"), Path(MADE), order)}
    except Unfit as e:
        found = {"unfit": str(e)}
    except BrokenPipeError:
        raise SystemExit(1) from None
    except MemoryError:
        found = {"unfit": "memory"}
    except Exception as e:  # whatever a decoder says of a broken file, it is broken
        number = getattr(e, "errno", None)
        found = {"unfit": _FULL.get(number or 0) or ("memory" if number == errno.ENOMEM else "damaged"),
                 "because": type(e).__name__}  # fmt: skip
    report(found)


if __name__ == "__main__":
    main()
