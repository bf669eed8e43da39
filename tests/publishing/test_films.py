"""Films: opened in a program of their own, kept without where they were filmed, and judged by each
network's own limits."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from channels.bluesky import SPEC as BLUESKY
from channels.contract import Film, MediaItem, Surface
from channels.limits import problems
from channels.mastodon import SPEC as MASTODON
from channels.x import SPEC as X
from guichet.errors import Invalid
from guichet.filming.running import read_film
from guichet.publishing import files
from tests.publishing.films import a_film

PARIS = "+48.8577+002.2950/"


@pytest.fixture(scope="module")
def filmed() -> bytes:
    return a_film("mov", location=PARIS, title="the fourth floor")


def test_a_film_is_kept_without_where_it_was_filmed_and_as_what_every_network_reads(filmed: bytes) -> None:
    assert PARIS.encode() in filmed
    found = files.examine(filmed, "IMG 1.MOV")
    assert (found.mime, found.filename, found.width, found.height) == ("video/mp4", "IMG 1.mp4", 64, 48)
    assert found.film == Film(1.0, "h264", "", 10.0, "yuv420p")
    assert all(word not in found.data for word in (PARIS.encode(), b"fourth floor", b"Lavf"))
    with Image.open(io.BytesIO(found.poster)) as poster:
        assert (poster.format, poster.size) == ("JPEG", (64, 48))
    again = files.examine(found.data, "again.mp4")
    assert (again.mime, again.film) == (found.mime, found.film)


def test_a_webm_stays_one() -> None:
    found = files.examine(a_film("webm", "libvpx", title="the fourth floor"), "cat.webm")
    assert (found.mime, found.film) == ("video/webm", Film(1.0, "vp8", "", 10.0, "yuv420p"))
    assert b"fourth floor" not in found.data


def test_what_only_begins_like_a_film_is_damaged(filmed: bytes) -> None:
    for broken in (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + b"\0" * 100, filmed[: len(filmed) // 3]):
        with pytest.raises(Invalid, match="cannot be read"):
            files.examine(broken, "film.mov")


def test_a_program_that_is_killed_at_its_work_takes_nobody_along(filmed: bytes) -> None:
    """More than it may write, it is ended by the system."""
    with pytest.raises(Invalid, match="cannot be read"):
        read_film(filmed, "video/quicktime", largest=100)


def film(mime: str = "video/mp4", **more: object) -> MediaItem:
    facts = replace(Film(30, "h264", "aac", 30), **more)
    return MediaItem("0" * 64, mime, 1_000_000, "f.mp4", "", bytes, 1920, 1080, film=facts)


@pytest.mark.parametrize(
    ("item", "x", "mastodon", "bluesky"),
    [
        (film(), [], [], []),
        (film(seconds=150), ["film_too_long"], [], []),
        (film(seconds=181), ["film_too_long"], [], ["film_too_long"]),
        (film(seconds=0.4), ["film_too_short"], [], []),
        (film(video="hevc"), ["film_codec_refused"], [], []),
        (film(pixels="yuv422p10le"), ["film_colours_refused"], [], []),
        (film(audio="ac3"), ["film_codec_refused"], [], []),
        (film(audio=""), [], [], []),
        (film(rate=120), ["film_rate_too_high"], ["film_rate_too_high"], []),
        (film("video/webm"), ["media_type_refused"], [], ["media_type_refused"]),
        (replace(film(), size=100_000_001), [], ["film_too_many_pixels"], ["media_too_large"]),
    ],
)
def test_each_network_says_what_it_refuses_of_a_film(
    item: MediaItem, x: list[str], mastodon: list[str], bluesky: list[str]
) -> None:
    own = MASTODON.limits_for({"limits": {"video_pixels": 1920 * 1080, "video_rate": 60}})
    if mastodon == ["film_too_many_pixels"]:
        own = MASTODON.limits_for({"limits": {"video_pixels": 1920 * 1079, "video_bytes": 200_000_000}})
    said = [
        [p.name for p in problems("Look", [item], limits, Surface.PUBLIC)] for limits in (X.limits, own, BLUESKY.limits)
    ]
    assert said == [x, mastodon, bluesky]
