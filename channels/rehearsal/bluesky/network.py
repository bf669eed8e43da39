"""The rehearsal server of Bluesky: XRPC in front of its world."""

from __future__ import annotations

from flask import Flask

from channels.rehearsal.bluesky.api import Api
from channels.rehearsal.bluesky.world import BlueskyWorld


class BlueskyNetwork(BlueskyWorld):
    """One server for everybody: the accounts' own, and the view of the whole network."""

    def routes(self, app: Flask) -> None:
        Api(self).routes(app)
