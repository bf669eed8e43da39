"""Posting to Bluesky, and finding the truth after a doubt.

A post is a record under a key that we choose beforehand, and its `createdAt` is the
moment that the key carries: sent twice, it is the same record, and the server does
nothing the second time. So the key alone finds or disproves it.
Refused: changing a text of ours in any way; putting a record where another stands.
Source: com.atproto.repo.putRecord, docs.bsky.app/docs/advanced-guides/posts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from channels.bluesky.acting import Acts
from channels.bluesky.direct import DirectMessages
from channels.bluesky.richtext import facets_of
from channels.bluesky.syntax import (
    Address,
    TidClock,
    datetime_text,
    is_did,
    is_tid,
    parse_address,
    time_of_tid,
)
from channels.bluesky.video import VideoService
from channels.bluesky.views import root_of
from channels.bluesky.xrpc import Server, object_in, text_in
from channels.contract import (
    JSON,
    Connection,
    Draft,
    Figures,
    LinkCard,
    Looked,
    MediaItem,
    Receipt,
    Standing,
    Surface,
    Target,
    Timeline,
)
from channels.errors import ChannelError, Gone, Malformed, Rejected
from channels.figures import figures_in
from channels.wire import Wire

POST = "app.bsky.feed.post"
UNLINKED = "unlinked"  # handles in a text that nobody has, or another than they were found to be
MOST_VIEWS = 25  # posts or profiles asked for at once (lexicons app.bsky.feed.getPosts, app.bsky.actor.getProfiles)
_clock = TidClock()


class BlueskyPublisher:
    """Sends and deletes posts of one account."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._did = connection.remote_id
        self._web = str(connection.settings.get("web") or "https://bsky.app")
        self._server = Server(connection.base_url, wire, connection.secrets.get("access", ""))
        self._direct = DirectMessages(self._server, self._did, self._web)
        self._video = VideoService(self._server, self._did, wire)
        self._acts = Acts(self._server, self._did, self._fetched)

    def prepare(self, draft: Draft) -> JSON:
        """Builds the whole record but its moment: mentions looked up, images, films and a card's picture
        uploaded, the answered post pinned by its content hash."""
        if any("\ud800" <= character <= "\udfff" for character in draft.text):
            raise Rejected("the text holds half a character", code="bad_text")
        if draft.surface is Surface.DIRECT:
            return self._direct.prepare(draft)
        record: JSON = {"$type": POST, "text": draft.text}
        unlinked: list[str] = []
        facets = facets_of(draft.text, partial(self._meant, dict(draft.options.get("mentions") or {}), unlinked))
        if facets:
            record["facets"] = facets
        if draft.language:
            record["langs"] = [draft.language]
        if draft.reply_to is not None:
            record["reply"] = self._reply(draft.reply_to)
        if draft.media:
            record["embed"] = self._embed(draft.media)
        elif draft.card is not None:
            record["embed"] = self._external(draft.card)
        return {"record": record, **({UNLINKED: unlinked} if unlinked else {})}

    def new_key(self, now: datetime) -> str:
        return _clock.next(now)

    def send(self, draft: Draft, prepared: Mapping[str, Any], key: str) -> Receipt:
        if draft.surface is Surface.DIRECT:
            return self._direct.send(prepared)
        record = _complete(prepared, key)
        answer = self._server.procedure(
            "com.atproto.repo.putRecord",
            {
                "repo": self._did,
                "collection": POST,
                "rkey": key,
                "record": record,
                "swapRecord": None,  # create only: never over a record that is there
            },
        )
        uri, cid = text_in(answer, "uri"), text_in(answer, "cid")
        return _telling(receipt_of(uri, cid, record, self._web, _accepted_at(answer)), prepared)

    def delete(self, remote_id: str, context: Mapping[str, Any]) -> None:
        """Take a post down. The server says yes too when it is not there any more."""
        if not remote_id.startswith("at://"):
            raise Rejected("a direct message cannot be taken back", code="cannot_delete")
        address = parse_address(remote_id)
        if address.did != self._did:
            raise Rejected("only the account's own posts can be deleted", code="not_ours")
        self._server.procedure(
            "com.atproto.repo.deleteRecord",
            {"repo": self._did, "collection": address.collection, "rkey": address.rkey},
        )

    def like(self, target: Target, at: datetime) -> None:
        self._acts.like(target, at)

    def unlike(self, target: Target, at: datetime) -> None:
        """The server says yes too when it is not there."""
        self._acts.unlike(target)

    def hide(self, target: Target, at: datetime) -> None:
        self._acts.hide(target, at)

    def unhide(self, target: Target, at: datetime) -> None:
        self._acts.unhide(target)

    def find(self, handle: str) -> str | None:
        try:
            did = text_in(self._server.query("com.atproto.identity.resolveHandle", {"handle": handle}), "did")
        except Gone:
            return None
        except Rejected as e:
            if "unable to resolve" in str(e.evidence.get("answer", "")).lower():
                return None  # servers say so by a plain InvalidRequest
            raise
        if not is_did(did):
            raise Malformed("the server named somebody by something that is no DID")
        return did

    def _meant(self, known: Mapping[str, Any], unlinked: list[str], handle: str) -> str | None:
        """Who has the handle now; nobody where that is not whom it was `known` to be. Whoever is not
        linked is noted."""
        did = self._did_of(handle)
        if did is None or known.get(handle, did) != did:
            unlinked.append(handle)
            return None
        return did

    def _did_of(self, handle: str) -> str | None:
        try:
            did = text_in(self._server.query("com.atproto.identity.resolveHandle", {"handle": handle}), "did")
        except (Gone, Rejected):
            # Nobody has that handle ("Unable to resolve handle" is a plain InvalidRequest).
            return None
        return did if is_did(did) else None

    def _embed(self, media: Sequence[MediaItem]) -> JSON:
        if not any(item.mime.startswith("video/") for item in media):
            return {"$type": "app.bsky.embed.images", "images": [self._image(item) for item in media]}
        if len(media) > 1:
            raise Rejected("Bluesky takes a film by itself", code="media_must_be_alone")
        (item,) = media
        shown: JSON = {"video": self._video.upload(item), **_ratio(item)}
        return {"$type": "app.bsky.embed.video", **shown, **({"alt": item.alt} if item.alt else {})}

    def _external(self, card: LinkCard) -> JSON:
        shown: JSON = {"uri": card.url, "title": card.title, "description": card.description}
        if card.picture is not None:
            shown["thumb"] = self._server.upload(card.picture.open(), card.picture.mime)
        return {"$type": "app.bsky.embed.external", "external": shown}

    def _image(self, item: MediaItem) -> JSON:
        return {"image": self._server.upload(item.open(), item.mime), "alt": item.alt, **_ratio(item)}

    def _reply(self, target: Target) -> JSON:
        cid, root = target.context.get("cid"), target.context.get("root")
        if not cid or not isinstance(root, Mapping):
            cid, root = self._fetched(target)
        parent = {"uri": target.remote_id, "cid": cid}
        return {"root": dict(root), "parent": parent}

    def _fetched(self, target: Target) -> tuple[str, Mapping[str, Any]]:
        """The content hash and the thread's root of a post, from the network."""
        address = parse_address(target.remote_id)
        answer = get_record(self._server, address)
        cid, record = text_in(answer, "cid"), object_in(answer, "value")
        return cid, root_of(record) or {"uri": target.remote_id, "cid": cid}


