"""Mastodon in rehearsal: one instance with its people, their customers elsewhere, and
the ways in which servers of this API differ."""

from channels.rehearsal.mastodon.network import MastodonNetwork
from channels.rehearsal.mastodon.ways import Ways

__all__ = ["MastodonNetwork", "Ways"]
