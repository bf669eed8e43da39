"""Posts: written once, for many accounts, scheduled in a zone, approved, watched."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response

from guichet import jobs
from guichet.accounts import queries as accounts
from guichet.bulk import exporting
from guichet.delivery.materials import foreseen_of, ref_of
from guichet.delivery.payload import CardRef, MediaRef
from guichet.errors import Invalid
from guichet.models import Post as PostRow
from guichet.policy import Action, can, require
from guichet.publishing import calendar, checking, files, operations, queries, renditions, rules
from guichet.publishing.cards import Card, checked
from guichet.publishing.clashes import find_clashes
from guichet.publishing.drafting import Item, VariantSpec, Words, contents_of, undecided_in, words_of
from guichet.publishing.embargo import set_embargo
from guichet.publishing.framing import settled
from guichet.publishing.linking import Unsaved, foresee, tagged
from guichet.publishing.mention_rules import with_names
from guichet.publishing.mentioning import find_gone, foresee_names
from guichet.publishing.policies import asks_on
from guichet.publishing.queries import Filter, Place
from guichet.publishing.tags import tag_post
from webapp.api.downloading import TABLE, download
from webapp.api.media import frame_given
from webapp.api.prospects import may_come_late, show_checks, show_renditions
from webapp.api.schemas.common import Done, Empty, IdPath, Page
from webapp.api.schemas.finding_posts import CalendarEntries, CalendarQuery, PostExport, PostFilter, PostQuery
from webapp.api.schemas.preflight import PostAsWritten, Preflight, PreflightIn, Split, SplitIn
from webapp.api.schemas.publishing import (
    Planned,
    Post,
    PostApprove,
    PostChange,
    PostNew,
    PostReject,
    PostSchedule,
    VariantIn,
)
from webapp.api.showing_posts import show_clashes, show_entry, show_link_tags, show_names, show_post, show_posts
from webapp.asking import Asked, Room

room = Room("posts")
_A_YEAR = timedelta(days=366)
_WORDS = ("text", "items", "first_comment", "language", "subject", "media_ids", "framing", "cards")


@room.get("/posts", Page[Post])
def list_posts(asked: Asked, query: PostQuery) -> Page[Post]:
    """Posts that one may see, latest due first; drafts without a time before them."""
    place, most = _place(query.cursor), query.limit + 1
    rows = queries.list_posts(asked.session, asked.actor, **_filter(query), after=place, limit=most)
    shown = rows[: query.limit]
    more = _cursor(shown[-1]) if len(rows) > query.limit else None
    return Page(items=show_posts(asked, shown), next_cursor=more)


@room.get("/posts/calendar", CalendarEntries)
def read_calendar(asked: Asked, query: CalendarQuery) -> CalendarEntries:
    """Every post of a time, with what a calendar shows of it; at most 10,000."""
    if query.until - query.since > _A_YEAR:
        raise Invalid("ask for a year at most", {"until": "is too far from since"})
    found, complete = calendar.read_calendar(asked.session, asked.actor, _filter(query))
    return CalendarEntries(items=[show_entry(entry) for entry in found], complete=complete)


@room.get("/posts/export", TABLE)
def export_posts(asked: Asked, query: PostExport) -> Response:
    """The same posts as a table, which can be brought in again; at most 20,000."""
    data = exporting.export(asked.session, asked.actor, _filter(query), query.form)
    return download(data, f"posts-{asked.now:%Y-%m-%d}.{query.form}")


@room.post("/posts", Post, scope="publish", status=201)
def add_post(asked: Asked, body: PostNew) -> Post:
    """Save a draft."""
    row = operations.create(
        asked.session,
        asked.actor,
        brand=accounts.get_brand(asked.session, asked.actor, body.brand_id),
        words=_words(body),
        variants=specs_given(body.variants),
        title=body.title,
        wall_time=body.wall_time,
        time_zone=body.time_zone,
        fold_rule=body.fold,
        gap_rule=body.gap,
        late_limit=body.late_limit,
        tags_links=body.tags_links,
        now=asked.now,
    )
    row.goes_on = body.goes_on
    set_embargo(asked.session, asked.actor, row, body.embargo_wall_time, body.embargo_time_zone, asked.now)
    tag_post(asked.session, asked.actor, row, body.tag_ids, asked.now)
    return show_fresh(asked, row)


@room.post("/posts/preflight", Preflight, scope="publish")
def preflight_post(asked: Asked, body: PreflightIn) -> Preflight:
    """What each network would say to it; nothing is saved."""
    session, actor = asked.session, asked.actor
    rows = {v.account_id: accounts.get_account(session, actor, v.account_id) for v in body.variants}
    for row in rows.values():
        require(actor, Action.POST_WRITE, row)
    words = {v.account_id: _settled(asked, _spec_of(v).over(_words(body))) for v in body.variants}
    specs = asked.networks.specs()
    given = {id_: specs[row.network].card == "given" for id_, row in rows.items()}
    plain = [_content(asked, id_, said, gives_cards=given[id_]) for id_, said in words.items()]
    made = foreseen_of(session, {ref.media_id for c in plain for part in c.parts for ref in part.media})
    links = foresee(session, actor, _unsaved(body), rows.values(), asked.now)
    called = foresee_names(session, plain, rows, specs)
    contents = [
        with_names(
            tagged(
                renditions.fitted(c, words[c.account_id].framing, renditions.limit_of(rows[c.account_id], specs), made),
                links.get(c.account_id),
            ),
            called[c.account_id],
        )
        for c in plain
    ]
    checks = operations.preflight(asked.actor, contents, rows, specs, find_gone(session, rows.values()))
    asks = any(asks_on(r) or not can(actor, Action.POST_PUBLISH, r) for r in rows.values())
    due_at = rules.due_time(body.wall_time, body.time_zone, body.fold, body.gap) if body.wall_time else None
    readings = rules.readings_of(body.wall_time, body.time_zone) if body.wall_time else {}
    found = find_clashes(
        session, actor, contents, due_at or asked.now, specs, post_id=body.post_id
    )  # fmt: skip
    shown = show_checks(asked, checks, rows, due_at)
    for account, before, after in zip(shown, plain, contents, strict=True):
        account.renditions = show_renditions(before, after, made, asked.now)
        if may_come_late(account.renditions, due_at, asked.now):
            account.warnings.append("film_not_ready")
        account.link_tags = show_link_tags(links.get(account.account_id))
        account.mentions = show_names(called[account.account_id])
        if given[account.account_id] and undecided_in(words[account.account_id]):
            account.warnings.append("card_undecided")
    return Preflight(
        accounts=shown, due_at=due_at, readings=readings, needs_approval=asks,
        warnings=show_clashes(found),
    )  # fmt: skip


@room.post("/posts/split", Split, scope="publish")
def split_text(asked: Asked, body: SplitIn) -> Split:
    """A text that is too long, as the items of a thread; nothing is saved. `numbered` ends
    each with its place."""
    rows = [accounts.get_account(asked.session, asked.actor, i) for i in dict.fromkeys(body.account_ids)]
    links = foresee(asked.session, asked.actor, _unsaved(body), rows, asked.now)
    specs = asked.networks.specs()
    said = [rules.Content(row.id, (rules.Part(body.text),)) for row in rows]
    called = foresee_names(asked.session, said, {row.id: row for row in rows}, specs)
    items = checking.as_thread(asked.actor, body.text, rows, specs, links, called, numbered=body.numbered)
    return Split(items=items)


@room.get("/posts/<int:id>", Post)
def get_post(asked: Asked, path: IdPath) -> Post:
    """One post and how it stands on each account."""
    return show_post(asked, queries.get_post(asked.session, asked.actor, path.id))


@room.patch("/posts/<int:id>", Post, scope="publish")
def change_post(asked: Asked, path: IdPath, body: PostChange) -> Post:
    """Change it, until it is being sent. What is not given stays."""
    row = queries.get_post(asked.session, asked.actor, path.id)
    if body.tag_ids is not None:  # before its links are tagged with its campaign
        tag_post(asked.session, asked.actor, row, body.tag_ids, asked.now)
    given = words_given(body)
    words = replace(words_of(row), **given) if given else None
    operations.change(
        asked.session,
        asked.actor,
        row,
        version=body.version,
        words=words,
        variants=None if body.variants is None else specs_given(body.variants),
        title=body.title,
        wall_time=body.wall_time,
        time_zone=body.time_zone,
        fold_rule=body.fold,
        gap_rule=body.gap,
        late_limit=body.late_limit,
        goes_on=body.goes_on,
        tags_links=body.tags_links,
        specs=asked.networks.specs(),
        now=asked.now,
    )
    if body.embargo_wall_time is not None:
        zone = body.embargo_time_zone or row.embargo_time_zone
        set_embargo(asked.session, asked.actor, row, body.embargo_wall_time, zone, asked.now)
    return show_fresh(asked, row)


@room.delete("/posts/<int:id>", Done, scope="publish")
def delete_post(asked: Asked, path: IdPath) -> Done:
    """Throw a draft away."""
    row = queries.get_post(asked.session, asked.actor, path.id)
    operations.delete_draft(asked.session, asked.actor, row, asked.now)
    return Done()


@room.post("/posts/<int:id>/submit", Planned, scope="publish")
def submit_post(asked: Asked, path: IdPath, body: PostSchedule) -> Planned:
    """Ask for approval, for this time."""
    return _schedule(asked, path, body, for_approval=True)


@room.post("/posts/<int:id>/schedule", Planned, scope="publish")
def schedule_post(asked: Asked, path: IdPath, body: PostSchedule) -> Planned:
    """Send it at a wall time in a zone; where an approval is needed it waits for that."""
    return _schedule(asked, path, body, for_approval=False)


def _schedule(asked: Asked, path: IdPath, body: PostSchedule, *, for_approval: bool) -> Planned:
    row = queries.get_post(asked.session, asked.actor, path.id)
    operations.schedule(
        asked.session, asked.actor, row, wall_time=body.wall_time, time_zone=body.time_zone, fold_rule=body.fold,
        gap_rule=body.gap, for_approval=for_approval, specs=asked.networks.specs(), now=asked.now,
    )  # fmt: skip
    return _planned(asked, row)


@room.post("/posts/<int:id>/reschedule", Planned, scope="publish")
def reschedule_post(asked: Asked, path: IdPath, body: PostSchedule) -> Planned:
    """Move it."""
    row = queries.get_post(asked.session, asked.actor, path.id)
    operations.reschedule(
        asked.session, asked.actor, row, wall_time=body.wall_time, time_zone=body.time_zone, fold_rule=body.fold,
        gap_rule=body.gap, now=asked.now,
    )  # fmt: skip
    return _planned(asked, row)


@room.post("/posts/<int:id>/publish", Post, scope="publish")
def publish_post(asked: Asked, path: IdPath, body: Empty) -> Post:
    """Send it now."""
    row = queries.get_post(asked.session, asked.actor, path.id)
    operations.publish_now(asked.session, asked.actor, row, specs=asked.networks.specs(), now=asked.now)
    return show_fresh(asked, row)


@room.post("/posts/<int:id>/approve", Post, scope="publish")
def approve_post(asked: Asked, path: IdPath, body: PostApprove) -> Post:
    """Let it go out as it stands; with `version`, only as it was read."""
    row = queries.get_post(asked.session, asked.actor, path.id)
    operations.approve(asked.session, asked.actor, row, asked.now, body.version, reason=body.reason)
    return show_fresh(asked, row)


@room.post("/posts/<int:id>/reject", Post, scope="publish")
def reject_post(asked: Asked, path: IdPath, body: PostReject) -> Post:
    """Send it back to its author; with `version`, only as it was read."""
    row = queries.get_post(asked.session, asked.actor, path.id)
    operations.reject(asked.session, asked.actor, row, body.reason, asked.now, version=body.version)
    return show_fresh(asked, row)


@room.post("/posts/<int:id>/cancel", Post, scope="publish")
def cancel_post(asked: Asked, path: IdPath, body: Empty) -> Post:
    """Do not send it; what is out already stays."""
    row = queries.get_post(asked.session, asked.actor, path.id)
    operations.cancel(asked.session, asked.actor, row, asked.now)
    return show_fresh(asked, row)


def _planned(asked: Asked, row: PostRow) -> Planned:
    shown = show_fresh(asked, row)
    at = row.due_at or asked.now
    found = find_clashes(asked.session, asked.actor, contents_of(row), at, asked.networks.specs(), row.id)
    return Planned(**shown.model_dump(), warnings=show_clashes(found))


def _filter(query: PostFilter) -> Filter:
    return {
        "brand_id": query.brand_id,
        "account_ids": query.account_id,
        "author_id": query.author_id,
        "import_id": query.import_id,
        "label_ids": query.label_id,
        "campaign_ids": query.campaign_id,
        "states": query.state,
        "since": query.since,
        "until": query.until,
        "text": query.q or "",
        "soonest_first": query.order == "soonest",
    }


def show_fresh(asked: Asked, row: PostRow) -> Post:
    """The post as it is after an act, and what is due is woken."""
    asked.unit.enqueue(jobs.DRAIN)
    asked.session.flush()
    asked.session.expire(row)
    return show_post(asked, queries.get_post(asked.session, asked.actor, row.id))


def specs_given(variants: list[VariantIn]) -> list[VariantSpec]:
    """The accounts that a request names, with what is theirs alone."""
    return [_spec_of(v) for v in variants]


def _spec_of(variant: VariantIn) -> VariantSpec:
    return VariantSpec(variant.account_id, **words_given(variant))


def _words(body: PostNew | PreflightIn) -> Words:
    return Words(**words_given(body))


def words_given(body: PostNew | PostChange | PreflightIn | VariantIn) -> dict[str, Any]:
    """The words that a request gives; None is not given."""
    given = body.model_dump(include=set(_WORDS), exclude_none=True)
    if "items" in given:
        given["items"] = [Item(**i) for i in given["items"]]
    if "framing" in given:
        given["framing"] = {f.media_id: frame_given(f) for f in body.framing or ()}
    if "cards" in given:
        given["cards"] = {c.item: Card(c.url, c.title, c.description, c.media_id, c.shown) for c in body.cards or ()}
    return given


def _settled(asked: Asked, words: Words) -> Words:
    """The words with the figures of each frame written out. Raises Invalid for one that is none."""
    held = {i: f for i, f in words.framing.items() if i in set(words.files())}
    rows = {i: files.get_media(asked.session, asked.actor, i) for i in held}
    framing = {i: settled(f, rows[i].mime, rows[i].width, rows[i].height) for i, f in held.items()}
    return replace(words, framing=framing, cards=checked(words.cards, 1 + len(words.items)))


def _unsaved(body: PostAsWritten) -> Unsaved:
    return Unsaved(body.post_id, body.tags_links, tuple(body.tag_ids), body.wall_time, body.time_zone)


def _content(asked: Asked, account_id: int, words: Words, *, gives_cards: bool) -> rules.Content:
    def ref(media_id: int) -> MediaRef:
        return ref_of(files.get_media(asked.session, asked.actor, media_id))

    def part(text: str, media_ids: Sequence[int], kind: str, item: int | None) -> rules.Part:
        card = words.cards.get(item) if item is not None and gives_cards and not media_ids else None
        shown = None
        if card is not None and card.is_shown:
            picture = ref(card.media_id) if card.media_id is not None else None
            shown = CardRef(card.url, card.title, card.description, picture)
        return rules.Part(text, tuple(map(ref, media_ids)), kind, card=shown)

    comment = [part(words.first_comment, (), "first_comment", None)] if words.first_comment else []
    thread = [part(i.text, i.media_ids, "thread_item", n) for n, i in enumerate(words.items, 1)]
    return rules.Content(account_id, (part(words.text, words.media_ids, "post", 0), *thread, *comment))


def _cursor(row: PostRow) -> str:
    plain = json.dumps([row.due_at.isoformat() if row.due_at else None, row.id])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _place(cursor: str | None) -> Place | None:
    if not cursor:
        return None
    try:
        at, post_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = Place(datetime.fromisoformat(at).astimezone(UTC) if at else None, post_id)
        if type(post_id) is not int or not 0 < post_id < 2**63 or (at and datetime.fromisoformat(at).tzinfo is None):
            raise ValueError(cursor)
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        raise Invalid("this cursor was not given by us", {"cursor": "is none of ours"}) from None
    return place
