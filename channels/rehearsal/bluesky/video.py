"""The service that makes films ready, beside the accounts' own server: it believes a token that
this server gave for it, works at a film for a while, and then hands out what a post may show."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import request

from channels.rehearsal.bluesky.repo import Repo
from channels.rehearsal.bluesky.rules import MOST_FILM_BYTES, XrpcError, invalid
from channels.rehearsal.bluesky.sessions import Sessions
from channels.rehearsal.store import Doc, Store

_UPLOADS = "com.atproto.repo.uploadBlob"


class Films:
    """Films that are being made ready. `processing`: the seconds that it takes."""

    def __init__(self, store: Store, repo: Repo, sessions: Sessions) -> None:
        self._store, self._repo, self._sessions = store, repo, sessions
        self.processing = 0.0

    def reads(self) -> dict[str, Callable[[], Doc]]:
        return {"com.atproto.server.getServiceAuth": self._token, "app.bsky.video.getJobStatus": self._status}

    def writes(self) -> dict[str, Callable[[], Doc]]:
        return {"app.bsky.video.uploadVideo": self._upload}

    def _token(self) -> Doc:
        did, _ = self._sessions.who(request.headers.get("Authorization", ""))
        audience, method = request.args.get("aud", ""), request.args.get("lxm", "")
        until = int(request.args.get("exp", time.time() + 60))
        if not audience.startswith("did:web:") or len(audience) == len("did:web:"):
            raise invalid("Error: aud must be a did")
        if until > time.time() + 3600:
            raise invalid("expiration time is too far in the future", "BadExpiration")
        return {"token": self._sessions.serve(did, audience, method, until)}

    def _caller(self) -> str:
        return self._sessions.served(request.headers.get("Authorization", ""), _UPLOADS)

    def _upload(self) -> Doc:
        did = self._caller()
        if request.args.get("did") != did:
            raise XrpcError(401, "InvalidToken", "the token is another account's")
        if request.headers.get("Content-Type") != "video/mp4":
            raise invalid("only video/mp4 is accepted")
        data = request.get_data()
        if len(data) > MOST_FILM_BYTES:
            raise invalid("This file is too large")
        number = f"job{len(self._store.all('film')) + 1}"
        is_film = data[4:8] == b"ftyp"
        blob = self._repo.upload(data, "video/mp4") if is_film else None
        doc = {"id": number, "did": did, "blob": blob, "ready_at": time.time() + self.processing}
        return self._shown(self._store.put("film", number, doc))

    def _status(self) -> Doc:
        doc = self._store.get("film", request.args.get("jobId", ""))
        if doc is None or doc["did"] != self._caller():
            raise invalid("Job not found")
        return {"jobStatus": self._shown(doc)}

    @staticmethod
    def _shown(doc: Doc) -> Doc:
        known = {"jobId": doc["id"], "did": doc["did"]}
        if time.time() < doc["ready_at"]:
            return {**known, "state": "JOB_STATE_ENCODING", "progress": 50}
        if doc["blob"] is None:
            return {**known, "state": "JOB_STATE_FAILED", "error": "invalid", "message": "not a valid video"}
        return {**known, "state": "JOB_STATE_COMPLETED", "progress": 100, "blob": doc["blob"]}
