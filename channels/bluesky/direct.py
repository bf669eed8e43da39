"""Direct messages on Bluesky: a service of its own, which our server passes calls on to.

The sign-in must allow it (an app password made with access to direct messages). The
service keeps a log with a true cursor, so reading is simple. Sending has no key: a
message whose outcome is unknown is looked for among the latest of its conversation, and
its absence there is never taken as proof.
Refused: images, taking a message back (the service hides it from its sender only).
Source: lexicons chat.bsky.convo.*, chat.bsky.actor.defs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.bluesky.syntax import datetime_text, parse_datetime
from channels.bluesky.views import person_of
from channels.bluesky.xrpc import CHAT, Server, object_in, text_in
from channels.contract import JSON, Draft, Inbound, InboundKind, Looked, Page, Person, RawItem, Receipt, Surface
from channels.errors import Gone, Malformed, Rejected

DIRECT = "direct"
FIRST_LOOK_BACK = timedelta(days=1)
_CLOCKS_APART = timedelta(minutes=2)
_CREATED = "chat.bsky.convo.defs#logCreateMessage"
_DELETED = "chat.bsky.convo.defs#logDeleteMessage"


class DirectMessages:
    """One account's direct messages. A message's remote id is "conversation/message"."""

    def __init__(self, server: Server, did: str, web: str) -> None:
        self._server = server
        self._did = did
        self._web = web

    # -- sending

    def prepare(self, draft: Draft) -> JSON:
        """Find the conversation; nothing is shown to anybody."""
        if draft.media:
            raise Rejected("direct messages on Bluesky carry no images", code="no_media")
        target = draft.reply_to
        if target is None:
            raise Rejected("a direct message needs somebody to go to", code="no_addressee")
        message: JSON = {"text": draft.text}
        if target.surface is Surface.DIRECT and target.context.get("convo"):
            message["replyTo"] = {"messageId": target.remote_id.rpartition("/")[2]}
            return {"convo": str(target.context["convo"]), "message": message}
        # Get or create: an empty conversation is invisible to the other side.
        answer = self._server.query("chat.bsky.convo.getConvoForMembers", {"members": [target.author_id]}, via=CHAT)
        return {"convo": text_in(object_in(answer, "convo"), "id"), "message": message}

    def send(self, prepared: Mapping[str, Any]) -> Receipt:
        convo = str(prepared["convo"])
        body = {"convoId": convo, "message": prepared["message"]}
        sent = self._server.procedure("chat.bsky.convo.sendMessage", body, via=CHAT)
        return self._receipt(convo, {**sent, "id": text_in(sent, "id")})

    def look(self, prepared: Mapping[str, Any], started_at: datetime, known_ids: frozenset[str]) -> Looked:
        """Look among the conversation's latest messages for this text, sent by us since."""
        convo, text = str(prepared["convo"]), prepared["message"]["text"]
        params = {"convoId": convo, "limit": 100}
        answer = self._server.query("chat.bsky.convo.getMessages", params, via=CHAT)
        since = started_at - _CLOCKS_APART
        found = [
            receipt
            for message in answer.get("messages") or ()
            if isinstance(message, dict) and message.get("text") == text and self._is_ours(message)
            for receipt in [self._receipt(convo, message)]
            if receipt.remote_id not in known_ids and receipt.accepted_at is not None and receipt.accepted_at >= since
        ]
        evidence = {"looked_in": convo, "messages_read": len(answer.get("messages") or ())}
        if len(found) == 1:
            return Looked(found=found[0], evidence=evidence)
        return Looked(candidates=tuple(found), evidence=evidence)

    def _is_ours(self, message: Mapping[str, Any]) -> bool:
        sender = message.get("sender")
        return isinstance(sender, dict) and sender.get("did") == self._did

    @staticmethod
    def _receipt(convo: str, message: Mapping[str, Any]) -> Receipt:
        sent_at = message.get("sentAt")
        return Receipt(
            remote_id=f"{convo}/{message.get('id')}",
            accepted_at=parse_datetime(sent_at) if isinstance(sent_at, str) else None,
            context={"convo": convo},
        )

    # -- hearing

    def poll(self, cursor: JSON | None) -> Page:
        position = str((cursor or {}).get("rev") or "")
        answer = self._server.query("chat.bsky.convo.getLog", {"cursor": position} if position else {}, via=CHAT)
        logs = [entry for entry in answer.get("logs") or () if isinstance(entry, dict)]
        following = str(answer.get("cursor") or position)
        wanted = [entry for entry in logs if entry.get("$type") in (_CREATED, _DELETED)]
        if cursor is None:
            wanted = _of_the_last_day(wanted)
        items = tuple(RawItem(DIRECT, _delivery_key(entry), _bytes(entry)) for entry in wanted)
        return Page(items, {"rev": following}, more=bool(logs) and following != position)

    def parse(self, entry: JSON) -> Sequence[Inbound]:
        message, convo = object_in(entry, "message"), text_in(entry, "convoId")
        sender = message.get("sender")
        did = str(sender.get("did")) if isinstance(sender, dict) else ""
        remote_id = f"{convo}/{text_in(message, 'id')}"
        deleted = entry.get("$type") == _DELETED
        if not deleted and not isinstance(message.get("text"), str):
            return []  # a message that was deleted before we read it
        ours = did == self._did
        return [
            Inbound(
                remote_id=remote_id,
                kind=InboundKind.DELETION if deleted else InboundKind.ECHO if ours else InboundKind.DIRECT,
                surface=Surface.DIRECT,
                author=self._person(did, entry),
                text="" if deleted else message["text"],
                remote_at=parse_datetime(str(message.get("sentAt"))),
                thread_root=convo,
                in_reply_to=_answered(convo, message),
                recipient_id=self._other_member(convo) if ours and not deleted else "",
                context={"convo": convo},
                raw=entry,
            )
        ]

    def _person(self, did: str, entry: Mapping[str, Any]) -> Person:
        for profile in entry.get("relatedProfiles") or ():
            if isinstance(profile, dict) and profile.get("did") == did:
                return person_of(profile, self._web)
        try:
            return person_of(self._server.query("app.bsky.actor.getProfile", {"actor": did}), self._web)
        except (Gone, Rejected):  # the account is away; the message stays
            return person_of({"did": did}, self._web)

    def _other_member(self, convo: str) -> str:
        answer = self._server.query("chat.bsky.convo.getConvo", {"convoId": convo}, via=CHAT)
        members = object_in(answer, "convo").get("members") or ()
        dids = [str(m.get("did")) for m in members if isinstance(m, dict)]
        return next((did for did in dids if did != self._did), "")


def _answered(convo: str, message: Mapping[str, Any]) -> str:
    answered = message.get("replyTo")
    return f"{convo}/{answered['id']}" if isinstance(answered, dict) and answered.get("id") else ""


def _delivery_key(entry: Mapping[str, Any]) -> str:
    what = "deleted " if entry.get("$type") == _DELETED else ""
    return f"{what}{text_in(entry, 'convoId')}/{text_in(object_in(entry, 'message'), 'id')}"


def _of_the_last_day(entries: list[JSON]) -> list[JSON]:
    """Those of the day before the newest."""
    times = [datetime_text(_sent_at(e)) for e in entries]
    if not times:
        return []
    since = datetime_text(parse_datetime(max(times)) - FIRST_LOOK_BACK)
    return [e for e, at in zip(entries, times, strict=True) if at >= since]


def _sent_at(entry: Mapping[str, Any]) -> datetime:
    message = entry.get("message")
    if not isinstance(message, dict):
        raise Malformed("a log entry without its message")
    return parse_datetime(str(message.get("sentAt")))


def _bytes(entry: JSON) -> bytes:
    return json.dumps(entry, separators=(",", ":"), sort_keys=True).encode()
