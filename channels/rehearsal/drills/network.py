"""A profile, served: plain addresses in front of its world, and its manners.

POST /sessions, GET /me, POST /media                       signing in, uploading
POST /posts                                                one step; a draft where the profile has drafts
GET /posts?slug=, POST /posts/ID                           finding a draft, publishing it
POST /containers, GET /containers/ID, POST /publish        two steps
GET /posts?before=, GET, DELETE /posts/ID                  reading and taking down
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, abort, g, jsonify, request

from channels.rehearsal.drills.world import DrillWorld
from channels.rehearsal.store import Doc

_PAGE = 40
_DUPLICATE = "DUPLICATE_POST"  # LinkedIn's word, with a URN that may name a ghost
_FAILED_THOUGH_OUT = 2207051  # Instagram's: "publishing failed", and it is live


class DrillNetwork(DrillWorld):
    """One profile on loopback."""

    def routes(self, app: Flask) -> None:
        app.register_error_handler(LookupError, lambda _: _refusal(404, "not there"))
        app.post("/sessions")(self._sign_in)
        table: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", "/me", lambda: jsonify(_person(g.person))),
            ("POST", "/media", self._upload),
            ("DELETE", "/posts/<id_>", self._delete),
        ]
        if self.manners.steps == "one":
            table.append(("POST", "/posts", self._publish_post))
        elif self.manners.steps == "container":
            table.append(("POST", "/containers", lambda: (jsonify(id=self.make(self._content())["id"]), 201)))
            table.append(("GET", "/containers/<id_>", self._container))
            table.append(("POST", "/publish", self._publish_container))
        else:
            table.append(("POST", "/posts", self._draft))
            table.append(("POST", "/posts/<id_>", self._publish_draft))
        if self.manners.is_readable:
            table += [("GET", "/posts", self._list), ("GET", "/posts/<id_>", self._read)]
        for method, path, view in table:
            app.add_url_rule(path, f"{method} {path}", self._signed_in(view), methods=[method])

    # -- who is asking

    def _signed_in(self, view: Callable[..., Any]) -> Callable[..., Any]:
        def checked(**args: Any) -> Any:
            person = self.holder_of(request.headers.get("Authorization", "").removeprefix("Bearer "))
            if person is None:
                return _refusal(401, "this token holds no more")
            g.person, g.handle = person, person["handle"]
            return view(**args)

        return checked

    def _sign_in(self) -> Any:
        asked = request.get_json(force=True)
        try:
            token = self.open_session(str(asked.get("handle")), str(asked.get("password")))
        except LookupError as e:
            return _refusal(401, str(e))
        return jsonify(token=token), 201

    # -- what nobody sees yet

    def _upload(self) -> Any:
        sent = request.files.get("file")
        if sent is None:
            return _refusal(422, "no file was sent")
        facts = {"mime": sent.mimetype, "size": len(sent.read()), "alt": request.form.get("alt", "")}
        return jsonify(id=self.add_media(g.handle, **facts)["id"]), 201

    def _content(self) -> Doc:
        asked = request.get_json(force=True)
        text, in_reply_to = str(asked.get("text") or ""), str(asked.get("in_reply_to") or "")
        media = [str(m) for m in asked.get("media") or ()]
        if len(text) > self.manners.max_characters or not (text or media):
            abort(_refusal(422, "the text is empty or too long"))
        if not all(self.find_media(g.handle, m) for m in media):
            abort(_refusal(422, "no such upload"))
        if in_reply_to:
            self.post(in_reply_to)
        return {"author": g.handle, "text": text, "in_reply_to": in_reply_to, "media": media}

    def _draft(self) -> Any:
        return jsonify(_draft(self.make(self._content(), str(request.get_json().get("slug") or "")))), 201

    def _container(self, id_: str) -> Any:
        made = self.find_made(g.handle, id_)
        if made is None:
            return jsonify(status="EXPIRED")
        state = "PUBLISHED" if made["post"] else "IN_PROGRESS" if self.is_processing(made) else "FINISHED"
        return jsonify(status=state)  # without the post's id, as Instagram has it

    # -- publishing

    def _publish(self, do: Callable[[], Doc]) -> Any:
        """Publish, and answer by the profile's lies."""
        lie = self.next_lie(g.handle)
        if lie == "duplicate":
            return _refusal(422, "urn:drill:0 says the same", _DUPLICATE)
        post = do()
        if lie == "error":
            return _refusal(400, "publishing failed", _FAILED_THOUGH_OUT)
        return jsonify(_post(post)), 201

    def _publish_post(self) -> Any:
        content = self._content()
        return self._publish(lambda: self.publish(content))

    def _publish_container(self) -> Any:
        made = self.find_made(g.handle, str(request.get_json(force=True).get("container")))
        if made is None:
            return _refusal(404, "no such container")
        if made["post"]:
            return _refusal(400, "it is published already", "ALREADY_PUBLISHED")
        if self.is_processing(made):
            return _refusal(400, "it is not ready", "NOT_READY")
        return self._publish(lambda: self.publish_made(made["id"]))

    def _publish_draft(self, id_: str) -> Any:
        if request.get_json(force=True).get("status") != "publish":
            return _refusal(422, "a draft can only be published")
        if self.find_made(g.handle, id_) is None:
            return _refusal(404, "no such post")
        return self._publish(lambda: self.publish_made(id_))

    # -- reading and taking down

    def _list(self) -> Any:
        if "slug" in request.args:
            slug = request.args["slug"]
            return jsonify([_draft(d) for d in self.made() if d["author"] == g.handle and d["slug"] == slug])
        before = request.args.get("before", type=int)
        docs = [d for d in self.posts_of(g.handle) if before is None or int(d["id"]) < before]
        return jsonify([_post(d) for d in docs[:_PAGE]])

    def _read(self, id_: str) -> Any:
        made = self.find_made(g.handle, id_)
        if made is not None and not made["post"]:
            return jsonify(_draft(made))
        doc = self.post(id_)
        return jsonify(_post(doc)) if self.readable(doc) else _refusal(404, "not there")

    def _delete(self, id_: str) -> Any:
        made = self.find_made(g.handle, id_)
        if made is not None and self.manners.steps == "draft":
            self.drop_made(id_)
            if not made["post"]:
                return "", 204
        self.take_down(g.handle, id_)
        return "", 204


def _refusal(status: int, message: str, code: str | int = "") -> Any:
    response = jsonify(error={"message": message, "code": code})
    response.status_code = status
    return response


def _person(person: Doc) -> Doc:
    return {"handle": person["handle"], "name": person["name"]}


def _draft(made: Doc) -> Doc:
    return {"id": made["id"], "slug": made["slug"], "status": "publish" if made["post"] else "draft"}


def _post(doc: Doc) -> Doc:
    shown = {name: doc[name] for name in ("id", "text", "in_reply_to", "created_at")}
    return {**shown, "status": "publish", "media": len(doc["media"]), "url": f"{request.host_url}posts/{doc['id']}"}
