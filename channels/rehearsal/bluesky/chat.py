"""The service for direct messages, which an account's server passes calls on to: only
calls that name the service reach it, and only sign-ins that may use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request

from channels.rehearsal.base import Network, utc_text
from channels.rehearsal.bluesky.repo import Repo
from channels.rehearsal.bluesky.rules import XrpcError, invalid
from channels.rehearsal.bluesky.sessions import Sessions
from channels.rehearsal.bluesky.views import Views
from channels.rehearsal.store import Doc

SERVICE = "did:web:api.bsky.chat#bsky_chat"
_MESSAGE = "chat.bsky.convo.defs#messageView"
_PAGE = 50


class Chat:
    """Conversations between two people, and each one's log of what happened."""

    def __init__(self, network: Network, repo: Repo, sessions: Sessions, views: Views) -> None:
        self._network = network
        self._repo, self._sessions, self._views = repo, sessions, views
        self._store = network.store

    def convo(self, one: str, other: str) -> Doc:
        """The conversation of two people, always the same."""
        members = sorted((one, other))
        convo_id = "convo" + members[0][-8:] + members[1][-8:]
        with self._store.lock:
            known = self._store.get("convo", convo_id)
            return known or self._store.put("convo", convo_id, {"id": convo_id, "members": members})

    def write(self, convo: Doc, sender: str, text: str, reply_to: str = "") -> Doc:
        """Add a message and tell both."""
        with self._store.lock:
            number = self._store.next_number()
            message: Doc = {"id": f"m{number:08d}", "rev": self._repo.next_tid(), "text": text}
            message |= {"sender": {"did": sender}, "sentAt": utc_text(), "$type": _MESSAGE}
            if reply_to:
                answered = self._store.get(f"message:{convo['id']}", reply_to)
                if answered is None:
                    raise invalid("Message not found", "ReplyTargetNotFound")
                message["replyTo"] = {k: v for k, v in answered.items() if k != "replyTo"}
            self._store.put(f"message:{convo['id']}", message["id"], message)
            entry = {
                "$type": "chat.bsky.convo.defs#logCreateMessage",
                "rev": message["rev"],
                "convoId": convo["id"],
                "message": message,
                "relatedProfiles": [self._profile(sender)],
            }
            for member in convo["members"]:
                visible = {"entry": entry, "visible_at": self._network.visible_at()}
                self._store.put(f"log:{member}", message["rev"], visible)
            return message

    def reads(self) -> dict[str, Callable[[], Doc]]:
        return {
            "chat.bsky.convo.getLog": self._log,
            "chat.bsky.convo.getConvo": self._get_convo,
            "chat.bsky.convo.getConvoForMembers": self._convo_for_members,
            "chat.bsky.convo.getMessages": self._messages,
            "chat.bsky.convo.listConvos": self._list,
        }

    def writes(self) -> dict[str, Callable[[], Doc]]:
        return {"chat.bsky.convo.sendMessage": self._send}

    def _allowed(self) -> str:
        """The DID that may use the service. Raises XrpcError."""
        if request.headers.get("atproto-proxy") != SERVICE:
            raise XrpcError(501, "MethodNotImplemented", "Method Not Implemented")
        did, scope = self._sessions.who(request.headers.get("Authorization", ""))
        if scope == "com.atproto.appPass":
            raise invalid("Bad token method", "InvalidToken")
        return did

    def _log(self) -> Doc:
        did, cursor = self._allowed(), request.args.get("cursor", "")
        logs = [d["entry"] for d in self._store.all(f"log:{did}") if self._network.readable(d)]
        page = [entry for entry in logs if entry["rev"] > cursor][:_PAGE]
        following = page[-1]["rev"] if page else cursor
        return {"logs": page, **({"cursor": following} if following else {})}

    def _send(self) -> Doc:
        did = self._allowed()
        body = request.get_json(silent=True) or {}
        convo = self._own(did, str(body.get("convoId")))
        message = body.get("message") or {}
        text: Any = message.get("text")
        if not isinstance(text, str) or not text or len(text.encode()) > 10_000:
            raise invalid("Input/message must have a text of at most 10000 bytes")
        answered = str((message.get("replyTo") or {}).get("messageId", ""))
        written = self.write(convo, did, text, answered)
        others = [self._views.person(m)["handle"] for m in convo["members"] if m != did]
        self._network.publish_to_ledger(
            "direct",
            self._views.person(did)["handle"],
            remote_id(convo, written),
            text,
            in_reply_to=f"{convo['id']}/{answered}" if answered else "",
            extra={"to": others},
        )
        return {name: value for name, value in written.items() if name != "$type"}

    def _get_convo(self) -> Doc:
        did = self._allowed()
        return {"convo": self._view(self._own(did, request.args.get("convoId", "")))}

    def _convo_for_members(self) -> Doc:
        did = self._allowed()
        [other] = request.args.getlist("members") or [""]
        return {"convo": self._view(self.convo(did, self._views.person(other)["did"]))}

    def _messages(self) -> Doc:
        convo = self._own(self._allowed(), request.args.get("convoId", ""))
        messages = self._store.all(f"message:{convo['id']}")[::-1]
        return {"messages": messages[: int(request.args.get("limit", 50))]}

    def _list(self) -> Doc:
        did = self._allowed()
        return {"convos": [self._view(c) for c in self._store.all("convo", lambda c: did in c["members"])]}

    def _own(self, did: str, convo_id: str) -> Doc:
        convo = self._store.get("convo", convo_id)
        if convo is None or did not in convo["members"]:
            raise invalid("Convo not found", "InvalidConvo")
        return convo

    def _view(self, convo: Doc) -> Doc:
        members = [self._profile(did) for did in convo["members"]]
        rev = self._repo.next_tid()
        return {"id": convo["id"], "rev": rev, "members": members, "muted": False, "unreadCount": 0}

    def _profile(self, did: str) -> Doc:
        person = self._views.person(did)
        return {"did": did, "handle": person["handle"], "displayName": person["name"]}


def remote_id(convo: Doc, message: Doc) -> str:
    """How a message is told from all others."""
    return f"{convo['id']}/{message['id']}"
