"""From an instance's JSON to what was said, by whom, where.

A public thread's root is its first status. Direct messages of one person are one
thread whatever they hang under, because people answer a direct message by writing a
new one, and because not every server names its conversations.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from channels.answers import followers_in
from channels.contract import JSON, Connection, Inbound, InboundKind, Person, RemoteMedia, Surface
from channels.errors import Gone
from channels.mastodon.api import Api, actor_of, full_handle, host_of, time_of
from channels.mastodon.markup import text_of
from channels.sentences import say

_MIME_OF_KIND = {"image": "image/jpeg", "gifv": "video/mp4", "video": "video/mp4", "audio": "audio/mpeg"}

Status = Mapping[str, Any]


class Understanding:
    """Reads stored items for one account; looks up threads where it must."""

    def __init__(self, connection: Connection, api: Api) -> None:
        self._api = api
        self._account_id = str(connection.settings["account_id"])
        self._domain = str(connection.settings.get("domain") or host_of(connection.base_url))

    def of(self, stream: str, body: JSON) -> Sequence[Inbound]:
        """What one stored item says. Raises ChannelError where a look-up failed; whatever
        is missing raises KeyError, TypeError or Malformed."""
        if stream == "notifications":
            return self._of_notification(body)
        if stream == "changes":
            return self._of_change(body)
        if stream == "statuses":
            return () if body.get("reblog") else (self._said_by_us(body),)
        return (self._said_to_us(body, self._kind_of(body)),)

    def _of_notification(self, body: JSON) -> Sequence[Inbound]:
        status = body.get("status")
        if not status or status["account"]["id"] == self._account_id:
            return ()
        if body["type"] == "mention":
            return (self._said_to_us(status, self._kind_of(status)),)
        if body["type"] == "quote":
            return (self._said_to_us(status, InboundKind.QUOTE),)
        # An edit of something that we shared concerns us only where it speaks to us.
        if body["type"] == "update" and self._mentions_us(status):
            return (self._said_to_us(status, self._kind_of(status)),)
        return ()

    def _of_change(self, body: JSON) -> Sequence[Inbound]:
        if "edited" in body:
            return (self._said_to_us(body["edited"], self._kind_of(body["edited"])),)
        remote_id = str(body["deleted"])
        # Only the id counts; there is nobody to ask who wrote it or when.
        return (
            Inbound(
                remote_id=remote_id,
                kind=InboundKind.DELETION,
                surface=Surface.PUBLIC,
                author=Person("", ""),
                text="",
                remote_at=datetime.fromisoformat("1970-01-01T00:00:00+00:00"),
                thread_root=remote_id,
                can_reply=False,
                cannot_reply_reason=say("it was deleted"),
            ),
        )

    def _kind_of(self, status: Status) -> InboundKind:
        if _surface(status) is Surface.DIRECT:
            return InboundKind.DIRECT
        answers_us = str(status.get("in_reply_to_account_id") or "") == self._account_id
        return InboundKind.REPLY if answers_us else InboundKind.MENTION

    def _mentions_us(self, status: Status) -> bool:
        return any(str(m["id"]) == self._account_id for m in status.get("mentions") or ())

    # -- what customers say

    def _said_to_us(self, status: Status, kind: InboundKind) -> Inbound:
        author = self._person(status["account"])
        if _surface(status) is Surface.DIRECT:
            return self._inbound(status, kind, author, f"direct:{author.remote_id}")
        above = self._ancestors(status)
        root = str(above[0]["id"]) if above else str(status.get("in_reply_to_id") or status["id"])
        return self._inbound(status, kind, author, root, above=self._above(above[0]) if above else None)

    def _ancestors(self, status: Status) -> list[JSON]:
        if not status.get("in_reply_to_id"):
            return []
        try:
            return list(self._api.read(f"/api/v1/statuses/{status['id']}/context").get("ancestors") or ())
        except Gone:  # deleted since: what was stored is all there is
            return []

    def _above(self, root: Status) -> Inbound:
        is_ours = str(root["account"]["id"]) == self._account_id
        kind = InboundKind.ECHO if is_ours else InboundKind.MENTION
        return self._inbound(root, kind, self._person(root["account"]), str(root["id"]))

    # -- what our account says

    def _said_by_us(self, status: Status) -> Inbound:
        us = self._person(status["account"])
        recipient = self._recipient(status)
        if _surface(status) is Surface.DIRECT:
            root = f"direct:{recipient or us.remote_id}"
        else:
            above = self._ancestors(status)
            root = str(above[0]["id"]) if above else str(status["id"])
        return self._inbound(status, InboundKind.ECHO, us, root, recipient_id=recipient)

    def _recipient(self, status: Status) -> str:
        """The actor URI of whom we spoke to; a mention gives only their id here."""
        mentions = [str(m["id"]) for m in status.get("mentions") or ()]
        answered = str(status.get("in_reply_to_account_id") or "")
        others = [i for i in (answered, *mentions) if i and i != self._account_id]
        if not others:
            return ""
        try:
            return actor_of(self._api.read(f"/api/v1/accounts/{others[0]}"), self._domain)
        except Gone:
            return ""

    # -- the common shape

    def _inbound(self, status: Status, kind: InboundKind, author: Person, root: str, **more: Any) -> Inbound:
        account = status["account"]
        return Inbound(
            remote_id=str(status["id"]),
            kind=kind,
            surface=_surface(status),
            author=author,
            text=text_of(str(status.get("content") or "")),
            html=str(status.get("content") or ""),
            remote_at=time_of(status.get("created_at")),
            thread_root=root,
            in_reply_to=str(status.get("in_reply_to_id") or ""),
            subject=str(status.get("spoiler_text") or ""),
            url=_web(status.get("url") or status.get("uri")),
            language=str(status.get("language") or ""),
            media=tuple(_media(m) for m in status.get("media_attachments") or ()),
            edited_at=time_of(status["edited_at"]) if status.get("edited_at") else None,
            automatic=bool(account.get("bot")),
            context={"acct": str(account["acct"]), "visibility": str(status.get("visibility") or "direct")},
            raw=dict(status),
            **more,
        )

    def _person(self, account: Mapping[str, Any]) -> Person:
        return Person(
            remote_id=actor_of(account, self._domain),
            handle=full_handle(account, self._domain),
            name=str(account.get("display_name") or account.get("username") or ""),
            avatar_url=_web(account.get("avatar_static") or account.get("avatar")),
            url=_web(account.get("url")),
            followers=followers_in(account.get("followers_count")),
        )


def _surface(status: Status) -> Surface:
    return Surface.DIRECT if status.get("visibility") == "direct" else Surface.PUBLIC


def _media(attachment: Mapping[str, Any]) -> RemoteMedia:
    url = _web(attachment.get("url") or attachment.get("remote_url") or attachment.get("preview_url"))
    guessed = mimetypes.guess_type(urlsplit(url).path)[0]
    mime = guessed or _MIME_OF_KIND.get(str(attachment.get("type")), "application/octet-stream")
    filename = urlsplit(url).path.rpartition("/")[2]
    return RemoteMedia(mime, url=url, alt=str(attachment.get("description") or ""), filename=filename)


def _web(url: Any) -> str:
    """The address if it is one of the web: a server may write anything there."""
    return url if isinstance(url, str) and urlsplit(url).scheme in ("http", "https") else ""
