"""The page for reviewers from outside: plain HTML, no script, no account.

Their link is a secret in an address, and addresses get around: it is exchanged at once for
a cookie that only this page gets, so that it stands in no later address, no referrer and no
log of ours. Opening it does nothing but show; deciding takes the form's own token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_date, format_time
from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.exceptions import TooManyRequests
from wtforms import HiddenField, TextAreaField
from wtforms.validators import AnyOf, Length

from channels import registry
from guichet.delivery.states import State
from guichet.errors import GuichetError, Invalid, NotFound
from guichet.models import Account, Delivery, Media, Post, PostComment, ReviewLink
from guichet.publishing import approving, commenting, queries, review_links
from guichet.publishing.chains import accounts_of, deliveries_of
from guichet.publishing.reviewing import Turns, open_reviews
from guichet.publishing.rules import zone_of
from guichet.runtime import Runtime
from webapp.api.media import serve_file
from webapp.auth import address
from webapp.gate import policy
from webapp.languages import LANGUAGES, know_language, opening
from webapp.signed_addresses import is_signed
from webapp.throttle import PER_ADDRESS

pages = Blueprint("reviewing", __name__)
SHOWN_KINDS = ("post", "thread_item", "first_comment")


class DecideForm(FlaskForm):  # type: ignore[misc]
    """What somebody says about one post: which content they read stands in `hashes`."""

    post_id = HiddenField(validators=[Length(max=20)])
    hashes = HiddenField(validators=[Length(max=20_000)])
    choice = HiddenField(validators=[AnyOf(("approve", "reject", "comment"))])
    text = TextAreaField(validators=[Length(max=commenting.LONGEST)])


@dataclass(frozen=True)
class Shown:
    """One account as it gets the post: the very payloads that will be sent."""

    account: Account
    parts: list[dict[str, Any]]
    when: str
    network: str
    asks: bool
    state: str
    content_hash: str


def add_to(app: Flask, runtime: Runtime) -> None:
    app.register_blueprint(pages)


def _cookie(runtime: Runtime, link_id: int) -> str:
    return f"{'__Secure-' if runtime.settings.secure else ''}guichet-review-{link_id}"


@pages.get("/review/<row:link_id>/<token>")
@policy(public=True)
def enter(link_id: int, token: str) -> ResponseReturnValue:
    """Exchange the address for a cookie."""
    runtime = _runtime()
    secret, _dot, signature = token.rpartition(".")
    if not is_signed(runtime, "review", link_id, secret, signature):
        _count_try()
        raise _nowhere()
    with runtime.unit() as unit:
        link = review_links.find_link(unit.session, link_id, secret, runtime.now())
        link.opened_at = link.opened_at or runtime.now()
        life = max(1, int((link.expires_at - runtime.now()).total_seconds()))
    response = redirect(f"/review/{link_id}", 303)
    response.set_cookie(
        _cookie(runtime, link_id), secret, max_age=life, path=f"/review/{link_id}", httponly=True, samesite="Lax",
        secure=runtime.settings.secure,
    )  # fmt: skip
    return response


@pages.get("/review/<row:link_id>")
@policy(public=True)
def show(link_id: int) -> ResponseReturnValue:
    runtime = _runtime()
    with runtime.reading() as session:
        link = _link(session, runtime, link_id)
        return _page(session, link, runtime.now())


@pages.post("/review/<row:link_id>")
@policy(public=True)
def decide(link_id: int) -> ResponseReturnValue:
    runtime = _runtime()
    now, form = runtime.now(), DecideForm()
    with runtime.reading() as session:
        link = _link(session, runtime, link_id)
        if not form.validate():
            said = _("The form was not complete, or had expired. Please try again.")
            return _page(session, link, now, said, form.text.data or "", 400)
    try:
        with runtime.unit() as unit:
            _carry_out(unit.session, _link(unit.session, runtime, link_id), form, now)
    except GuichetError as e:
        with runtime.reading() as session:
            link = _link(session, runtime, link_id)
            return _page(session, link, now, opening(e.message), form.text.data or "", 409)
    return redirect(f"/review/{link_id}", 303)


@pages.get("/review/<row:link_id>/media/<row:media_id>")
@policy(public=True)
def file(link_id: int, media_id: int) -> Response:
    """A file of one of the posts, and no other."""
    runtime = _runtime()
    with runtime.reading() as session:
        link = _link(session, runtime, link_id)
        for post in review_links.posts_of(session, link):
            for delivery in _going_out(session, post):
                picture = delivery.payload.get("card", {}).get("picture")
                for media in (*delivery.payload["media"], *([picture] if picture else [])):
                    if media["media_id"] == media_id:
                        if not media["sha256"]:  # a film that is still to be made: what it is made from
                            row = session.get_one(Media, media_id)
                            return serve_file(runtime, row.storage_key, row.mime, row.filename)
                        return serve_file(runtime, media["storage_key"], media["mime"], media["filename"])
    raise NotFound("there is no such file, or it is not yours to see")


def _carry_out(session: Session, link: ReviewLink, form: DecideForm, now: datetime) -> None:
    guest, text = review_links.guest_of(link), (form.text.data or "").strip()
    post = next((p for p in review_links.posts_of(session, link) if str(p.id) == form.post_id.data), None)
    if post is None:
        raise NotFound("there is no such post, or it is not yours to see")
    read = (form.hashes.data or "").split()
    if form.choice.data == "comment":
        commenting.comment(session, guest, post, text, now, link_id=link.id)
    elif form.choice.data == "approve":
        approving.approve(session, guest, post, now, reason=text, only=read, link_id=link.id)
    else:
        if not text:
            raise Invalid("say what should be otherwise", {"text": "is needed"})
        approving.reject(session, guest, post, text, now, only=read, link_id=link.id)


def _page(
    session: Session, link: ReviewLink, now: datetime, problem: str = "", kept: str = "", status: int = 200
) -> Response:
    if request.args.get("lang") not in LANGUAGES:
        know_language(link.locale)
    turns, guest = Turns(session, now), review_links.guest_of(link)
    decided = review_links.decided_by(session, link)
    shown = []
    for post in review_links.posts_of(session, link):
        accounts = _shown(session, post, turns, link)
        said = [(c, _who(session, c)) for c in commenting.list_comments(session, guest, post)]
        form = DecideForm(formdata=None, post_id=str(post.id), hashes=" ".join(a.content_hash for a in accounts))
        shown.append((post, accounts, said, form, decided.get(post.id, "")))
    asked_for = request.form.get("post_id", "")
    page = render_template(
        "review.html", link=link, shown=shown, problem=problem, kept=kept, asked_for=asked_for,
        until=_told_time(link.expires_at, "UTC"),
    )  # fmt: skip
    return make_response(page, status)


def _shown(session: Session, post: Post, turns: Turns, link: ReviewLink) -> list[Shown]:
    accounts, guest = accounts_of(session, post), review_links.guest_of(link)
    reviews = {r.account_id: r for r in open_reviews(session, [post.id])}
    titles = registry.specs_by_name()
    chains: dict[int, list[Delivery]] = {}
    for delivery in _going_out(session, post):
        chains.setdefault(delivery.account_id, []).append(delivery)
    found = []
    for account_id, chain in chains.items():
        review = reviews.get(account_id)
        asks = review is not None and review.state == "waiting" and turns.may_decide(guest, review, post)
        parts = [{**d.payload, "kind": d.kind} for d in sorted(chain, key=lambda d: d.item)]
        when = _told_time(chain[0].due_at, post.time_zone)
        state = review.state if review is not None else ""
        network = titles[accounts[account_id].network].title if accounts[account_id].network in titles else ""
        found.append(Shown(accounts[account_id], parts, when, network, asks, state, chain[0].content_hash))
    return found


def _going_out(session: Session, post: Post) -> list[Delivery]:
    return [d for d in deliveries_of(session, post) if d.state != State.CANCELLED and d.kind in SHOWN_KINDS]


def _who(session: Session, comment: PostComment) -> str:
    if comment.link_id is not None:
        return session.get_one(ReviewLink, comment.link_id).name
    return queries.name_of(session, comment.staff_id)


def _told_time(at: datetime, zone: str) -> str:
    locale, local = str(get_locale() or "en"), at.astimezone(zone_of(zone))
    city = zone.rpartition("/")[2].replace("_", " ")
    return f"{format_date(local, 'full', locale=locale)}, {format_time(local, 'short', locale=locale)} ({city})"


def _link(session: Session, runtime: Runtime, link_id: int) -> ReviewLink:
    secret = request.cookies.get(_cookie(runtime, link_id), "")
    if not secret:
        raise _nowhere()
    return review_links.find_link(session, link_id, secret, runtime.now())


def _nowhere() -> NotFound:
    return NotFound("this link does not lead anywhere, or not any more: ask for a new one")


def _count_try() -> None:
    if not current_app.extensions["guichet"]["throttle"].allows(PER_ADDRESS, "review", address()):
        raise TooManyRequests(retry_after=300)


def _runtime() -> Runtime:
    runtime: Runtime = current_app.extensions["guichet"]["runtime"]
    return runtime
