"""Webhooks of the rehearsal X: registration with its proof of ownership, and signed
deliveries in the shape of account activity. Tried once, unless whoever carries them
(`carry`) is another; X would try three times more."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests
from flask import Flask, jsonify, request

from channels.rehearsal.store import Doc
from channels.rehearsal.x.world import XWorld

_PATIENCE = 3.0  # seconds, as X says
Carry = Callable[[str, bytes, dict[str, str]], None]  # a URL, a body, its headers


def sign(secret: str, body: bytes) -> str:
    """The value of x-twitter-webhooks-signature."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return "sha256=" + base64.b64encode(digest).decode()


class Webhooks:
    """Who wants to be told, and telling them."""

    carry: Carry

    def __init__(self, world: XWorld) -> None:
        self._world = world
        self.carry = _at_once

    def routes(self, app: Flask) -> None:
        """Registration is a control route: in earnest it is done in X's console."""
        app.add_url_rule("/_rehearsal/webhook", view_func=self.register, methods=["POST"])

    def register(self) -> Any:
        """Body {"url", "account"}. The URL must answer the challenge within three seconds."""
        body = request.get_json(force=True)
        token = secrets.token_urlsafe(16)
        expected = sign(self._world.api_secret, token.encode())
        try:
            answer = requests.get(body["url"], params={"crc_token": token}, timeout=_PATIENCE).json()
        except (requests.RequestException, ValueError):
            answer = {}
        if answer.get("response_token") != expected:
            return jsonify(detail="The challenge was not answered."), 400
        person = self._world.find_person(body["account"])
        if person is None:
            return jsonify(detail="No such user."), 404
        self._world.store.put("webhook", person["id"], {"url": body["url"], "user_id": person["id"]})
        return jsonify(valid=True), 201

    def push(self, event: str, doc: Doc) -> None:
        """Tell everybody concerned by a "post", a "deletion" or a "message"."""
        {"post": self._push_tweet, "deletion": self._push_deletion, "message": self._push_message}[event](doc)

    def _push_tweet(self, tweet: Doc) -> None:
        concerned = {tweet["author_id"], *(m["id"] for m in tweet["entities"].get("mentions", ()))}
        for r in tweet["referenced_tweets"]:
            target = self._world.store.get("tweet", r["id"])
            if target:
                concerned.add(target["author_id"])
        self._push(concerned, lambda: {"tweet_create_events": [self._tweet(tweet)]})

    def _push_deletion(self, tweet: Doc) -> None:
        stamp = str(int(time.time() * 1000))
        event = {"status": {"id": tweet["id"], "user_id": tweet["author_id"]}, "timestamp_ms": stamp}
        concerned = {tweet["author_id"], *(m["id"] for m in tweet["entities"].get("mentions", ()))}
        self._push(concerned, lambda: {"tweet_delete_events": [event]})

    def _push_message(self, event: Doc) -> None:
        self._push(set(event["participants"]), lambda: self._message(event))

    def _push(self, user_ids: set[str], make: Any) -> None:
        for user_id in user_ids:
            hook = self._world.store.get("webhook", user_id)
            if hook is None:
                continue
            body = json.dumps({"for_user_id": user_id, **make()}).encode()
            headers = {
                "Content-Type": "application/json",
                "x-twitter-webhooks-signature": sign(self._world.api_secret, body),
            }
            self.carry(hook["url"], body, headers)

    def _user(self, user_id: str) -> Doc:
        person = self._world.person(user_id)
        return {
            "id": int(person["id"]),
            "id_str": person["id"],
            "name": person["name"],
            "screen_name": person["username"],
            "profile_image_url_https": f"https://pbs.twimg.com/profile_images/{person['id']}/a_normal.png",
            "followers_count": person.get("followers", 0),
        }

    def _tweet(self, tweet: Doc) -> Doc:
        parent = next((r["id"] for r in tweet["referenced_tweets"] if r["type"] == "replied_to"), None)
        quoted = next((r["id"] for r in tweet["referenced_tweets"] if r["type"] == "quoted"), None)
        view: Doc = {
            "created_at": datetime.fromisoformat(tweet["created_at"]).strftime("%a %b %d %H:%M:%S +0000 %Y"),
            "id": int(tweet["id"]),
            "id_str": tweet["id"],
            "text": tweet["text"],
            "user": self._user(tweet["author_id"]),
            "in_reply_to_status_id_str": parent,
            "in_reply_to_user_id_str": tweet["in_reply_to_user_id"],
            "is_quote_status": quoted is not None,
            "entities": {
                "urls": tweet["entities"].get("urls", []),
                "user_mentions": [
                    {"id_str": m["id"], "screen_name": m["username"]} for m in tweet["entities"].get("mentions", ())
                ],
            },
            "timestamp_ms": str(int(datetime.fromisoformat(tweet["created_at"]).timestamp() * 1000)),
            "lang": tweet["lang"],
        }
        target = self._world.store.get("tweet", quoted) if quoted else None
        if target:
            view["quoted_status"] = {"id_str": target["id"], "user": self._user(target["author_id"])}
        return view

    def _message(self, event: Doc) -> Doc:
        sender, recipient = event["participants"]
        stamp = str(int(datetime.fromisoformat(event["created_at"]).timestamp() * 1000))
        data = {"text": html.escape(event["text"], quote=False), "entities": {"urls": []}}
        created = {"target": {"recipient_id": recipient}, "sender_id": sender, "message_data": data}
        users = {
            i: {"id": i, **{k: self._user(i)[k] for k in ("name", "screen_name", "followers_count")}}
            for i in event["participants"]
        }
        return {
            "direct_message_events": [
                {"type": "message_create", "id": event["id"], "created_timestamp": stamp, "message_create": created}
            ],
            "users": users,
        }


def _at_once(url: str, body: bytes, headers: dict[str, str]) -> None:
    threading.Thread(target=_deliver, args=(url, body, headers), daemon=True).start()


def _deliver(url: str, body: bytes, headers: dict[str, str]) -> None:
    try:
        requests.post(url, data=body, headers=headers, timeout=_PATIENCE)
    except requests.RequestException:
        return
