"""The rehearsal of X: addresses, signatures and webhooks in front of its world."""

from __future__ import annotations

from flask import Flask

from channels.rehearsal.store import Doc
from channels.rehearsal.x.api import api_routes
from channels.rehearsal.x.media import media_routes
from channels.rehearsal.x.oauth import Gate, oauth_routes
from channels.rehearsal.x.webhooks import Webhooks
from channels.rehearsal.x.world import XWorld


class XNetwork(XWorld):
    """X as far as a company's accounts see it, served."""

    gate: Gate
    webhooks: Webhooks

    def routes(self, app: Flask) -> None:
        self.gate = Gate(self)
        self.webhooks = Webhooks(self)
        oauth_routes(app, self.gate)
        media_routes(app, self, self.gate)
        api_routes(app, self, self.gate)
        self.webhooks.routes(app)

    def push(self, event: str, doc: Doc) -> None:
        self.webhooks.push(event, doc)
