"""Films on Bluesky: made ready by a service of their own before the post that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from channels.bluesky import SPEC
from channels.bluesky.video import VIDEO_HOST, VideoService
from channels.bluesky.xrpc import Server
from channels.contract import Draft, MediaItem
from channels.errors import Rejected, Unavailable
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.rig import sample_image

BODY = b"\0\0\0\x18ftypisom" + b"pictures" * 200


@pytest.fixture(scope="module")
def rig() -> Iterator[BlueskyRig]:
    with BlueskyRig() as rig:
        yield rig


def film(body: bytes = BODY, alt: str = "A train leaves") -> MediaItem:
    return MediaItem(sha256(body).hexdigest(), "video/mp4", len(body), "f.mp4", alt, lambda: body, 640, 360)


def test_a_film_is_shown_by_the_post_with_its_shape_and_its_description(rig: BlueskyRig) -> None:
    rig.network.films.processing = 0.3
    publisher = SPEC.publisher(rig.connect(), rig.wire)
    draft = Draft("Look", media=(film(),))
    prepared = publisher.prepare(draft)
    embed = prepared["record"]["embed"]
    assert (embed["$type"], embed["alt"]) == ("app.bsky.embed.video", "A train leaves")
    assert (embed["aspectRatio"], embed["video"]["size"]) == ({"width": 640, "height": 360}, len(BODY))
    publisher.send(draft, prepared, publisher.new_key(datetime.now(UTC)))
    (entry,) = [e for e in rig.published() if e["text"] == "Look"]
    assert [(m["mime"], m["alt"]) for m in entry["media"]] == [("video/mp4", "A train leaves")]
    assert SPEC.fixed_hosts == (VIDEO_HOST,)


def test_what_the_service_cannot_use_is_refused_and_nothing_is_published(rig: BlueskyRig) -> None:
    rig.network.films.processing = 0
    publisher, before = SPEC.publisher(rig.connect(), rig.wire), len(rig.published())
    with pytest.raises(Rejected, match="cannot use this film"):
        publisher.prepare(Draft("Look", media=(film(b"no film at all"),)))
    with pytest.raises(Rejected, match="by itself"):
        publisher.prepare(Draft("Look", media=(film(), sample_image("alt"))))
    assert len(rig.published()) == before


def test_a_service_that_takes_too_long_is_asked_again_later(rig: BlueskyRig) -> None:
    rig.network.films.processing = 60
    connection = rig.connect()
    server = Server(connection.base_url, rig.wire, connection.secrets["access"])
    service = VideoService(server, connection.remote_id, rig.wire, waits=(0.01, 0.01))
    with pytest.raises(Unavailable):
        service.upload(replace(film(), alt=""))
