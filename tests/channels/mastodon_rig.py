"""Mastodon on the bench: connected through its consent page, as a browser would."""

from __future__ import annotations

import re
from html import unescape
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import requests

from channels.contract import Connected, Connection
from channels.mastodon import SPEC
from channels.rehearsal.mastodon import MastodonNetwork, Ways
from tests.channels.rig import Rig, connection_from

REDIRECT = "https://guichet.example/connect/mastodon"


class MastodonRig(Rig):
    spec: ClassVar = SPEC
    publishes: ClassVar = r"POST /api/v1/statuses$"

    def __init__(self, ways: Ways | None = None) -> None:
        self.ways = ways or Ways()
        super().__init__()

    def make_network(self) -> MastodonNetwork:
        network = MastodonNetwork(ways=self.ways)
        network.seed_company("guichet", "Maison Guichet")
        return network

    def consent(self, decision: str = "authorize") -> tuple[dict[str, str], dict[str, str]]:
        """Go through the consent page as a browser would; gives memory and redirect query."""
        connector = SPEC.connector(self.app, self.wire)
        consent = connector.begin({"instance": self.server.url}, REDIRECT, "state-1")
        page = requests.get(consent.authorize_url, timeout=5).text
        fields = {n: unescape(v) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}
        form = {**fields, "user": "guichet", "decision": decision}
        back = requests.post(f"{self.server.url}/oauth/authorize", data=form, timeout=5, allow_redirects=False)
        assert back.headers["Location"].startswith(f"{REDIRECT}?")
        self.memory = dict(consent.memory)
        return dict(consent.memory), dict(parse_qsl(urlsplit(back.headers["Location"]).query))

    def sign_in(self) -> Connected:
        memory, query = self.consent()
        self.code = query["code"]
        return SPEC.connector(self.app, self.wire).complete(memory, query)

    def connect(self) -> Connection:
        return connection_from(SPEC, self.sign_in(), self.app)

    def other_secrets(self) -> tuple[str, ...]:
        return (self.code, self.memory["client_secret"], self.memory.get("verifier", ""))

    def say_publicly(self, text: str, in_reply_to: str = "") -> str:
        return str(self.network.say(self.customer, text, to="guichet", in_reply_to=in_reply_to)["remote_id"])

    def say_directly(self, text: str) -> str:
        return str(self.network.say(self.customer, text, to="guichet", direct=True)["remote_id"])


WAYS = {
    "mastodon": Ways(),
    "takahe": Ways(
        honours_keys=False,
        has_conversations=False,
        has_rate_headers=False,
        bad_token_status=400,
        knows_narrow_scopes=False,
        offers_pkce=False,
        gives_actor_uri=False,
    ),
    "bare": Ways(
        honours_keys=False,
        ids="ulid",
        has_v2_instance=False,
        has_v2_media=False,
        honours_min_id=False,
        lists_own_direct=False,
        keeps_strangers_out_of_notifications=True,
        too_long_status=400,
    ),
}
