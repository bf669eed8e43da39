"""X on the bench: connected by driving its consent page over HTTP, as a browser would."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from channels.contract import AppKeys, Connected, Connection, Consent, Inbound
from channels.rehearsal.x import API_KEY, API_SECRET, CLIENT_ID, CLIENT_SECRET, XNetwork
from channels.wire import Wire
from channels.x import SPEC
from tests.channels.rig import Entry, Mailroom, Rig, connection_from

REDIRECT = "https://guichet.example/connect/x"
KEYS = AppKeys(CLIENT_ID, CLIENT_SECRET, API_KEY, API_SECRET)


def press(authorize_url: str, button: str = "authorize", user: str = "") -> dict[str, str]:
    """Open the consent page, choose who we are, press a button; gives the redirect's query."""
    page = requests.get(authorize_url, timeout=5)
    assert page.status_code == 200, page.text
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    users = dict(re.findall(r'name="user" value="(\d+)"[^>]*> [^@]*@(\w+)', page.text))
    chosen = next((i for i, name in users.items() if name == user), next(iter(users)))
    answer = requests.post(
        urljoin(authorize_url, urlsplit(authorize_url).path),
        data={**{k: _unescaped(v) for k, v in fields.items()}, "user": chosen, "decision": button},
        allow_redirects=False,
        timeout=5,
    )
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(REDIRECT)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def _unescaped(text: str) -> str:
    return text.replace("&amp;", "&").replace("&#34;", '"')


class XRig(Rig):
    spec = SPEC
    publishes = r"POST /2/(tweets$|dm_conversations/)"
    auth: ClassVar[str] = "oauth2"

    def __init__(self, **how: Any) -> None:
        self.how = how
        super().__init__()
        self.app = KEYS

    def make_network(self) -> XNetwork:
        network = XNetwork(**self.how)
        network.seed_company("acme", "Acme")
        network.seed_company("acme_fr", "Acme France")
        return network

    def make_wire(self, **how: Any) -> Wire:
        return super().make_wire(divert=dict.fromkeys(SPEC.fixed_hosts, self.server.url), **how)

    def begin_consent(self, auth: str | None = None) -> Consent:
        return SPEC.connector(KEYS, self.wire).begin({"auth": auth or self.auth}, REDIRECT, "state-of-this-session")

    def connected(self, auth: str | None = None) -> Connected:
        consent = self.begin_consent(auth)
        query = press(consent.authorize_url, user="acme")
        return SPEC.connector(KEYS, self.wire).complete(consent.memory, query)

    def connect(self) -> Connection:
        return connection_from(SPEC, self.connected(), KEYS)

    def say_publicly(self, text: str, in_reply_to: str = "") -> str:
        how = {"in_reply_to": in_reply_to} if in_reply_to else {"to": "acme"}
        return str(self.network.say(self.customer, text, **how)["id"])

    def say_directly(self, text: str) -> str:
        return str(self.network.say(self.customer, text, to="acme", direct=True)["id"])

    def dead(self, connection: Connection) -> Connection:
        return replace(connection, secrets=dict.fromkeys(connection.secrets, "revoked"))

    def addressees(self, entry: Entry) -> set[str]:
        return set(entry["extra"]["to"])


class XRigOAuth1(XRig):
    auth = "oauth1"


def company(rig: XRig) -> Any:
    """The company's user as X knows it."""
    return rig.network.find_person("acme")


def heard(mailroom: Mailroom) -> dict[str, Inbound]:
    """What is new, understood, by remote id."""
    return {i.remote_id: i for i in mailroom.understand(mailroom.poll())}


def a_mailroom(rig: XRig, connection: Connection) -> Mailroom:
    """A worker that has heard all there was."""
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    return mailroom
