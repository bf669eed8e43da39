"""Films on Bluesky: a service of its own makes them ready before the post that shows them, so that
nobody reads a post with a hole in it. It is signed in to by a token that our own server gives for
just this, and stores what it made on our server.
Source: docs.bsky.app/docs/tutorials/video, lexicons app.bsky.video.*.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from channels.bluesky.xrpc import Server, object_in, text_in
from channels.contract import JSON, MediaItem
from channels.errors import Rejected, Unavailable
from channels.sentences import say
from channels.wire import Wire

VIDEO_HOST = "video.bsky.app"
_TOKEN_SECONDS = 30 * 60  # as the service's own guide asks for: it stores the film with it at the end
_WAITS = (0.2, 0.5, 1, 2, 3, *(4,) * 20)  # seconds; some 90 in all


class VideoService:
    """The service, on behalf of one account."""

    def __init__(self, server: Server, did: str, wire: Wire, waits: Sequence[float] = _WAITS) -> None:
        self._server, self._did, self._wire, self._waits = server, did, wire, waits

    def upload(self, item: MediaItem) -> JSON:
        """Hand the film over and wait until it can be shown; returns the reference to put into a
        record. Raises Rejected where the service cannot use it, Unavailable where it takes too long."""
        until = int(time.time()) + _TOKEN_SECONDS
        params = {"aud": self._audience(), "lxm": "com.atproto.repo.uploadBlob", "exp": until}
        token = text_in(self._server.query("com.atproto.server.getServiceAuth", params), "token")
        service = Server(f"https://{VIDEO_HOST}", self._wire, token)
        answer = service.send_film(item.open(), item.mime, self._did, quote(f"{item.sha256[:32]}.mp4"))
        job = _job_in(answer)
        for seconds in self._waits:
            if job.get("state") == "JOB_STATE_COMPLETED" and isinstance(job.get("blob"), dict):
                return object_in(job, "blob")
            if job.get("state") == "JOB_STATE_FAILED":
                words = str(job.get("message") or job.get("error") or "")[:300]
                raise Rejected(
                    say("Bluesky cannot use this film: {words}", words=words), code="media_processing_failed"
                )
            time.sleep(seconds)
            job = _job_in(service.query("app.bsky.video.getJobStatus", {"jobId": text_in(job, "jobId")}))
        raise Unavailable("Bluesky is still working on the film", code="media_processing")

    def _audience(self) -> str:
        """Our own server as the token names it: what the account says of itself, else its address."""
        session = self._server.query("com.atproto.server.getSession")
        documents = session.get("didDoc")
        services = documents.get("service", ()) if isinstance(documents, Mapping) else ()
        homes = [s for s in services if isinstance(s, Mapping) and str(s.get("id", "")).endswith("#atproto_pds")]
        address = str(homes[0].get("serviceEndpoint", "")) if homes else self._server.base_url
        return f"did:web:{urlsplit(address).hostname or ''}"


def _job_in(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The service wraps the state of a job in some answers and not in others."""
    job = answer.get("jobStatus")
    return job if isinstance(job, Mapping) else answer
