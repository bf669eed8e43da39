"""Posts as a table: what was planned, what became of it, under the headings that are read back
in. One row for each wording: accounts that say the same stand together.

Every cell is text, and none is one that a spreadsheet would work out.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.bulk.columns import HEADINGS, TOLD
from guichet.bulk.tables import guard
from guichet.bulk.workbooks import write_workbook
from guichet.models import Account, Brand, Delivery, Post, PostTarget, Staff, Variant
from guichet.policy import Action, Actor, visible
from guichet.publishing import queries
from guichet.publishing.queries import Filter, Place
from guichet.publishing.rules import readings_of, standing, zone_of

FORMS = ("csv", "xlsx")
MOST = 20_000  # posts in one table
_PAGE = 200
_COMMENT = "first_comment"
_COLUMNS = {**HEADINGS, **TOLD}


def export(session: Session, actor: Actor, wanted: Filter, form: str) -> bytes:
    """The posts that `wanted` leaves of those that the actor sees, as CSV (UTF-8 with its
    mark, which Excel needs) or XLSX; at most `MOST` posts."""
    rows = (list(row.values()) for page in _pages(session, actor, wanted) for row in _rows(session, actor, page))
    return _written(rows, form)


def template(session: Session, actor: Actor, form: str, day: date) -> bytes:
    """An empty table with an example for `day`, on an account that the actor may write on."""
    mine = select(Account).where(visible(actor, Account.id, Action.POST_WRITE)).order_by(Account.id).limit(1)
    account = session.scalars(mine).first()
    example = {
        "text": "Good morning!", "accounts": f"{account.network}:{account.handle}" if account else "",
        "date": f"{day:%Y-%m-%d} 09:30", "time_zone": account.time_zone if account else "Europe/Paris",
        "title": "An example: write over it",
    }  # fmt: skip
    return _written([[example.get(column, "") for column in HEADINGS]], form, HEADINGS)


def _written(rows: Iterable[Sequence[str]], form: str, headings: Mapping[str, str] = _COLUMNS) -> bytes:
    if form == "xlsx":
        return write_workbook(list(headings.values()), rows)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(headings.values())
    writer.writerows([guard(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _pages(session: Session, actor: Actor, wanted: Filter) -> Iterator[Sequence[Post]]:
    after: Place | None = None
    for _ in range(MOST // _PAGE):
        posts = queries.list_posts(session, actor, **wanted, after=after, limit=_PAGE)
        if posts:
            yield posts
        if len(posts) < _PAGE:
            return
        after = Place(posts[-1].due_at, posts[-1].id)
        session.expunge_all()


def _rows(session: Session, actor: Actor, posts: Sequence[Post]) -> Iterator[dict[str, str]]:
    deliveries = queries.deliveries_of(session, actor, [p.id for p in posts])
    people = _names(session, Staff, {i for p in posts for i in (p.author_id, p.approved_by) if i})
    brands = _names(session, Brand, {p.brand_id for p in posts})
    ids = {t.account_id for p in posts for t in p.targets}
    accounts = {a.id: f"{a.network}:{a.handle}" for a in session.scalars(select(Account).where(Account.id.in_(ids)))}
    for post in posts:
        for variant, targets in _wordings(actor, post):
            on = {t.account_id for t in targets}
            sent = [d for d in deliveries.get(post.id, []) if d.account_id in on and d.kind not in ("delete", "edit")]
            yield {
                **_words(variant),
                "accounts": ", ".join(accounts[t.account_id] for t in targets),
                **_when(post),
                "title": post.title,
                "labels": ", ".join(tag.name for tag in post.tags if tag.kind == "label"),
                "campaign": "".join(tag.name for tag in post.tags if tag.kind == "campaign"),
                "tags_links": "" if post.tags_links else "no",
                **_told(post, sent),
                "brand": brands.get(post.brand_id, ""),
                "author": people.get(post.author_id, ""),
                "approved_by": people.get(post.approved_by or 0, ""),
            }


def _wordings(actor: Actor, post: Post) -> Iterator[tuple[Variant, list[PostTarget]]]:
    """The variants of a post with the accounts that the actor sees; the common words of one
    for no account."""
    seen = sorted((t for t in post.targets if queries.sees_target(actor, t)), key=lambda t: t.account_id)
    for variant in post.variants:
        targets = [t for t in seen if t.variant_id == variant.id]
        if targets or not post.targets:
            yield variant, targets


def _words(variant: Variant) -> dict[str, str]:
    files = [used for used in variant.files if used.item == 0]
    comments = [str(i["text"]) for i in variant.items if i.get("kind") == _COMMENT]
    items = [str(i["text"]) for i in variant.items if i.get("kind") != _COMMENT]
    empty = dict.fromkeys(_COLUMNS, "")
    return {
        **empty,
        "text": variant.text,
        "media": "\n".join(used.media.filename for used in files),
        "alt_text": "\n".join(" ".join((used.alt or used.media.alt).split()) for used in files),
        "thread": "\n---\n".join(items),
        "first_comment": "".join(comments[:1]),
        "language": variant.language,
        "subject": variant.subject,
    }


def _when(post: Post) -> dict[str, str]:
    """The wall time as it was meant; of what was sent at once, when that was."""
    wall = post.wall_time
    if wall is None and post.due_at is not None:
        wall = f"{post.due_at.astimezone(zone_of(post.time_zone)):%Y-%m-%dT%H:%M:%S}"
    if wall is None:
        return {"time_zone": post.time_zone}
    readings = readings_of(wall, post.time_zone)
    rule = "" if not readings else post.gap_rule if "later" in readings else post.fold_rule
    return {"date": wall.replace("T", " "), "time_zone": post.time_zone, "clock_change": rule}


def _told(post: Post, deliveries: Sequence[Delivery]) -> dict[str, str]:
    accepted = [d.accepted_at for d in deliveries if d.accepted_at is not None]
    late = [d.lateness_ms for d in deliveries if d.lateness_ms is not None]
    return {
        "post": str(post.id),
        "state": standing(post.state, [d.state for d in deliveries]),
        "due": _utc(post.due_at),
        "sent": _utc(max(accepted, default=None)),
        "late": f"{max(late) / 1000:.1f}" if late else "",
        "links": "\n".join(d.remote_url for d in deliveries if d.remote_url),
        "reason": "\n".join(dict.fromkeys(str(d.reason) for d in deliveries if d.reason)),
    }


def _utc(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else ""


def _names(session: Session, kind: type[Staff] | type[Brand], ids: set[int]) -> dict[int, str]:
    return dict(session.execute(select(kind.id, kind.name).where(kind.id.in_(ids))).tuples().all())
