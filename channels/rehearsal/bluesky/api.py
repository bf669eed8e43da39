"""The calls that the rehearsal server answers, in the shapes of the lexicons."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, Response, jsonify, request

from channels.rehearsal.bluesky.rules import GATE, LIKE, POST, XrpcError, check_act, invalid
from channels.rehearsal.bluesky.sessions import Window, password_digest
from channels.rehearsal.bluesky.world import BlueskyWorld
from channels.rehearsal.store import Doc

Handler = Callable[[], Doc]


class Api:
    """XRPC over one world."""

    def __init__(self, world: BlueskyWorld) -> None:
        self._world = world

    def routes(self, app: Flask) -> None:
        reads, writes = self._reads(), self._writes()

        @app.route("/xrpc/<method>", methods=["GET", "POST"])
        def xrpc(method: str) -> Any:
            handler = (reads if request.method == "GET" else writes).get(method)
            if handler is None:
                raise XrpcError(501, "MethodNotImplemented", "Method Not Implemented")
            return jsonify(handler())

        @app.errorhandler(XrpcError)
        def refuse(error: XrpcError) -> Any:
            return jsonify(error=error.name, message=error.message), error.status, error.headers

        @app.after_request
        def add_rate_headers(response: Response) -> Response:
            if response.status_code != 429:
                response.headers.extend(request.environ.get("rehearsal.rate", {}))
            return response

        @app.get("/img/<did>/<cid>")
        def image(did: str, cid: str) -> Any:
            data, mime = self._world.repo.file(cid)
            return Response(data, mimetype=mime)

        @app.get("/profile/<did>/post/<rkey>")
        def page(did: str, rkey: str) -> Any:
            doc = self._world.repo.find(did, POST, rkey)
            if doc is None:
                return Response("no such post", 404)
            author = html.escape(self._world.views.profile(did)["displayName"])
            return f"<!doctype html><title>{author}</title><h1>{author}</h1><p>{html.escape(doc['value']['text'])}"

    def _reads(self) -> dict[str, Handler]:
        return {
            "com.atproto.server.describeServer": self._describe,
            "com.atproto.server.getSession": self._session,
            "com.atproto.identity.resolveHandle": self._resolve,
            "com.atproto.repo.getRecord": self._get_record,
            "com.atproto.repo.listRecords": self._list_records,
            "app.bsky.actor.getProfile": self._profile,
            "app.bsky.actor.getProfiles": self._profiles,
            "app.bsky.notification.listNotifications": self._notifications,
            "app.bsky.feed.getPosts": self._posts,
            "app.bsky.feed.getPostThread": self._thread,
            "app.bsky.feed.getAuthorFeed": self._author_feed,
            **self._world.chat.reads(),
            **self._world.films.reads(),
        }

    def _writes(self) -> dict[str, Handler]:
        return {
            "com.atproto.server.createSession": self._create_session,
            "com.atproto.server.refreshSession": self._refresh_session,
            "com.atproto.repo.putRecord": self._put_record,
            "com.atproto.repo.createRecord": self._create_record,
            "com.atproto.repo.deleteRecord": self._delete_record,
            "com.atproto.repo.uploadBlob": self._upload,
            **self._world.chat.writes(),
            **self._world.films.writes(),
        }

    # -- sessions

    def _describe(self) -> Doc:
        return {"did": "did:web:rehearsal.test", "availableUserDomains": [".test"], "inviteCodeRequired": False}

    def _create_session(self) -> Doc:
        body = _body("identifier", "password")
        identifier = body["identifier"].lower()
        for window in self._world.sign_ins:
            self._take(window, f"{identifier} {request.remote_addr}", 1)
        digest = password_digest(body["password"])
        people = self._world.store.all("person", lambda p: identifier in (p["handle"], p["did"], p.get("email")))
        for person in people:
            for kept in person.get("app_passwords", ()):
                if kept["digest"] == digest:
                    _refuse_taken_down(person)
                    return {**_about(person), **self._world.sessions.open(person, kept["privileged"])}
        raise XrpcError(401, "AuthenticationRequired", "Invalid identifier or password")

    def _refresh_session(self) -> Doc:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        did, tokens = self._world.sessions.refresh(token)
        person = self._world.views.person(did)
        _refuse_taken_down(person)
        return {**_about(person), **tokens}

    def _session(self) -> Doc:
        return _about(self._world.views.person(self._signed_in()))

    def _signed_in(self) -> str:
        """The DID behind the request's token. Raises XrpcError."""
        did, _ = self._world.sessions.who(request.headers.get("Authorization", ""))
        _refuse_taken_down(self._world.views.person(did))
        return did

    def _take(self, window: Window, who: str, points: int) -> None:
        with self._world.store.lock:
            headers = window.take(who, points, time.time())
        request.environ["rehearsal.rate"] = {**headers, **request.environ.get("rehearsal.rate", {})}

    # -- repositories

    def _resolve(self) -> Doc:
        handle = request.args.get("handle", "")
        try:
            return {"did": self._world.views.person(handle)["did"]}
        except XrpcError as e:
            raise invalid("Unable to resolve handle") from e

    def _own_repo(self, repo: str, points: int) -> str:
        """The DID that may write to `repo`, after paying for it. Raises XrpcError."""
        did = self._signed_in()
        if self._world.views.person(repo)["did"] != did:
            raise XrpcError(401, "AuthMissing", "Authentication Required")
        for window in self._world.writes:
            self._take(window, did, points)
        return did

    def _put_record(self) -> Doc:
        body = _body("repo", "collection", "rkey", "record")
        did = self._own_repo(body["repo"], 2)
        before = self._world.repo.find(did, body["collection"], body["rkey"])
        check_act(did, body["collection"], body["rkey"], body["record"])
        doc, changed = self._world.repo.put(
            did, body["collection"], body["rkey"], body["record"], body.get("swapRecord", ...)
        )
        if changed:
            self._enter(doc)
            self._enter_act(doc, (before or {}).get("value") or {})
        return _written(doc, changed)

    def _create_record(self) -> Doc:
        body = _body("repo", "collection", "record")
        did = self._own_repo(body["repo"], 3)
        doc = self._world.repo.create(did, body["collection"], body.get("rkey", ""), body["record"])
        self._enter(doc)
        return _written(doc, True)

    def _delete_record(self) -> Doc:
        body = _body("repo", "collection", "rkey")
        did = self._own_repo(body["repo"], 1)
        doc = self._world.repo.delete(f"at://{did}/{body['collection']}/{body['rkey']}")
        if doc is None:
            return {}
        handle = self._world.views.person(did)["handle"]
        if doc["collection"] == LIKE:
            self._world.publish_to_ledger("unlike", handle, doc["value"]["subject"]["uri"], "")
        else:
            self._world.publish_to_ledger("delete", handle, doc["uri"], doc["value"].get("text", ""))
        return {"commit": {"cid": doc["cid"], "rev": self._world.repo.next_tid()}}

    def _enter(self, doc: Doc) -> None:
        """Put what became public into the ledger."""
        if doc["collection"] != POST:
            return
        value = doc["value"]
        parent = value.get("reply", {}).get("parent", {}).get("uri", "")
        marked = [(f["features"][0], _marked(value["text"], f["index"])) for f in value.get("facets", ())]
        addressed = [parent.split("/")[2]] if parent else []
        addressed += [feature["did"] for feature, _ in marked if "did" in feature]
        self._world.publish_to_ledger(
            "reply" if parent else "post",
            self._world.views.person(doc["did"])["handle"],
            doc["uri"],
            value["text"],
            key=doc["rkey"],
            in_reply_to=parent,
            media=_media_of(value.get("embed") or {}),
            extra={
                "to": [self._world.views.person(did)["handle"] for did in dict.fromkeys(addressed)],
                "marked": [text for _, text in marked],
                "langs": value.get("langs", []),
                "root": value.get("reply", {}).get("root", {}).get("uri", ""),
            },
        )

    def _enter_act(self, doc: Doc, before: Doc) -> None:
        """A like, or answers that are hidden now or shown again, told by what they concern."""
        handle = self._world.views.person(doc["did"])["handle"]
        if doc["collection"] == LIKE and not before:
            self._world.publish_to_ledger("like", handle, doc["value"]["subject"]["uri"], "")
        elif doc["collection"] == GATE:
            was, now = set(before.get("hiddenReplies", ())), set(doc["value"].get("hiddenReplies", ()))
            for act, uris in (("hide", now - was), ("unhide", was - now)):
                for uri in sorted(uris):
                    self._world.publish_to_ledger(act, handle, uri, "")

    def _get_record(self) -> Doc:
        repo, collection, rkey = (_argument(n) for n in ("repo", "collection", "rkey"))
        did = self._world.views.person(repo)["did"]
        doc = self._world.repo.find(did, collection, rkey)
        if doc is None:
            raise invalid(f"Could not locate record: at://{did}/{collection}/{rkey}", "RecordNotFound")
        return {name: doc[name] for name in ("uri", "cid", "value")}

    def _list_records(self) -> Doc:
        did = self._world.views.person(_argument("repo"))["did"]
        oldest_first = request.args.get("reverse") == "true"
        cursor = request.args.get("cursor", "")
        return self._world.repo.list(did, _argument("collection"), _limit(), cursor, oldest_first)

    def _upload(self) -> Doc:
        self._signed_in()
        mime = request.headers.get("Content-Type", "application/octet-stream")
        return {"blob": self._world.repo.upload(request.get_data(), mime)}

    # -- views

    def _profile(self) -> Doc:
        self._signed_in()
        return self._world.views.detailed(_argument("actor"))

    def _profiles(self) -> Doc:
        """Those that there are; others are left out."""
        self._signed_in()
        asked = request.args.getlist("actors")
        if not 0 < len(asked) <= 25:
            raise invalid("Error: actors must have 1 to 25 elements")
        found = []
        for actor in asked:
            with suppress(XrpcError):
                found.append(self._world.views.detailed(actor))
        return {"profiles": found}

    def _notifications(self) -> Doc:
        return self._world.views.notifications(self._signed_in(), _limit(), request.args.get("cursor", ""))

    def _posts(self) -> Doc:
        self._signed_in()
        uris = request.args.getlist("uris")
        if len(uris) > 25:
            raise invalid("Error: uris must not have more than 25 elements")
        found = [doc for uri in uris if (doc := self._world.views.record(uri)) is not None]
        return {"posts": [self._world.views.post(doc, _base_url()) for doc in found]}

    def _thread(self) -> Doc:
        self._signed_in()
        depth, height = int(request.args.get("depth", 6)), int(request.args.get("parentHeight", 80))
        return {"thread": self._world.views.thread(_argument("uri"), depth, height, _base_url())}

    def _author_feed(self) -> Doc:
        self._signed_in()
        did = self._world.views.person(_argument("actor"))["did"]
        return self._world.views.author_feed(did, _limit(), request.args.get("cursor", ""), _base_url())


