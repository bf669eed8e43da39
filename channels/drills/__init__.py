"""Drills: classes of networks instead of networks, so that the delivery engine is proved, and
an installation can practise, against ways of behaving that no built-in network has yet.

Each stands for networks to come: containers for Instagram and Threads, drafts for WordPress,
the laggard for a Threads that took 222 s to show a post, the liar for LinkedIn's duplicates of
ghosts and Instagram's errors that are live, the blind for Telegram. There is nothing of them
but their twins (channels/rehearsal/drills): they are only offered where a rehearsal runs, and
only publish.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from channels.contract import (
    AuthKind,
    ChannelSpec,
    CountUnit,
    FormField,
    Limits,
    MediaLimit,
    Recovery,
    Surface,
    TextLimit,
)
from channels.drills.connect import DrillConnector
from channels.drills.look import ContainerReconciler, DraftReconciler, TimelineReconciler
from channels.drills.publish import ContainerPublisher, DraftPublisher, OneStepPublisher

_AS_OF = date(2026, 11, 22)
_SOURCE = "channels/rehearsal/drills/manners.py"

LIMITS = Limits(
    text={Surface.PUBLIC: TextLimit(500, CountUnit.CHARACTER, _SOURCE, _AS_OF)},
    media={
        Surface.PUBLIC: MediaLimit(4, dict.fromkeys(("image/jpeg", "image/png"), 8_000_000), 1_000, _SOURCE, _AS_OF)
    },
)


def _form(handle: str) -> Callable[[str], dict[str, str]]:
    return lambda url: {"address": url, "handle": handle, "password": "rehearsal"}


LAGGARD = ChannelSpec(
    name="drill-laggard",
    title="Drill: read late",
    monogram="D3",
    auth=(AuthKind.PASSWORD,),
    recovery=Recovery.READABLE,
    limits=LIMITS,
    fields=(FormField("address", "address"), FormField("handle", "text"), FormField("password", "secret")),
    connector=DrillConnector,
    read_lag=timedelta(minutes=5),
    latest_arrival=timedelta(seconds=60),
    publisher=OneStepPublisher,
    reconciler=TimelineReconciler,
    rehearsal_form=_form("laggard"),
    is_drill=True,
)

LIAR = replace(
    LAGGARD, name="drill-liar", title="Drill: lies", monogram="D4", read_lag=timedelta(seconds=5),
    rehearsal_form=_form("liar"),
)  # fmt: skip

BLIND = replace(
    LAGGARD, name="drill-blind", title="Drill: blind", monogram="D5", recovery=Recovery.BLIND, reconciler=None,
    rehearsal_form=_form("blind"),
)  # fmt: skip

CONTAINERS = replace(
    LAGGARD, name="drill-containers", title="Drill: containers", monogram="D1", recovery=Recovery.KEYED,
    key_life=timedelta(days=1), read_lag=timedelta(seconds=30), publisher=ContainerPublisher,
    reconciler=ContainerReconciler, rehearsal_form=_form("containers"),
)  # fmt: skip

# A draft stands until somebody deletes it; after a day nobody trusts that it is as it was.
DRAFTS = replace(
    CONTAINERS, name="drill-drafts", title="Drill: drafts", monogram="D2", read_lag=timedelta(seconds=5),
    publisher=DraftPublisher, reconciler=DraftReconciler, rehearsal_form=_form("drafts"),
)  # fmt: skip
