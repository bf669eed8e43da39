"""How this instance behaves: Mastodon's own ways by default, each of which some other
server of the same API lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Window = tuple[int, int]  # how many, in how many seconds

# Mastodon's own windows (docs.joinmastodon.org/api/rate-limits): all calls of an account,
# uploads, deletions; and what its captured answers show for new statuses.
RATES: Mapping[str, Window] = MappingProxyType(
    {"all": (300, 300), "media": (30, 1800), "delete": (30, 1800), "post": (300, 10_800)}
)


@dataclass(frozen=True)
class Ways:
    """One instance's ways.

    `domain` stands in addresses of actors and never changes, whatever port we listen
    on. `processing_seconds` is how long an upload answers 202, then 206. `key_life` is
    in seconds. GoToSocial: `honours_keys=False, ids="ulid"`. Takahē: `honours_keys=False,
    has_conversations=False, has_rate_headers=False, bad_token_status=400`.
    """

    domain: str = "mastodon.rehearsal"
    honours_keys: bool = True
    key_life: float = 3600
    has_conversations: bool = True
    has_v2_instance: bool = True
    has_v2_media: bool = True
    has_rate_headers: bool = True
    gives_actor_uri: bool = True
    honours_min_id: bool = True
    knows_narrow_scopes: bool = True
    offers_pkce: bool = True
    keeps_strangers_out_of_notifications: bool = False
    lists_own_direct: bool = True
    bad_token_status: int = 401
    too_long_status: int = 422
    ids: str = "snowflake"  # or "ulid"
    processing_seconds: float = 0
    max_characters: int = 500
    max_media: int = 4
    alt_max: int = 1500
    image_bytes: int = 16 * 1024 * 1024
    rates: Mapping[str, Window] = field(default_factory=lambda: RATES)
