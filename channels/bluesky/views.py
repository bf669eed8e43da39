"""From the network's views of posts to what the inbox understands.

Everything here was written by strangers: a field of the wrong shape is left out where
it is an ornament, and refused as Malformed where the message cannot be kept without it.
Source: lexicons app.bsky.feed.defs, app.bsky.actor.defs, app.bsky.feed.post.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from channels.answers import followers_in
from channels.bluesky.syntax import is_did, parse_address, parse_datetime
from channels.contract import JSON, Inbound, InboundKind, Person, RemoteMedia, Surface
from channels.errors import Malformed
from channels.sentences import say

_MOST_ABOVE = 10


def root_of(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The strong reference to the first post of the thread that a record answers in."""
    reply = record.get("reply")
    root = reply.get("root") if isinstance(reply, Mapping) else None
    if isinstance(root, Mapping) and root.get("uri") and root.get("cid"):
        return {"uri": str(root["uri"]), "cid": str(root["cid"])}
    return None


def person_of(profile: object, web: str) -> Person:
    """Who somebody is, from any of the profile views. Raises Malformed without a DID."""
    view = profile if isinstance(profile, dict) else {}
    did = view.get("did")
    if not isinstance(did, str) or not is_did(did):
        raise Malformed("a post without an author")
    return Person(
        remote_id=did,
        handle=_text(view, "handle") or did,
        name=_text(view, "displayName"),
        avatar_url=_text(view, "avatar"),
        url=f"{web}/profile/{did}",
        followers=followers_in(view.get("followersCount")),
    )


def inbound_of(view: Mapping[str, Any], kind: InboundKind, web: str) -> Inbound:
    """A message from a notification or a post view: both carry uri, cid, author, record
    and indexedAt. Raises Malformed."""
    record = view.get("record")
    if not isinstance(record, dict):
        raise Malformed("a post without its record")
    uri, cid = _text(view, "uri"), _text(view, "cid")
    address = parse_address(uri)
    if not cid:
        raise Malformed(say("{uri} without its content hash", uri=uri))
    root = root_of(record) or {"uri": uri, "cid": cid}
    links = list(_links(record))
    return Inbound(
        remote_id=uri,
        kind=kind,
        surface=Surface.PUBLIC,
        author=person_of(view.get("author"), web),
        text=_text(record, "text"),
        remote_at=parse_datetime(_text(view, "indexedAt")),
        thread_root=str(root["uri"]),
        in_reply_to=parent_of(record),
        url=f"{web}/profile/{address.did}/post/{address.rkey}",
        language=_language(record),
        media=tuple(_media(view.get("embed"))),
        context={"cid": cid, "root": dict(root), **({"links": links} if links else {})},
        raw=dict(view),
    )


def kind_of(record: Mapping[str, Any], our_did: str) -> InboundKind:
    """What a post is to us. The same post may be notified as several things (a reply that
    also mentions us), so its own content decides."""
    if parent_of(record):
        return InboundKind.REPLY
    if any(uri.startswith(f"at://{our_did}/") for uri in quoted_in(record)):
        return InboundKind.QUOTE
    return InboundKind.MENTION


def parent_of(record: Mapping[str, Any]) -> str:
    """The address of the post that a record answers; "" where it answers none."""
    return str(_at(record, "reply", "parent", "uri") or "")


def quoted_in(record: Mapping[str, Any]) -> list[str]:
    """The addresses of what a record quotes."""
    found = (_at(record, "embed", "record", "uri"), _at(record, "embed", "record", "record", "uri"))
    return [uri for uri in found if isinstance(uri, str)]


def above_in(thread: Mapping[str, Any], our_did: str, web: str) -> Inbound | None:
    """The posts that a thread's anchor hangs under, the nearest first, each with its own above."""
    chain: list[Mapping[str, Any]] = []
    node = thread.get("parent")
    while isinstance(node, dict) and isinstance(node.get("post"), dict) and len(chain) < _MOST_ABOVE:
        chain.append(node["post"])
        node = node.get("parent")
    above: Inbound | None = None
    for view in reversed(chain):
        above = replace(inbound_of(view, _kind_above(view, our_did), web), above=above)
    return above


def _kind_above(view: Mapping[str, Any], our_did: str) -> InboundKind:
    if _at(view, "author", "did") == our_did:
        return InboundKind.ECHO
    return kind_of(view.get("record") or {}, our_did)


def may_reply(view: Mapping[str, Any]) -> bool:
    """Whether the author lets us answer (a thread gate may not)."""
    return _at(view, "viewer", "replyDisabled") is not True


def _media(embed: object) -> Iterator[RemoteMedia]:
    """Images and videos of a view's embed, where it was hydrated with addresses."""
    view = embed if isinstance(embed, dict) else {}
    if isinstance(view.get("media"), dict):  # quoted record with media
        view = view["media"]
    for image in _list(view, "images"):
        if isinstance(image, dict) and _text(image, "fullsize"):
            yield RemoteMedia("image/jpeg", url=_text(image, "fullsize"), alt=_text(image, "alt"))
    if _text(view, "playlist"):
        yield RemoteMedia("application/vnd.apple.mpegurl", url=_text(view, "playlist"), alt=_text(view, "alt"))


def _links(record: Mapping[str, Any]) -> Iterator[str]:
    """Where the links really go: the text often shows them shortened."""
    for facet in _list(record, "facets"):
        for feature in _list(facet, "features") if isinstance(facet, dict) else ():
            if isinstance(feature, dict) and _text(feature, "uri"):
                yield _text(feature, "uri")
    external = _at(record, "embed", "external", "uri")
    if isinstance(external, str):
        yield external


def _language(record: Mapping[str, Any]) -> str:
    langs = _list(record, "langs")
    return langs[0] if langs and isinstance(langs[0], str) else ""


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []


def _at(value: object, *path: str) -> object:
    """What stands at a path of names, None where the path breaks off."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def reaction_of(notification: JSON, web: str) -> Inbound:
    """A like or a repost of a post of ours. Raises Malformed."""
    subject = _text(notification, "reasonSubject")
    return Inbound(
        remote_id=str(parse_address(_text(notification, "uri"))),
        kind=InboundKind.REACTION,
        surface=Surface.PUBLIC,
        author=person_of(notification.get("author"), web),
        text="",
        remote_at=parse_datetime(_text(notification, "indexedAt")),
        thread_root=subject,
        in_reply_to=subject,
        can_reply=False,
        cannot_reply_reason=say("a reaction has no words to answer"),
        context={"reaction": _text(notification, "reason")},
        raw=dict(notification),
    )