class BlueskyReconciler:
    """Looks under the key: the post is there or it is not."""

    def __init__(self, connection: Connection, wire: Wire) -> None:
        self._did = connection.remote_id
        self._web = str(connection.settings.get("web") or "https://bsky.app")
        self._server = Server(connection.base_url, wire, connection.secrets.get("access", ""))
        self._direct = DirectMessages(self._server, self._did, self._web)

    def look(
        self,
        draft: Draft,
        prepared: Mapping[str, Any],
        key: str,
        started_at: datetime,
        known_ids: frozenset[str],
        others: Sequence[Draft] = (),
    ) -> Looked:
        if draft.surface is Surface.DIRECT:
            return self._direct.look(prepared, started_at, known_ids)
        address = Address(self._did, POST, key)
        evidence: JSON = {"looked_for": str(address)}
        if str(address) in known_ids:
            return Looked(evidence={**evidence, "note": "this key belongs to another delivery"})
        try:
            answer = get_record(self._server, address)
        except Gone as e:
            return Looked(absent=True, evidence={**evidence, **e.evidence})
        found = object_in(answer, "value")
        receipt = receipt_of(str(address), text_in(answer, "cid"), found, self._web, None)
        if found == _complete(prepared, key):
            return Looked(found=_telling(receipt, prepared), evidence={**evidence, "cid": answer["cid"]})
        return Looked(candidates=(receipt,), evidence={**evidence, "found_instead": found})

    def list_since(self, since: datetime, most: int) -> Timeline:
        """Keys carry the moment at which a post was made, and the list goes by keys."""
        standing: list[Standing] = []
        starting: list[str] = []  # those that answer nothing
        params: JSON = {"repo": self._did, "collection": POST, "limit": 100}
        while True:
            answer = self._server.query("com.atproto.repo.listRecords", params)
            page = [body for body in answer.get("records") or () if isinstance(body, dict)]
            made = [one for body in page if (one := self._standing(body)) is not None]
            standing += [one for one in made if one.at >= since]
            starting += [str(body["uri"]) for body in page if "reply" not in object_in(body, "value")]
            params["cursor"] = str(answer.get("cursor") or "")
            if not params["cursor"] or any(one.at < since for one in made):
                return Timeline(self._with_figures(standing, starting), True)
            if len(standing) >= most:
                return Timeline(self._with_figures(standing, starting), False)

    def _with_figures(self, standing: Sequence[Standing], starting: Sequence[str]) -> tuple[Standing, ...]:
        """What the view of the network says that these posts brought. The list is none the worse
        where it cannot be asked."""
        listed = {one.remote_id for one in standing}
        asked = [uri for uri in starting if uri in listed]
        told: dict[str, Figures | None] = {}
        with suppress(ChannelError):
            for n in range(0, len(asked), MOST_VIEWS):
                answer = self._server.query("app.bsky.feed.getPosts", {"uris": asked[n : n + MOST_VIEWS]})
                views = [view for view in answer.get("posts") or () if isinstance(view, dict)]
                told |= {str(view.get("uri")): _figures(view) for view in views}
        return tuple(replace(one, figures=told.get(one.remote_id)) for one in standing)

    def _standing(self, body: JSON) -> Standing | None:
        """None for a post under a key of another kind: it is shown to nobody."""
        address = parse_address(text_in(body, "uri"))
        if not is_tid(address.rkey):
            return None
        record = object_in(body, "value")
        receipt = receipt_of(str(address), text_in(body, "cid"), record, self._web, None)
        return Standing(receipt.remote_id, str(record.get("text") or ""), time_of_tid(address.rkey), receipt.url)


