"""The instance, served: its addresses in front of its world."""

from __future__ import annotations

from flask import Flask

from channels.rehearsal.mastodon import routes, sign_in
from channels.rehearsal.mastodon.world import MastodonWorld


class MastodonNetwork(MastodonWorld):
    """One instance, with the given ways."""

    def routes(self, app: Flask) -> None:
        sign_in.add_routes(self, app)
        routes.add_routes(self, app)
