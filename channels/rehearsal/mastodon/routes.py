"""The API's routes: what a client of the instance may ask, and what it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, g, jsonify, request
from markupsafe import Markup

from channels.rehearsal.mastodon.paging import page_of
from channels.rehearsal.mastodon.shapes import MIME_TYPES, Shapes
from channels.rehearsal.mastodon.sign_in import allows, posted, refuse
from channels.rehearsal.mastodon.world import MastodonWorld
from channels.rehearsal.mastodon.writing import length_of
from channels.rehearsal.store import Doc

_VISIBILITIES = ("public", "unlisted", "private", "direct")


def add_routes(world: MastodonWorld, app: Flask) -> None:
    desk = _Desk(world)
    app.after_request(desk.tell_rates)
    app.register_error_handler(LookupError, _not_found)
    ways = world.ways
    v1 = "/api/v1"
    table: list[tuple[str, str, str, Callable[..., Any]]] = [
        ("GET", f"{v1}/accounts/verify_credentials", "read:accounts", desk.who),
        ("GET", f"{v1}/accounts/search", "read:accounts", desk.search_accounts),
        ("GET", f"{v1}/accounts/<id_>", "read:accounts", desk.account),
        ("GET", f"{v1}/accounts/<id_>/statuses", "read:statuses", desk.account_statuses),
        ("POST", f"{v1}/statuses", "write:statuses", desk.post),
        ("GET", f"{v1}/statuses/<id_>", "read:statuses", desk.status),
        ("PUT", f"{v1}/statuses/<id_>", "write:statuses", desk.edit),
        ("DELETE", f"{v1}/statuses/<id_>", "write:statuses", desk.delete),
        ("POST", f"{v1}/statuses/<id_>/favourite", "write:favourites", desk.favourite),
        ("POST", f"{v1}/statuses/<id_>/unfavourite", "write:favourites", desk.unfavourite),
        ("GET", f"{v1}/statuses/<id_>/context", "read:statuses", desk.context),
        ("GET", f"{v1}/notifications", "read:notifications", desk.notifications),
        ("GET", f"{v1}/media/<id_>", "write:media", desk.media),
        ("POST", f"{v1}/media", "write:media", desk.upload),
    ]
    if ways.has_v2_media:
        table.append(("POST", "/api/v2/media", "write:media", desk.upload))
    if ways.has_conversations:
        table.append(("GET", f"{v1}/conversations", "read:statuses", desk.conversations))
    for method, path, scope, view in table:
        app.add_url_rule(path, f"{method} {path}", desk.signed_in(scope, view), methods=[method])
    app.get(f"{v1}/instance")(desk.instance_v1)
    if ways.has_v2_instance:
        app.get("/api/v2/instance")(desk.instance_v2)
    app.get("/@<handle>/<id_>")(desk.page)


def _not_found(missing: Exception) -> tuple[Response, int]:
    return jsonify({"error": "Record not found"}), 404


class _Desk:
    def __init__(self, world: MastodonWorld) -> None:
        self._world = world
        self._store = world.store

    @property
    def shapes(self) -> Shapes:
        return Shapes(self._world, request.host_url.rstrip("/"))

    # -- who is asking, and how often

    def signed_in(self, scope: str, view: Callable[..., Any]) -> Callable[..., Any]:
        def checked(**args: Any) -> Any:
            token = self._store.get("token", request.headers.get("Authorization", "").removeprefix("Bearer "))
            if token is None:
                refuse(self._world.ways.bad_token_status, "The access token is invalid")
                return None
            g.token, g.handle = token, token["handle"]
            self._count()
            if not allows(token["scope"], scope):
                refuse(403, "This action is outside the authorized scopes")
            return view(**args)

        return checked

    def _count(self) -> None:
        names = ["all"]
        if request.method == "POST" and request.path.endswith("/media"):
            names.append("media")
        elif request.path.startswith("/api/v1/statuses") and not request.path.endswith("favourite"):
            names += {"POST": ["post"], "DELETE": ["delete"]}.get(request.method, [])
        counts = [self._world.rates.count(name, g.handle) for name in names]
        g.count = next((c for c in counts if c.is_over), counts[-1])
        if g.count.is_over:
            refuse(429, "Too many requests")

    def tell_rates(self, response: Response) -> Response:
        if "count" in g and self._world.ways.has_rate_headers:
            response.headers.update(g.count.headers())
        return response

    # -- the instance and its accounts

    def instance_v1(self) -> Any:
        return jsonify(self.shapes.instance_v1())

    def instance_v2(self) -> Any:
        return jsonify(self.shapes.instance_v2())

    def who(self) -> Any:
        return jsonify(self.shapes.own_account(self._world.person(g.handle)))

    def account(self, id_: str) -> Any:
        return jsonify(self.shapes.account(self._by_id(id_)))

    def search_accounts(self) -> Any:
        """By the beginning of a name, as an instance guesses; whole handles first."""
        sought = self._world.local_handle(request.args.get("q", "").strip())
        known = [p for p in self._world.store.all("person") if p["handle"].startswith(sought.partition("@")[0])]
        known.sort(key=lambda p: p["handle"] != sought)
        return jsonify([self.shapes.account(p) for p in known[: int(request.args.get("limit", "40"))]])

    def account_statuses(self, id_: str) -> Any:
        handle = self._by_id(id_)["handle"]
        hidden = () if self._world.ways.lists_own_direct else ("direct",)
        world = self._world
        docs = [
            s
            for s in world.statuses_of(handle)
            if world.readable(s) and world.may_see(g.handle, s) and s["visibility"] not in hidden
        ]
        return self._listed(docs, self.shapes.status, 20)

    def _by_id(self, id_: str) -> Doc:
        for person in self._store.all("person", lambda p: p["id"] == id_):
            return person
        raise LookupError(id_)

    # -- statuses

    def post(self) -> Any:
        key = request.headers.get("Idempotency-Key", "")
        with self._store.lock:
            known = self._world.find_by_key(g.handle, key)
            if known is None:
                asked = self._checked(posted())
                in_reply_to = str(asked.get("in_reply_to_id") or "")
                if in_reply_to and not self._world.may_see(g.handle, self._world.status(in_reply_to)):
                    raise LookupError(in_reply_to)
                known = self._world.publish(
                    g.handle,
                    asked.get("status") or "",
                    key=key,
                    in_reply_to=in_reply_to,
                    visibility=asked.get("visibility") or "public",
                    language=asked.get("language"),
                    spoiler_text=asked.get("spoiler_text"),
                    sensitive=asked.get("sensitive"),
                    media=asked.get("media_ids"),
                    application=g.token["application"],
                )
                self._world.remember_key(g.handle, key, known["id"])
            return jsonify(self.shapes.status(known))

    def _checked(self, asked: Doc) -> Doc:
        ways = self._world.ways
        text, media_ids = asked.get("status") or "", asked.get("media_ids") or []
        if asked.get("scheduled_at"):
            refuse(422, "Validation failed: scheduling is not rehearsed here")
        if not text.strip() and not media_ids:
            refuse(422, "Validation failed: Text can't be blank")
        if length_of(text) + length_of(asked.get("spoiler_text") or "") > ways.max_characters:
            refuse(ways.too_long_status, f"Validation failed: Text character limit of {ways.max_characters} exceeded")
        if asked.get("visibility", "public") not in _VISIBILITIES:
            refuse(422, "Validation failed: Visibility is not included in the list")
        if len(media_ids) > ways.max_media:
            refuse(422, f"Validation failed: Cannot attach more than {ways.max_media} files")
        for doc in map(self._own_media, media_ids):
            if self._world.is_processing(doc):
                refuse(422, "Cannot attach files that have not finished processing. Try again in a moment!")
        return asked

    def status(self, id_: str) -> Any:
        return jsonify(self.shapes.status(self._seen(id_)))

    def edit(self, id_: str) -> Any:
        asked = self._checked(posted())
        changes = {
            "text": asked.get("status") or "",
            "media": list(asked.get("media_ids") or ()),
            "spoiler_text": asked.get("spoiler_text") or "",
            "sensitive": bool(asked.get("sensitive")),
            "language": asked.get("language") or "",
        }
        return jsonify(self.shapes.status(self._world.edit_status(g.handle, id_, changes)))

    def delete(self, id_: str) -> Any:
        with self._store.lock:
            before = self.shapes.status(self._world.status(id_))
            doc = self._world.delete_status(g.handle, id_)
        del before["content"]
        return jsonify({**before, "text": doc["text"]})

    def favourite(self, id_: str) -> Any:
        return jsonify({**self.shapes.status(self._world.favour(g.handle, self._seen(id_), True)), "favourited": True})

    def unfavourite(self, id_: str) -> Any:
        return jsonify(
            {**self.shapes.status(self._world.favour(g.handle, self._seen(id_), False)), "favourited": False}
        )

    def context(self, id_: str) -> Any:
        doc = self._seen(id_)
        world = self._world
        return jsonify(ancestors=self._visible(world.ancestors(doc)), descendants=self._visible(world.descendants(doc)))

    def _visible(self, docs: Iterable[Doc]) -> list[Doc]:
        seen = [d for d in docs if self._world.readable(d) and self._world.may_see(g.handle, d)]
        return [self.shapes.status(d) for d in seen]

    def _seen(self, id_: str) -> Doc:
        doc = self._world.status(id_)
        if not self._world.may_see(g.handle, doc):
            raise LookupError(id_)
        return doc

    # -- media

    def upload(self) -> Any:
        sent = request.files.get("file")
        if sent is None:
            refuse(422, "Validation failed: File can't be blank")
            return None
        body, description = sent.read(), request.form.get("description", "")
        mime = sent.mimetype or ""
        if mime not in MIME_TYPES:
            refuse(422, "Validation failed: File content type is invalid, File is invalid")
        if mime.startswith("image/") and len(body) > self._world.ways.image_bytes:
            refuse(422, "Validation failed: File file size must be less than the limit")
        if len(description) > self._world.ways.alt_max:
            refuse(422, "Validation failed: Description is too long")
        x, _, y = request.form.get("focus", "").partition(",")
        doc = self._world.add_media(
            g.handle,
            mime=mime,
            type=mime.partition("/")[0],
            size=len(body),
            description=description,
            focus={"x": float(x), "y": float(y)} if y else {},
        )
        is_v2 = request.path.startswith("/api/v2/")
        return jsonify(self.shapes.media(doc)), 202 if is_v2 and self._world.is_processing(doc) else 200

    def media(self, id_: str) -> Any:
        doc = self._own_media(id_)
        return jsonify(self.shapes.media(doc)), 206 if self._world.is_processing(doc) else 200

    def _own_media(self, id_: str) -> Doc:
        doc = self._world.media(str(id_))
        if doc["owner"] != g.handle:
            raise LookupError(id_)
        return doc

    # -- what came in

    def notifications(self) -> Any:
        wanted, unwanted = request.args.getlist("types[]"), request.args.getlist("exclude_types[]")
        docs = self._store.all(
            "notification",
            lambda n: (
                n["for"] == g.handle
                and (not wanted or n["type"] in wanted)
                and n["type"] not in unwanted
                and self._world.readable(self._world.status(n["status"]))
            ),
        )
        return self._listed(docs, self.shapes.notification, 40)

    def conversations(self) -> Any:
        """Grouped by who takes part; paged, as on Mastodon, by the last status."""
        groups: dict[tuple[str, ...], Doc] = {}
        for doc in self._store.all("status", lambda s: s["visibility"] == "direct"):
            taking_part = {doc["author"], *doc["mentions"]}
            if g.handle in taking_part and self._world.readable(doc):
                groups[tuple(sorted(taking_part - {g.handle}))] = doc
        numbers = {others: str(n) for n, others in enumerate(groups, 1)}
        docs = [{"id": last["id"], "others": others, "last": last} for others, last in groups.items()]
        return self._listed(
            docs,
            lambda d: self.shapes.conversation(numbers[d["others"]], list(d["others"]), d["last"], g.handle),
            20,
        )

    def _listed(self, docs: list[Doc], shape: Callable[[Doc], Doc], usual: int) -> Any:
        return page_of(docs, shape, usual, honours_min_id=self._world.ways.honours_min_id)

    # -- pages

    def page(self, handle: str, id_: str) -> Any:
        """What anybody sees in a browser."""
        doc = self._world.status(id_)
        if doc["visibility"] not in ("public", "unlisted"):
            raise LookupError(id_)
        shown = self.shapes.status(doc)
        author = self._world.person(doc["author"])
        page = Markup('<!DOCTYPE html><meta charset="utf-8"><title>{}</title><h1>{} (@{})</h1><article>{}</article>')
        return page.format(handle, author["name"], author["handle"], Markup(shown["content"]))  # noqa: S704 - made here
