"""Bluesky in rehearsal: one server that plays the account's own server and the view of
the whole network over it, with the lag that lies between the two."""

from channels.rehearsal.bluesky.network import BlueskyNetwork

__all__ = ["BlueskyNetwork"]