def _refuse_taken_down(person: Doc) -> None:
    if person.get("taken_down"):
        raise XrpcError(401, "AccountTakedown", "Account has been taken down")


def _about(person: Doc) -> Doc:
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": _base_url()}
    document = {"id": person["did"], "alsoKnownAs": [f"at://{person['handle']}"], "service": [service]}
    shown = {"did": person["did"], "handle": person["handle"], "email": person.get("email", "")}
    return {**shown, "emailConfirmed": True, "active": True, "didDoc": document}


def _base_url() -> str:
    return request.host_url.rstrip("/")


def _body(*needed: str) -> Doc:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise invalid("Request encoding (Content-Type) required but not provided")
    for name in needed:
        if not body.get(name):
            raise invalid(f'Input must have the property "{name}"')
    return body


def _argument(name: str) -> str:
    value = request.args.get(name, "")
    if not value:
        raise invalid(f'Params must have the property "{name}"')
    return value


def _limit() -> int:
    text = request.args.get("limit", "50")
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise invalid("Error: limit can not be greater than 100")
    return int(text)


def _written(doc: Doc, changed: bool) -> Doc:
    answer = {"uri": doc["uri"], "cid": doc["cid"], "validationStatus": "valid"}
    return {**answer, "commit": {"cid": doc["cid"], "rev": doc["rev"]}} if changed else answer


def _marked(text: str, index: Doc) -> str:
    """What a facet really covers, by bytes: what readers would see as the link."""
    return text.encode()[index["byteStart"] : index["byteEnd"]].decode(errors="replace")


def _media_of(embed: Doc) -> tuple[Doc, ...]:
    if "video" in embed:
        return (_shown({"alt": "", **embed, "image": embed["video"]}),)
    return tuple(_shown(image) for image in embed.get("images", ()))


def _shown(image: Doc) -> Doc:
    blob = image["image"]
    ratio = {"aspectRatio": image["aspectRatio"]} if "aspectRatio" in image else {}
    return {"alt": image["alt"], "mime": blob["mimeType"], "size": blob["size"], "cid": blob["ref"]["$link"], **ratio}
