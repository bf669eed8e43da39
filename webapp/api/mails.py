"""Mails as they look: the page that stands in a frame of ours, and its pictures.

The page is harmless three times over: cleaned, in a frame whose sandbox runs nothing, and under
a policy of its own that loads nothing from anywhere. Pictures are put into it by the page around it."""

from __future__ import annotations

from flask import Response, render_template
from pydantic import Field

from guichet.receiving import layouts
from guichet.receiving.redrawing import MIME
from webapp.api.schemas.common import Id, IdPath, In
from webapp.api.schemas.mail import MailPicture, MailPictures
from webapp.asking import Asked, Room
from webapp.mail_pictures import address_of, get_picture

room = Room("mails")
# As the frame's own sandbox (MailFrame.svelte): links open elsewhere, nothing runs. That it is of
# our origin lets the page around it measure it and put pictures in; it has nothing to use it with.
_SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src blob:; base-uri 'none'; form-action 'none'; "
    f"frame-ancestors 'self'; sandbox {_SANDBOX}"
)
_PAGE = {"description": "A page for a frame without scripts", "content": {"text/html": {}}}
_PICTURE = {"description": "The picture, drawn anew", "content": {MIME: {}}}


class MailPath(IdPath):
    """A conversation and a mail of it, or beside it."""

    message_id: Id = Field()


class PicturePath(MailPath):
    """One of a mail's pictures."""

    place: int = Field(ge=0, le=1000)


class Signed(In):
    """What makes an address one that was given out here."""

    signature: str = Field("", max_length=100)


@room.get("/conversations/<int:id>/messages/<int:message_id>/formatted", _PAGE)
def get_formatted(asked: Asked, path: MailPath) -> Response:
    """A mail as it looks, without its pictures: each has its place, and what it shows in words."""
    shown = layouts.get_shown(asked.session, asked.actor, path.id, path.message_id)
    message = shown.message
    page = render_template(
        "mail.html", html=shown.html, is_coloured=shown.is_coloured, title=message.subject, language=message.language
    )  # fmt: skip
    response = Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@room.get("/conversations/<int:id>/messages/<int:message_id>/pictures", MailPictures)
def list_mail_pictures(asked: Asked, path: MailPath) -> MailPictures:
    """The pictures that a mail shows, each with the address at which one gets it."""
    shown = layouts.get_shown(asked.session, asked.actor, path.id, path.message_id)
    items = [
        MailPicture(
            place=place, url=address_of(asked, shown, place), remote=bool(one.address),
            attachment_id=shown.files[place].id if place in shown.files else None,
        )
        for place, one in shown.pictures.items()
    ]  # fmt: skip
    return MailPictures(items=items)


@room.get(
    "/conversations/<int:id>/messages/<int:message_id>/pictures/<int:place>", _PICTURE, own_units=True
)  # fmt: skip
def get_mail_picture(asked: Asked, path: PicturePath, query: Signed) -> Response:
    """A picture of a mail, at the address that was given to who asks. What stands elsewhere is loaded
    by us, kept for a week, and given as a picture of our own making."""
    response = Response(get_picture(asked, path.id, path.message_id, path.place, query.signature), mimetype=MIME)
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response
