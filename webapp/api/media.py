"""Files: uploaded to be sent, and received with messages. What a file is, its content says;
only known pictures, sounds and films are shown in place, everything else is handed out as
a download that no browser runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime

from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.utils import secure_filename

from guichet.delivery.materials import choose, foreseen_of, ref_of
from guichet.errors import NotFound
from guichet.models import Attachment, Message
from guichet.models import Media as MediaRow
from guichet.models import Rendition as RenditionRow
from guichet.policy import Action, require
from guichet.publishing import calling_off, files, library, queries, renditions
from guichet.publishing.converting import standing_of
from guichet.publishing.drafting import words_of
from guichet.publishing.framing import Frame, recipe_of, settled
from guichet.publishing.library import FileKind
from guichet.publishing.rules import standing
from guichet.runtime import Runtime
from webapp.api.briefs import Names
from webapp.api.paging import after, cursor_of
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.files import FilmFacts, Media
from webapp.api.schemas.framing import FrameIn
from webapp.api.schemas.media import (
    FileQuery,
    FilmMaking,
    LibraryFile,
    MadeOfFile,
    MediaChange,
    MediaQuery,
    MediaUpload,
    MediaUse,
    MediaUses,
    Rendition,
    RenditionFor,
    RenditionPath,
    Renditions,
    RenditionsWanted,
)
from webapp.asking import Asked, Room
from webapp.fitting import cut_file, keep_file, make_renditions, stored_bytes

room = Room("media")
_SENDING = ("publish", "answer")
_SHOWN_IN_PLACE = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/webm", "audio/mpeg"}
)


@room.post("/media", Media, scope=_SENDING, status=201, own_units=True)
def upload_media(asked: Asked, form: MediaUpload) -> Media:
    """Upload a file to attach to posts and answers, as one's own or into a brand's library."""
    found = files.examine(form.file.stream.read(), form.file.filename or "")
    return keep_found(asked, found, alt=form.alt, brand_id=form.brand_id)


def keep_found(asked: Asked, found: files.Found, *, alt: str = "", brand_id: int | None = None) -> Media:
    """Keep a file that was examined; how it is shown."""
    media_id = keep_file(asked, found, alt=alt, brand_id=brand_id)
    with asked.open_unit() as session:
        return show_media(files.get_media(session, asked.actor, media_id))


@room.get("/media", Page[LibraryFile], scope=("read", "publish"))
def list_media(asked: Asked, query: MediaQuery) -> Page[LibraryFile]:
    """Files that one may see, the newest first: one's own, those of the posts one sees and,
    for who may write posts there, the libraries of brands."""
    rows = library.list_files(
        asked.session, asked.actor, brand_id=query.brand_id, kind=FileKind(query.kind) if query.kind else None,
        text=query.q, uploaded_by=query.uploaded_by, unused=query.unused, before=after(query.cursor),
        limit=query.limit + 1,
    )  # fmt: skip
    shown = rows[: query.limit]
    more = cursor_of(shown[-1].id) if len(rows) > query.limit else None
    return Page(items=_library(asked, asked.session, shown), next_cursor=more)


@room.get("/media/<int:id>", LibraryFile)
def get_media(asked: Asked, path: IdPath) -> LibraryFile:
    """What is known of a file."""
    return _library(asked, asked.session, [files.get_media(asked.session, asked.actor, path.id)])[0]


@room.get("/media/<int:id>/uses", MediaUses, scope=("read", "publish"))
def list_media_uses(asked: Asked, path: IdPath) -> MediaUses:
    """Where a file is used."""
    session, actor = asked.session, asked.actor
    uses = library.uses_of(session, actor, files.get_media(session, actor, path.id))
    sent = queries.deliveries_of(session, actor, [p.id for p in uses.posts])
    posts = [
        MediaUse(
            post_id=p.id, text=words_of(p).text, state=standing(p.state, [d.state for d in sent[p.id]]), due_at=p.due_at
        )
        for p in uses.posts
    ]  # fmt: skip
    return MediaUses(posts=posts, more=uses.more, answers=uses.answers)


@room.patch("/media/<int:id>", LibraryFile, scope=_SENDING)
def change_media(asked: Asked, path: IdPath, body: MediaChange) -> LibraryFile:
    """Say what it shows, for those who cannot see it; share it with a brand, or no longer."""
    row = files.get_media(asked.session, asked.actor, path.id)
    if body.alt is not None:
        files.describe(asked.session, asked.actor, row, body.alt, asked.networks.specs(), asked.now)
    if body.brand_id is not None:
        library.share(asked.session, asked.actor, row, body.brand_id or None, asked.now)
    return _library(asked, asked.session, [row])[0]


@room.delete("/media/<int:id>", Done, scope=_SENDING, own_units=True)
def delete_media(asked: Asked, path: IdPath) -> Done:
    """Take a file away that nothing holds."""
    with asked.open_unit() as session:
        keys = library.remove(session, asked.actor, files.get_media(session, asked.actor, path.id), asked.now)
    for key in keys:
        asked.runtime.store.delete(key)
    return Done()


def _library(asked: Asked, session: Session, rows: Sequence[MediaRow]) -> list[LibraryFile]:
    actor = asked.actor
    names = Names(session).load(people=[r.uploaded_by for r in rows], brands=[r.brand_id for r in rows])
    rights = library.rights_on(session, actor, rows)
    posts = library.count_posts(session, [r.id for r in rows])
    return [
        LibraryFile(
            **show_media(row).model_dump(),
            brand=names.brand(row.brand_id),
            uploaded_by=names.person(row.uploaded_by),
            created_at=row.created_at,
            thumbnail_url=f"/api/v1/media/{row.id}/file?small=true",
            posts=posts.get(row.id, 0),
            may=[deed.value for deed in rights[row.id]],
        )
        for row in rows
    ]


FILE = {
    "description": "The file",
    "content": {kind: {} for kind in (*sorted(_SHOWN_IN_PLACE), "application/octet-stream")},
}


@room.get("/media/<int:id>/file", FILE)
def get_media_file(asked: Asked, path: IdPath, query: FileQuery) -> Response:
    """The file itself, or what was made from it."""
    row = files.get_media(asked.session, asked.actor, path.id)
    made = _made(asked, row, query)
    if made is not None:
        return serve_file(asked.runtime, made.storage_key, made.mime, row.filename)
    return serve_file(asked.runtime, row.storage_key, row.mime, row.filename)


def _made(asked: Asked, row: MediaRow, query: FileQuery) -> RenditionRow | None:
    if query.rendition is not None:
        made = renditions.get_rendition(asked.session, asked.actor, row, query.rendition)
        if not made.is_made:
            raise NotFound("this film is still to be made")
        return made
    if query.poster:
        found = renditions.find_poster(asked.session, asked.actor, row)
        if found is None:
            raise NotFound("no picture of this film is known")
        return found
    return renditions.find_thumbnail(asked.session, asked.actor, row) if query.small else None


@room.post("/media/<int:id>/renditions", Renditions, scope=_SENDING, own_units=True)
def make_media_renditions(asked: Asked, path: IdPath, body: RenditionsWanted) -> Renditions:
    """Make of a picture what a post shows of it, and what these accounts take where their networks
    would refuse it. What cannot be made, their refusal stands."""
    frame = frame_given(body.frame) if body.frame else None
    make_renditions(asked, path.id, body.account_ids, frame)
    with asked.open_unit() as session:
        row = files.get_media(session, asked.actor, path.id)
        made = foreseen_of(session, [row.id])
        shown = settled(frame, row.mime, row.width, row.height) if frame else None
        recipe = recipe_of(shown, row.width, row.height)
        cut = made.get((row.id, recipe))
        items = _made_of_file(asked, session, row).items
        accounts = renditions.writing_accounts(session, asked.actor, body.account_ids) if body.account_ids else []
        now = asked.now
        return Renditions(
            items=items, cut=show_rendition(cut, now) if cut else None,
            accounts=[
                RenditionFor(account_id=account.id, surface=surface.value, **show_rendition(found, now).model_dump())
                for account in accounts
                for surface, limit in renditions.limits_on(account, asked.networks.specs()).items()
                if (found := choose(ref_of(row), recipe, limit, made))
            ],
        )  # fmt: skip


@room.get("/media/<int:id>/renditions", MadeOfFile, scope=("read", "publish"))
def list_media_renditions(asked: Asked, path: IdPath) -> MadeOfFile:
    """What was made of a file for networks, and what is being made."""
    return _made_of_file(asked, asked.session, files.get_media(asked.session, asked.actor, path.id))


@room.post("/media/<int:id>/renditions/<int:rendition_id>/cancel", MadeOfFile, scope=_SENDING)
def cancel_media_rendition(asked: Asked, path: RenditionPath) -> MadeOfFile:
    """Call off the making of a film."""
    return _on_film(asked, path, calling_off.cancel)


@room.post("/media/<int:id>/renditions/<int:rendition_id>/retry", MadeOfFile, scope=_SENDING)
def retry_media_rendition(asked: Asked, path: RenditionPath) -> MadeOfFile:
    """Make a film once more that failed, or was called off."""
    return _on_film(asked, path, calling_off.retry)


def _on_film(asked: Asked, path: RenditionPath, act: Callable[..., None]) -> MadeOfFile:
    session, actor = asked.session, asked.actor
    row = files.get_media(session, actor, path.id)
    act(session, actor, row, renditions.get_rendition(session, actor, row, path.rendition_id), asked.now)
    return _made_of_file(asked, session, row)


def _made_of_file(asked: Asked, session: Session, row: MediaRow) -> MadeOfFile:
    made = renditions.list_renditions(session, asked.actor, row)
    return MadeOfFile(items=[show_rendition(r, asked.now) for r in made])


@room.post("/media/<int:id>/cut", LibraryFile, scope=_SENDING, status=201, own_units=True)
def cut_media(asked: Asked, path: IdPath, body: FrameIn) -> LibraryFile:
    """Keep what is cut out of a picture as a file of its own, beside it."""
    made = cut_file(asked, path.id, frame_given(body))
    with asked.open_unit() as session:
        return _library(asked, session, [files.get_media(session, asked.actor, made)])[0]


def frame_given(body: FrameIn) -> Frame:
    """The frame that a request describes."""
    focus = (body.focus.x, body.focus.y) if body.focus else None
    return Frame(body.turn, body.left, body.top, body.width, body.height, focus)


def url_of(row: RenditionRow) -> str:
    return f"/api/v1/media/{row.media_id}/file?rendition={row.id}"


def show_rendition(row: RenditionRow, now: datetime) -> Rendition:
    making = standing_of(row, now)
    return Rendition(
        id=row.id, film=FilmFacts(**row.film) if row.film else None,
        making=FilmMaking(**asdict(making)) if making else None, media_id=row.media_id, url=url_of(row), mime=row.mime,
        size=row.size, width=row.width, height=row.height,
    )  # fmt: skip


@room.get("/attachments/<int:id>", FILE)
def get_attachment(asked: Asked, path: IdPath) -> Response:
    """A file that came with a message, as long as the message is there to be seen."""
    row = asked.session.get(Attachment, path.id)
    message = asked.session.get(Message, row.message_id) if row else None
    if row is None or message is None or not row.storage_key:
        raise NotFound("there is no such file, or it is not yours to see")
    require(asked.actor, Action.CONVERSATION_VIEW, message)
    if message.deleted_at is not None or message.direction == "taken_back":
        raise NotFound("there is no such file, or it is not yours to see")
    response = serve_file(asked.runtime, row.storage_key, row.mime, row.filename)
    # Taken back, or no longer one's own to see: a browser asks each time, and is told that it has it.
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(hashlib.sha256(row.storage_key.encode()).hexdigest()[:32])
    response.make_conditional(request)
    return response


def serve_file(runtime: Runtime, key: str, mime: str, filename: str) -> Response:
    """A stored file, as nothing that a browser would run. Raises NotFound."""
    data = stored_bytes(runtime.store, key)
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
        film=FilmFacts(**row.film) if row.film else None,
        poster_url=f"/api/v1/media/{row.id}/file?poster=true" if row.film else None,
    )
