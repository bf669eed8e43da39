"""X (Twitter), through API v2.

Refuses what X refuses since February 2026: answers through the API go only to those
who mentioned or quoted the account. There is no idempotency key, so the truth about
an unknown outcome is read from the account's own timeline. Facts: docs.x.com.
"""

from __future__ import annotations

from datetime import date, timedelta

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
from channels.hashtags import word_tag
from channels.x.connect import XConnector
from channels.x.look import XReconciler
from channels.x.mentions import MENTIONS
from channels.x.metering import QUOTAS, TARIFF, windows_in
from channels.x.publish import XPublisher
from channels.x.read import XReader
from channels.x.webhook import XReceiver

_DOCS, _AS_OF = "docs.x.com", date(2026, 4, 1)
_MEGABYTE = 1024 * 1024
_FILES = {
    "image/jpeg": 5 * _MEGABYTE,
    "image/png": 5 * _MEGABYTE,
    "image/webp": 5 * _MEGABYTE,
    "image/gif": 15 * _MEGABYTE,
    "video/mp4": 512 * _MEGABYTE,
    "video/quicktime": 512 * _MEGABYTE,
}
_ALONE = frozenset({"image/gif", "video/mp4", "video/quicktime"})
_FILM = FilmLimit(
    0.5, 140, frozenset({"h264"}), frozenset({"aac"}), max_rate=60, pixels=frozenset({"yuv420p", "yuvj420p"})
)

LIMITS = Limits(
    text={
        Surface.PUBLIC: TextLimit(280, CountUnit.WEIGHTED, _DOCS, _AS_OF, url_length=23),
        Surface.DIRECT: TextLimit(10_000, CountUnit.CHARACTER, _DOCS, _AS_OF),
    },
    media={
        Surface.PUBLIC: MediaLimit(4, _FILES, 1000, _DOCS, _AS_OF, alone=_ALONE, film=_FILM),
        Surface.DIRECT: MediaLimit(1, _FILES, 1000, _DOCS, _AS_OF, film=_FILM),
    },
)

SPEC = ChannelSpec(
    name="x",
    title="X",
    monogram="X",
    auth=(AuthKind.OAUTH2, AuthKind.OAUTH1),
    recovery=Recovery.READABLE,
    limits=LIMITS,
    fields=(FormField("auth", "choice", required=False, default="oauth2", choices=("oauth2", "oauth1")),),
    connector=XConnector,
    read_lag=timedelta(seconds=15),
    hashtag=word_tag,
    mentions=MENTIONS,
    card="reads",
    refuses_repeats=True,  # 403, code 187: "Status is a duplicate"
    latest_arrival=timedelta(seconds=60),
    # Direct messages may be read 15 times in 15 minutes; this leaves some for finding out after a doubt.
    poll_every=timedelta(seconds=75),
    publisher=XPublisher,
    reconciler=XReconciler,
    reader=XReader,
    receiver=XReceiver,
    quotas=QUOTAS,
    windows_in=windows_in,
    tariff=TARIFF,
    # tweepy and signatures know api.twitter.com and api.x.com as one.
    fixed_hosts=("api.x.com", "api.twitter.com", "x.com", "twitter.com"),
)

__all__ = ["LIMITS", "SPEC"]
