"""The bench for Bluesky, shared by its tests."""

from __future__ import annotations

from typing import Any

from channels.bluesky import SPEC
from channels.contract import Connection
from channels.rehearsal.bluesky import BlueskyNetwork
from channels.wire import Wire
from tests.channels.rig import Entry, Rig, connection_from

HANDLE = "klm.test"
APP_PASSWORD = "abcd-efgh-ijkl-mnop"


class BlueskyRig(Rig):
    spec = SPEC
    publishes = r"POST /xrpc/com\.atproto\.repo\.putRecord"
    customer = "ines.test"
    network: BlueskyNetwork

    def make_network(self) -> BlueskyNetwork:
        network = BlueskyNetwork()
        network.seed_company(HANDLE, "KLM", APP_PASSWORD)
        return network

    def make_wire(self, **how: Any) -> Wire:
        return super().make_wire(divert=dict.fromkeys(SPEC.fixed_hosts, self.server.url), **how)

    def connect(self, **form: Any) -> Connection:
        typed = {"address": self.server.url, "identifier": HANDLE, "password": APP_PASSWORD, **form}
        return connection_from(SPEC, SPEC.connector(self.app, self.wire).sign_in(typed), self.app)

    def say_publicly(self, text: str, in_reply_to: str = "") -> str:
        how = {"in_reply_to": in_reply_to} if in_reply_to else {"to": HANDLE}
        return str(self.network.say(self.customer, text, **how)["remote_id"])

    def say_directly(self, text: str) -> str:
        return str(self.network.say(self.customer, text, to=HANDLE, direct=True)["remote_id"])

    def other_secrets(self) -> tuple[str, ...]:
        return (APP_PASSWORD,)

    def addressees(self, entry: Entry) -> set[str]:
        return set(entry["extra"]["to"])
