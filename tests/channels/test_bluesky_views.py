"""Bluesky: strangers' shapes are understood, left out, or refused, and never believed."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest

from channels.bluesky.views import above_in, inbound_of, kind_of, may_reply
from channels.contract import InboundKind
from channels.errors import Malformed
from tests.channels.real_data import real_data

POST = "app.bsky.feed.post"


def notification(**changes: Any) -> dict[str, Any]:
    record = {"$type": POST, "text": "bonjour", "createdAt": "2026-03-10T09:30:00.000Z"}
    return {
        "uri": f"at://did:plc:ines/{POST}/3kaaaaaaaaa2a",
        "cid": "bafyreia",
        "author": {"did": "did:plc:ines", "handle": "ines.test"},
        "reason": "mention",
        "record": record,
        "indexedAt": "2026-03-10T09:30:01.000Z",
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": "at://x"},
        {"uri": None},
        {"cid": 7},
        {"author": {}},
        {"author": "did:plc:x"},
        {"record": None},
        {"record": []},
        {"indexedAt": "soon"},
        {"indexedAt": 12},
        {"indexedAt": "2026-03-10T09:30:01"},
    ],
)
def test_a_message_that_cannot_be_kept_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        inbound_of(notification(**changes), InboundKind.MENTION, "https://bsky.app")


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"text": 12, "langs": "fr", "facets": {}, "embed": [], "reply": 3},
        {"text": "x", "langs": [7], "facets": [1, {"features": [2, {"uri": 3}]}], "embed": {"external": []}},
        {"text": "x", "reply": {"root": "?", "parent": {"uri": 5}}, "embed": {"record": {"record": None}}},
    ],
)
def test_ornaments_of_the_wrong_shape_are_left_out(record: dict[str, Any]) -> None:
    message = inbound_of(notification(record=record, embed=3), kind_of(record, "did:plc:us"), "https://bsky.app")
    assert message.thread_root == message.remote_id or record.get("reply")
    assert message.media == ()
    json.dumps([dict(message.context), dict(message.raw)])


def test_shortened_links_are_kept_whole() -> None:
    feature = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/long"}
    record = {"text": "example.com/…", "facets": [{"index": {"byteStart": 0, "byteEnd": 3}, "features": [feature]}]}
    assert inbound_of(notification(record=record), InboundKind.MENTION, "").context["links"] == [
        "https://example.com/long"
    ]


def test_a_thread_gate_says_that_we_may_not_answer() -> None:
    assert may_reply({"viewer": {"replyDisabled": False}})
    assert may_reply({})
    assert not may_reply({"viewer": {"replyDisabled": True}})


def real_threads() -> list[dict[str, Any]]:
    """Thread and post views as the network's own tests recorded them, with the placeholders
    for names and hashes filled in."""
    text = gzip.decompress(real_data("atproto/view_snapshots.json.gz").read_bytes()).decode()
    text = re.sub(r'"user\((\d+)\)"', lambda m: f'"did:plc:user{m[1]}"', text)
    text = re.sub(r'"record\((\d+)\)"', lambda m: f'"at://did:plc:user0/{POST}/3kaaaaaaaaa{int(m[1]):02d}"', text)
    text = text.replace("3kaaaaaaaaa0", "3kaaaaaaaaab").replace("3kaaaaaaaaa1", "3kaaaaaaaaac")
    text = re.sub(r'"cids\((\d+)\)"', '"bafyreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"', text)
    found: list[dict[str, Any]] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("post"), dict) and "record" in value["post"]:
                found.append(value)
            for inner in value.values():
                collect(inner)
        elif isinstance(value, list):
            for inner in value:
                collect(inner)

    collect(json.loads(text))
    return found


def test_the_networks_own_recordings_are_understood() -> None:
    threads = real_threads()
    assert len(threads) > 100
    with_images = with_parents = 0
    for thread in threads:
        view = thread["post"]
        message = inbound_of(view, kind_of(view["record"], "did:plc:user1"), "https://bsky.app")
        assert message.text == view["record"].get("text", "")
        assert message.author.handle == view["author"]["handle"]
        embed = view.get("embed", {})
        images = embed.get("images", []) or embed.get("media", {}).get("images", [])
        assert [m.url for m in message.media if m.mime == "image/jpeg"] == [i["fullsize"] for i in images]
        with_images += bool(images)
        if isinstance(thread.get("parent"), dict) and "post" in thread["parent"]:
            above = above_in(thread, "did:plc:user1", "https://bsky.app")
            assert above is not None
            assert above.text == thread["parent"]["post"]["record"]["text"]
            with_parents += 1
    assert with_images > 5
    assert with_parents >= 4
