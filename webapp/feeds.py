"""Where other calendars read a brand's posts: the address is the right, and each reading asks
whether it still is one. Nothing of it is written to a log."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Flask, Response, current_app, request
from limits import parse
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import TooManyRequests

from guichet.errors import NotFound
from guichet.models import Account, Brand, PostTag
from guichet.publishing.calendar import Entry
from guichet.publishing.feeds import read_feed
from guichet.publishing.ics import render
from guichet.runtime import Runtime
from webapp.auth import address
from webapp.gate import policy
from webapp.signed_addresses import is_signed
from webapp.throttle import PER_ADDRESS

pages = Blueprint("feed_pages", __name__)
PER_FEED = parse("60 per 5 minutes")


def add_to(app: Flask, runtime: Runtime) -> None:
    """Serve the feeds of `app`."""
    app.register_blueprint(pages)


@pages.get("/feeds/<row:feed_id>/<token>.ics")
@policy(public=True)
def read(feed_id: int, token: str) -> Response:
    """The brand's calendar as its maker sees it now; 304 for who has it already."""
    parts = current_app.extensions["guichet"]
    runtime: Runtime = parts["runtime"]
    secret, _dot, signature = token.rpartition(".")
    signed = is_signed(runtime, "feed", feed_id, secret, signature)
    limit, who = (PER_FEED, str(feed_id)) if signed else (PER_ADDRESS, address())
    if not parts["throttle"].allows(limit, "feed", who):
        raise TooManyRequests(retry_after=300)
    if not signed:
        raise NotFound("this feed does not lead anywhere, or not any more")
    with runtime.reading() as session:
        brand, entries = read_feed(session, feed_id, secret, runtime.now())
        data = _rendered(session, brand, entries, str(runtime.settings.public_url).rstrip("/"))
    response = Response(data, content_type="text/calendar; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-cache"  # kept, but asked for each time
    response.headers["Content-Disposition"] = "inline; filename=guichet.ics"
    response.set_etag(hashlib.sha256(data).hexdigest()[:32])
    response.make_conditional(request)
    return response


def _rendered(session: Session, brand: Brand, entries: list[Entry], public_url: str) -> bytes:
    ids = {i for entry in entries for i in entry.account_ids}
    rows = session.scalars(select(Account).where(Account.id.in_(ids)))
    accounts = {a.id: f"{a.handle} ({a.network})" for a in rows}
    of_brand = select(PostTag.id, PostTag.name).where(PostTag.brand_id == brand.id)
    tags = dict(session.execute(of_brand).tuples().all())
    return render(brand.name, brand.time_zone, entries, accounts, tags, public_url)
