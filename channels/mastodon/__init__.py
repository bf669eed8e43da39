"""Mastodon and the servers that speak its API (GoToSocial, Takahē, Pleroma, …).

*Readable*, not *keyed*: Mastodon honours an idempotency key for an hour, others of its
API ignore it and publish twice, and no server says which kind it is. So each send
carries a key, which costs nothing and helps where it is honoured, but the truth about
a doubtful send is read from the account's own statuses (look.py).
"""

from __future__ import annotations

from datetime import timedelta

from channels.contract import AuthKind, ChannelSpec, FormField, Recovery
from channels.hashtags import word_tag
from channels.mastodon.connect import MastodonConnector
from channels.mastodon.instance import limits_of
from channels.mastodon.look import MastodonReconciler
from channels.mastodon.mentions import MENTIONS
from channels.mastodon.metering import QUOTAS, windows_in
from channels.mastodon.read import MastodonReader
from channels.mastodon.send import MastodonPublisher, answer_text

SPEC = ChannelSpec(
    name="mastodon",
    title="Mastodon",
    monogram="M",
    auth=(AuthKind.OAUTH2,),
    recovery=Recovery.READABLE,
    limits=limits_of({}),
    fields=(FormField("instance", "address", default="mastodon.social"),),
    connector=MastodonConnector,
    read_lag=timedelta(seconds=10),
    latest_arrival=timedelta(seconds=60),
    poll_every=timedelta(seconds=60),
    publisher=MastodonPublisher,
    reconciler=MastodonReconciler,
    reader=MastodonReader,
    limits_of=limits_of,
    answer_text=answer_text,
    hashtag=word_tag,
    mentions=MENTIONS,
    card="reads",
    quotas=QUOTAS,
    windows_in=windows_in,
)
