"""X, rehearsed: API v2 with real signatures, limits, consent pages and webhooks."""

from channels.rehearsal.x.network import XNetwork
from channels.rehearsal.x.world import API_KEY, API_SECRET, CLIENT_ID, CLIENT_SECRET, DEFAULT_RATES

__all__ = ["API_KEY", "API_SECRET", "CLIENT_ID", "CLIENT_SECRET", "DEFAULT_RATES", "XNetwork"]
