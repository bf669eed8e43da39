"""Bluesky, and any other server of the AT Protocol.

Refused: a text changed on its way, a post under a key that is not ours alone, read marks
as the truth of what is new.
"""

from __future__ import annotations

from datetime import date, timedelta

from channels.bluesky.connect import DEFAULT_ADDRESS, BlueskyConnector
from channels.bluesky.mentions import MENTIONS
from channels.bluesky.metering import QUOTAS, windows_in
from channels.bluesky.publish import BlueskyPublisher, BlueskyReconciler
from channels.bluesky.read import BlueskyReader
from channels.bluesky.richtext import whole_tag
from channels.bluesky.video import VIDEO_HOST
from channels.contract import (
    AuthKind,
    ChannelSpec,
    CountUnit,
    FilmLimit,
    FormField,
    Limits,
    MediaLimit,
    Recovery,
    Surface,
    TextLimit,
)

_AS_OF = date(2026, 11, 22)
_IMAGE = 2_000_000
_VIDEO = 100_000_000

LIMITS = Limits(
    text={
        Surface.PUBLIC: TextLimit(300, CountUnit.GRAPHEME, "lexicon app.bsky.feed.post", _AS_OF, max_bytes=3_000),
        Surface.DIRECT: TextLimit(1_000, CountUnit.GRAPHEME, "lexicon chat.bsky.convo.defs", _AS_OF, max_bytes=10_000),
    },
    media={
        Surface.PUBLIC: MediaLimit(
            4,
            {**dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/gif"), _IMAGE), "video/mp4": _VIDEO},
            2_000,
            "lexicon app.bsky.embed.images and app.bsky.embed.video; alt text: the network's own app",
            _AS_OF,
            alone=frozenset({"video/mp4"}),
            film=FilmLimit(max_seconds=180),
        ),
    },
)

SPEC = ChannelSpec(
    name="bluesky",
    title="Bluesky",
    monogram="Bs",
    auth=(AuthKind.PASSWORD,),
    recovery=Recovery.KEYED,
    limits=LIMITS,
    fields=(
        FormField("address", "address", required=False, default=DEFAULT_ADDRESS),
        FormField("identifier", "text"),
        FormField("password", "secret"),
    ),
    connector=BlueskyConnector,
    hashtag=whole_tag,
    mentions=MENTIONS,
    card="given",
    read_lag=timedelta(seconds=5),
    latest_arrival=timedelta(seconds=60),
    # A key holds for as long as its record stands. After a day somebody may have deleted
    # the post by hand, and a replay would bring it back.
    key_life=timedelta(days=1),
    publisher=BlueskyPublisher,
    reconciler=BlueskyReconciler,
    reader=BlueskyReader,
    quotas=QUOTAS,
    windows_in=windows_in,
    fixed_hosts=(VIDEO_HOST,),
    rehearsal_form=lambda url: {"address": url, "password": "rehearsal"},
)
