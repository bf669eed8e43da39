"""The rehearsal of Bluesky answers in the shapes of the lexicons and behaves as the
real servers were seen to (tests/real)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from channels.rehearsal.base import Fault, Server
from channels.rehearsal.bluesky import BlueskyNetwork
from tests.channels import lexicon
from tests.channels.bluesky_rig import APP_PASSWORD, HANDLE

POST = "app.bsky.feed.post"
NOW = "2026-03-10T09:30:00.000Z"


class Client:
    """Plain calls to the rehearsal server; every good answer is checked against its lexicon."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.token = ""

    def get(self, method: str, status: int = 200, **params: Any) -> Any:
        return self._answer(method, status, requests.get(self._at(method), params, headers=self._head(), timeout=5))

    def post(self, method: str, body: Any, status: int = 200) -> Any:
        return self._answer(method, status, requests.post(self._at(method), json=body, headers=self._head(), timeout=5))

    def upload(self, data: bytes, mime: str) -> Any:
        method = "com.atproto.repo.uploadBlob"
        headers = {**self._head(), "Content-Type": mime}
        return self._answer(method, 200, requests.post(self._at(method), data, headers=headers, timeout=5))["blob"]

    def sign_in(self) -> Any:
        body = {"identifier": HANDLE, "password": APP_PASSWORD}
        session = self.post("com.atproto.server.createSession", body)
        self.token = session["accessJwt"]
        return session

    def put(self, rkey: str, status: int = 200, **more: Any) -> Any:
        swap = {"swapRecord": more.pop("swap")} if "swap" in more else {}
        record = {"$type": POST, "text": "bonjour", "createdAt": NOW, **more}
        body = {"repo": HANDLE, "collection": POST, "rkey": rkey, "record": record, **swap}
        return self.post("com.atproto.repo.putRecord", body, status)

    def _at(self, method: str) -> str:
        return f"{self.url}/xrpc/{method}"

    def _head(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def _answer(self, method: str, status: int, response: requests.Response) -> Any:
        assert response.status_code == status, response.text
        self.headers = response.headers
        if status == 200:
            lexicon.check_answer(method, response.json())
        else:
            assert {"error", "message"} <= set(response.json())
        return response.json()


@pytest.fixture
def network() -> BlueskyNetwork:
    network = BlueskyNetwork()
    network.seed_company(HANDLE, "KLM", APP_PASSWORD)
    return network


@pytest.fixture
def client(network: BlueskyNetwork) -> Iterator[Client]:
    with Server(network) as server:
        client = Client(server)
        client.sign_in()
        yield client


KEY, OTHER_KEY = "3kaaaaaaaaa2a", "3kaaaaaaaab2a"


def test_every_reading_has_the_shape_of_its_lexicon(client: Client, network: BlueskyNetwork) -> None:
    blob = client.upload(b"\x89PNG...", "image/png")
    ratio = {"width": 4, "height": 3}
    embed = {"$type": "app.bsky.embed.images", "images": [{"image": blob, "alt": "une image", "aspectRatio": ratio}]}
    ours = client.put(KEY, embed=embed)
    reply = network.say("ines", "et le prix ?", in_reply_to=ours["uri"])
    network.say("ines", "regardez", quote=ours["uri"])
    network.say("ines", "où est ma valise ?", to=HANDLE)
    network.say("tom", "", like=ours["uri"])
    did = client.get("com.atproto.server.getSession")["did"]
    client.get("com.atproto.server.describeServer")
    assert client.get("com.atproto.identity.resolveHandle", handle=HANDLE) == {"did": did}
    assert client.get("app.bsky.actor.getProfile", actor="ines.test")["handle"] == "ines.test"
    assert client.get("com.atproto.repo.getRecord", repo=did, collection=POST, rkey=KEY)["cid"] == ours["cid"]
    assert len(client.get("com.atproto.repo.listRecords", repo=did, collection=POST)["records"]) == 1
    [post] = client.get("app.bsky.feed.getPosts", uris=[ours["uri"]])["posts"]
    assert (post["replyCount"], post["likeCount"], post["quoteCount"]) == (1, 1, 1)
    thread = client.get("app.bsky.feed.getPostThread", uri=reply["remote_id"])["thread"]
    assert thread["parent"]["post"]["uri"] == ours["uri"]
    assert len(client.get("app.bsky.feed.getAuthorFeed", actor=HANDLE)["feed"]) == 1
    told = client.get("app.bsky.notification.listNotifications")["notifications"]
    assert sorted(n["reason"] for n in told) == ["like", "mention", "quote", "reply"]
    for notification in told:
        lexicon.check_record(notification["record"])


def test_people_are_listed_without_their_passwords(client: Client, network: BlueskyNetwork) -> None:
    network.say("ines", "bonjour", to=HANDLE)
    listed = requests.get(f"{client.url}/_rehearsal/people", timeout=5).json()
    assert [(p["handle"], p["kind"]) for p in listed] == [(HANDLE, "company"), ("ines.test", "customer")]
    assert all(set(p) == {"did", "handle", "name", "kind"} for p in listed)


def test_the_same_record_again_changes_nothing(client: Client, network: BlueskyNetwork) -> None:
    first, second = client.put(KEY, swap=None), client.put(KEY, swap=None)
    assert (first["uri"], first["cid"]) == (second["uri"], second["cid"])
    assert "commit" in first
    assert "commit" not in second
    assert len(network.ledger()) == 1


def test_another_record_under_a_taken_key_is_refused_or_replaces_as_asked(client: Client) -> None:
    first = client.put(KEY)
    assert client.put(KEY, 400, text="autre", swap=None)["error"] == "InvalidSwap"
    assert (
        client.put(KEY, 400, text="autre", swap="bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")["error"] == "InvalidSwap"
    )
    assert client.put(KEY, text="autre", swap=first["cid"])["cid"] != first["cid"]


def test_creating_under_a_taken_key_makes_the_server_fall_over(client: Client) -> None:
    client.put(KEY)
    record = {"$type": POST, "text": "autre", "createdAt": NOW}
    body = {"repo": HANDLE, "collection": POST, "rkey": KEY, "record": record}
    assert client.post("com.atproto.repo.createRecord", body, 500)["error"] == "InternalServerError"


def test_deleting_twice_says_yes_twice(client: Client, network: BlueskyNetwork) -> None:
    client.put(KEY)
    body = {"repo": HANDLE, "collection": POST, "rkey": KEY}
    assert "commit" in client.post("com.atproto.repo.deleteRecord", body)
    assert client.post("com.atproto.repo.deleteRecord", body) == {}
    assert [e["act"] for e in network.ledger()] == ["post", "delete"]


_CARD = {"uri": "https://a.example", "title": "", "description": ""}


@pytest.mark.parametrize(
    ("fields", "rkey"),
    [
        ({"text": "é" * 301}, KEY),
        ({"text": "👨‍👩‍👧‍👦" * 130}, KEY),  # few graphemes, many bytes
        ({"createdAt": "yesterday"}, KEY),
        ({"langs": ["fr", "en", "nl", "de"]}, KEY),
        ({"text": None}, KEY),
        ({}, "my-own-key"),
        ({"reply": {"root": {}, "parent": {}}}, KEY),
        ({"embed": {"$type": "app.bsky.embed.images", "images": []}}, KEY),
        ({"embed": {"$type": "app.bsky.embed.external", "external": {"uri": "https://a.example", "title": ""}}}, KEY),
        ({"embed": {"$type": "app.bsky.embed.external", "external": {**_CARD, "uri": "a.example"}}}, KEY),
    ],
)
def test_a_bad_record_is_refused(client: Client, fields: dict[str, Any], rkey: str) -> None:
    assert client.put(rkey, 400, **fields)["error"] == "InvalidRequest"


def test_counts_are_of_graphemes(client: Client) -> None:
    client.put(KEY, text="👨‍👩‍👧‍👦" * 100)


def test_images_must_have_been_uploaded_and_not_be_too_large(client: Client) -> None:
    blob = client.upload(b"x" * 2_000_001, "image/jpeg")
    small = client.upload(b"x" * 1_000_001, "image/jpeg")
    embed = {"$type": "app.bsky.embed.external", "external": {**_CARD, "thumb": small}}
    assert client.put(KEY, 400, embed=embed)["error"] == "BlobTooLarge"
    lost = {**blob, "ref": {"$link": "bafkreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}
    for image, error in ((blob, "BlobTooLarge"), (lost, "BlobNotFound")):
        embed = {"$type": "app.bsky.embed.images", "images": [{"image": image, "alt": ""}]}
        assert client.put(KEY, 400, embed=embed)["error"] == error


def test_a_refresh_token_is_used_once_but_a_lost_answer_is_forgiven(client: Client, network: BlueskyNetwork) -> None:
    session = client.sign_in()
    client.token = session["refreshJwt"]
    first = client.post("com.atproto.server.refreshSession", None)
    second = client.post("com.atproto.server.refreshSession", None)
    client.token = second["refreshJwt"]
    client.post("com.atproto.server.refreshSession", None)
    network.revoke(HANDLE)
    client.token = first["refreshJwt"]
    assert client.post("com.atproto.server.refreshSession", None, 400)["error"] == "ExpiredToken"


def test_tokens_are_told_apart(client: Client, network: BlueskyNetwork) -> None:
    session = client.sign_in()
    client.token = session["refreshJwt"]
    assert client.get("com.atproto.server.getSession", 400)["error"] == "InvalidToken"
    client.token = session["accessJwt"][:-3] + "xyz"
    assert client.get("com.atproto.server.getSession", 400)["error"] == "InvalidToken"
    client.token = ""
    assert client.get("com.atproto.server.getSession", 401)["error"] == "AuthMissing"
    network.sessions.access_seconds = -1
    client.sign_in()
    assert client.get("com.atproto.server.getSession", 400)["error"] == "ExpiredToken"


def test_the_thirty_first_sign_in_has_to_wait(client: Client) -> None:
    for _ in range(29):
        client.sign_in()
    body = {"identifier": HANDLE, "password": APP_PASSWORD}
    assert client.post("com.atproto.server.createSession", body, 429)["error"] == "RateLimitExceeded"
    assert client.headers["RateLimit-Policy"] == "30;w=300"
    assert 0 < int(client.headers["RateLimit-Reset"]) - time.time() <= 300


def test_writes_cost_points(client: Client, network: BlueskyNetwork) -> None:
    network.writes[0].points = 4
    client.put(KEY)
    assert (client.headers["RateLimit-Limit"], client.headers["RateLimit-Remaining"]) == ("4", "2")
    client.put(OTHER_KEY)
    assert client.put(OTHER_KEY, 429)["error"] == "RateLimitExceeded"


def test_under_a_lag_the_own_server_knows_at_once_and_the_view_later(client: Client, network: BlueskyNetwork) -> None:
    network.plant(Fault("lag", seconds=0.3))
    said = network.say("ines", "bonjour", to=HANDLE)["remote_id"]
    did = said.split("/")[2]
    client.get("com.atproto.repo.getRecord", repo=did, collection=POST, rkey=said.split("/")[4])
    assert client.get("app.bsky.notification.listNotifications")["notifications"] == []
    assert client.get("app.bsky.feed.getPostThread", 400, uri=said)["error"] == "NotFound"
    time.sleep(0.35)
    assert [n["uri"] for n in client.get("app.bsky.notification.listNotifications")["notifications"]] == [said]


def test_pages_of_notifications_exclude_their_cursor(client: Client, network: BlueskyNetwork) -> None:
    for number in range(5):
        network.say("ines", f"message {number}", to=HANDLE, at=f"2026-03-10T09:30:0{number}.000Z")
    method = "app.bsky.notification.listNotifications"
    first = client.get(method, limit=2)
    second = client.get(method, limit=2, cursor=first["cursor"])
    texts = [n["record"]["text"].rpartition(" ")[2] for n in first["notifications"] + second["notifications"]]
    assert texts == ["4", "3", "2", "1"]


def test_what_a_customer_cannot_do_is_said(client: Client) -> None:
    for body in ({"who": "ines", "text": "x", "boost": "y"}, {"who": "ines", "text": "x", "to": "nobody.test"}):
        refused = requests.post(f"{client.url}/_rehearsal/say", json=body, timeout=5)
        assert refused.status_code == 422
        assert "cannot say that" in refused.text


def test_a_post_has_a_page(client: Client) -> None:
    did = client.get("com.atproto.server.getSession")["did"]
    client.put(KEY, text="<script>alert(1)</script>")
    page = requests.get(f"{client.url}/profile/{did}/post/{KEY}", timeout=5)
    assert "&lt;script&gt;" in page.text
    assert requests.get(f"{client.url}/profile/{did}/post/{OTHER_KEY}", timeout=5).status_code == 404