def _figures(view: Mapping[str, Any]) -> Figures | None:
    return figures_in(view, likes=("likeCount",), shares=("repostCount", "quoteCount"), answers="replyCount")


def _ratio(item: MediaItem) -> JSON:
    return {"aspectRatio": {"width": item.width, "height": item.height}} if item.width and item.height else {}


def get_record(server: Server, address: Address) -> JSON:
    return server.query(
        "com.atproto.repo.getRecord",
        {"repo": address.did, "collection": address.collection, "rkey": address.rkey},
    )


def _complete(prepared: Mapping[str, Any], key: str) -> JSON:
    """The record as it is sent: what was prepared, at the moment that the key carries."""
    record = prepared.get("record")
    if not isinstance(record, Mapping):
        raise Rejected("the post was not prepared", code="not_prepared")
    return {**record, "createdAt": datetime_text(time_of_tid(key))}


def _telling(receipt: Receipt, prepared: Mapping[str, Any]) -> Receipt:
    """With the handles that went out as plain text, where there are any."""
    unlinked = prepared.get(UNLINKED)
    return replace(receipt, context={**receipt.context, UNLINKED: list(unlinked)}) if unlinked else receipt


def receipt_of(uri: str, cid: str, record: Mapping[str, Any], web: str, accepted_at: datetime | None) -> Receipt:
    """Proof that a post stands; its context is all that an answer to it needs."""
    address = parse_address(uri)
    return Receipt(
        remote_id=uri,
        url=f"{web}/profile/{address.did}/post/{address.rkey}",
        accepted_at=accepted_at,
        context={"cid": cid, "root": root_of(record) or {"uri": uri, "cid": cid}},
    )


def _accepted_at(answer: Mapping[str, Any]) -> datetime | None:
    """The server's own time of the commit; none for a replay that changed nothing."""
    commit = answer.get("commit")
    rev = commit.get("rev") if isinstance(commit, Mapping) else None
    return time_of_tid(rev) if isinstance(rev, str) and is_tid(rev) else None
