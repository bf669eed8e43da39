"""The networks of the campaign: each a way of behaving that a publisher has to live with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from channels.rehearsal.base import Fault
from channels.rehearsal.mastodon import Ways
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.drill_rig import DrillRig
from tests.channels.email_rig import EmailRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig
from tests.channels.x_rig import XRig

_BUSY = dict.fromkeys(("all", "media", "delete", "post"), (1_000_000, 300))
_X_BUSY = dict.fromkeys(("POST /2/tweets", "GET /2/users/mentions", "GET /2/dm_events", "*"), (1_000_000, 900))


_DRILL_UPLOADS = r"POST /media$"
LAG = 3.0  # seconds for which a network does not show what it has published


class BlindMailRig(EmailRig):
    """A provider that keeps nothing of what is sent: nobody can look. Another mailbox than the
    other rig's, for both are known by their address."""

    files_sent = False
    address = "desk@company.example"

    def form(self, **more: str) -> dict[str, str]:
        return super().form(address=self.address, **more)

    def say_publicly(self, text: str, in_reply_to: str = "") -> str:
        said = self.network.say(self.customer, text, to=self.address, in_reply_to=in_reply_to)
        return str(said["remote_id"])


@dataclass(frozen=True)
class Behaviour:
    """`uploads`: "METHOD /path" of its uploads, as a regular expression; empty: no pictures.
    `asks`: the reasons for which a person has to be asked there, because nobody else can know.
    `says_first`: whether we may say something unasked; `is_heard`: whether customers write there."""

    name: str
    open: Callable[[], Rig]
    uploads: str = ""
    asks: frozenset[str] = frozenset()
    says_first: bool = True
    is_heard: bool = True
    has_tokens: bool = True


BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour("mastodon", lambda: MastodonRig(Ways(rates=_BUSY)), r"POST /api/v[12]/media$"),
    Behaviour("no keys", lambda: MastodonRig(Ways(rates=_BUSY, honours_keys=False)), r"POST /api/v[12]/media$"),
    Behaviour("bluesky", BlueskyRig, r"POST /xrpc/com\.atproto\.repo\.uploadBlob"),
    Behaviour(
        "x", lambda: XRig(rates=_X_BUSY, posts_a_day=1_000_000, access_life=30 * 86_400), r"POST /2/media/upload"
    ),
    Behaviour(
        "containers", lambda: DrillRig("drill-containers", processing_seconds=0.5), _DRILL_UPLOADS, is_heard=False
    ),
    Behaviour("drafts", lambda: DrillRig("drill-drafts"), _DRILL_UPLOADS, is_heard=False),
    Behaviour("read late", lambda: DrillRig("drill-laggard", lag=LAG), _DRILL_UPLOADS, is_heard=False),
    Behaviour(
        "lies", lambda: DrillRig("drill-liar", lies=("", "", "duplicate", "", "error")), _DRILL_UPLOADS,
        frozenset({"duplicate"}), is_heard=False,
    ),
    Behaviour("blind", lambda: DrillRig("drill-blind"), _DRILL_UPLOADS, frozenset({"cannot_look"}), is_heard=False),
    Behaviour("mail, filed", EmailRig, says_first=False, has_tokens=False),
    Behaviour("mail, blind", BlindMailRig, asks=frozenset({"cannot_look"}), says_first=False, has_tokens=False),
)  # fmt: skip

# Of the requests that publish, these in a hundred go wrong; 30 in all. Seconds within what
# tests.chaos.program takes for the networks' latest arrival.
HOSTILE: tuple[tuple[int, str, dict[str, object]], ...] = (
    (5, "status_after", {"status": 500}),
    (4, "status_after", {"status": 502}),
    (4, "reset_after", {}),
    (3, "garbage_after", {}),
    (4, "late", {"seconds": 2.0}),
    (3, "slow", {"seconds": 3.5}),  # we hang up after 3 s, then it publishes
    (2, "slow", {"seconds": 1.0}),
    (2, "reset_before", {}),
    (2, "status_before", {"status": 503}),
    (1, "status_before", {"status": 429, "headers": {"Retry-After": "1"}}),
)


def be_hostile(rig: Rig, uploads: str, share: float = 1.0) -> None:
    """Plant all of it for good; `share` of it."""
    left = 1.0
    for percent, effect, how in HOSTILE:
        if "SMTP" in rig.publishes and effect.startswith("status"):
            effect, how = effect.replace("status", "reset"), {}  # its status is the truth (RFC 5321 §4.2.5)
        wanted = share * percent / 100
        rig.network.plant(Fault(effect, match=rig.publishes, times=0, probability=wanted / left, **how))
        left -= wanted
    if uploads:
        for effect in ("reset_before", "reset_after", "status_before"):
            rig.network.plant(Fault(effect, match=uploads, times=0, probability=0.05 * share))
