"""Files: uploaded to be sent, and received with messages. What a file is, its content says;
only known pictures, sounds and films are shown in place, everything else is handed out as
a download that no browser runs."""

from __future__ import annotations

from flask import Response
from werkzeug.utils import secure_filename

from guichet.errors import NotFound
from guichet.models import Attachment, Message
from guichet.models import Media as MediaRow
from guichet.policy import Action, require
from guichet.publishing import files
from guichet.runtime import Runtime
from webapp.api.schemas.common import IdPath
from webapp.api.schemas.publishing import Media, MediaChange, MediaUpload
from webapp.asking import Asked, Room

room = Room("media")
_SENDING = ("publish", "answer")
_SHOWN_IN_PLACE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "audio/mpeg"})


@room.post("/media", Media, scope=_SENDING, status=201, own_units=True)
def upload_media(asked: Asked, form: MediaUpload) -> Media:
    """Upload a file to attach to posts and answers."""
    found = files.examine(form.file.stream.read(), form.file.filename or "")
    key = asked.runtime.store.put(found.data)
    with asked.open_unit() as session:
        row = files.add_media(session, asked.actor, found, storage_key=key, alt=form.alt, now=asked.now)
        return show_media(row)


@room.get("/media/<int:id>", Media)
def get_media(asked: Asked, path: IdPath) -> Media:
    """What is known of a file."""
    return show_media(files.get_media(asked.session, asked.actor, path.id))


@room.patch("/media/<int:id>", Media, scope=_SENDING)
def change_media(asked: Asked, path: IdPath, body: MediaChange) -> Media:
    """Say what it shows, for those who cannot see it."""
    row = files.get_media(asked.session, asked.actor, path.id)
    files.describe(asked.session, asked.actor, row, body.alt, asked.networks.specs(), asked.now)
    return show_media(row)


FILE = {
    "description": "The file",
    "content": {kind: {} for kind in (*sorted(_SHOWN_IN_PLACE), "application/octet-stream")},
}


@room.get("/media/<int:id>/file", FILE)
def get_media_file(asked: Asked, path: IdPath) -> Response:
    """The file itself."""
    row = files.get_media(asked.session, asked.actor, path.id)
    return serve_file(asked.runtime, row.storage_key, row.mime, row.filename)


@room.get("/attachments/<int:id>", FILE)
def get_attachment(asked: Asked, path: IdPath) -> Response:
    """A file that came with a message."""
    row = asked.session.get(Attachment, path.id)
    message = asked.session.get(Message, row.message_id) if row else None
    if row is None or message is None or not row.storage_key:
        raise NotFound("there is no such file, or it is not yours to see")
    require(asked.actor, Action.CONVERSATION_VIEW, message)
    return serve_file(asked.runtime, row.storage_key, row.mime, row.filename)


def serve_file(runtime: Runtime, key: str, mime: str, filename: str) -> Response:
    """A stored file, as nothing that a browser would run. Raises NotFound."""
    try:
        data = runtime.store.get(key)
    except FileNotFoundError:
        raise NotFound("the file is no longer there") from None
    in_place = mime in _SHOWN_IN_PLACE
    response = Response(data, mimetype=mime if in_place else "application/octet-stream")
    name = secure_filename(filename) or "file"
    response.headers["Content-Disposition"] = f'{"inline" if in_place else "attachment"}; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def show_media(row: MediaRow) -> Media:
    return Media(
        id=row.id,
        url=f"/api/v1/media/{row.id}/file",
        name=row.filename,
        mime=row.mime,
        size=row.size,
        width=row.width,
        height=row.height,
        alt=row.alt,
        sha256=row.sha256,
    )
