"""Bringing a table of posts in: all of it or nothing, through the same operations, rights and
preflight as a post that is written by hand; and taking back what of it has not gone out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from guichet import audit
from guichet.accounts.queries import may_sort
from guichet.bulk.crowding import Surroundings, find_crowded
from guichet.bulk.queries import get_import
from guichet.bulk.reading import Place, Plan, Tags, Usual
from guichet.bulk.rules import Checked, Planned, check_rows, digest_of, find_repeated
from guichet.bulk.tables import Row
from guichet.delivery.materials import find_files, made_of, ref_of
from guichet.delivery.states import State
from guichet.errors import Conflict, Invalid
from guichet.models import Account, Brand, Delivery, Post, PostImport, PostTag, PostTarget, Variant
from guichet.policy import Action, Actor, can, require_somewhere, visible
from guichet.publishing import files, operations, tags
from guichet.publishing.address_book import find_books
from guichet.publishing.checking import Specs
from guichet.publishing.clashes import planned_near
from guichet.publishing.drafting import Item, VariantSpec, Words
from guichet.publishing.linking import find_rules, next_number
from guichet.publishing.policies import asks_on

HOWS = ("draft", "approval", "schedule")
_AT_ONCE = 500  # ids in one statement
_MOST_TAGS = 5000  # labels and campaigns of one brand that names are compared with
# What has begun is not taken back with the rest: it is looked at one by one.
_BEGUN = frozenset({State.SENDING, State.PUBLISHED, State.UNKNOWN, State.RECONCILING, State.NEEDS_HUMAN})


@dataclass(frozen=True)
class Given:
    """Rows and what counts where they say nothing; `media` are ids of files by name or address."""

    rows: Sequence[Row]
    accounts: tuple[int, ...] = ()
    time_zone: str = ""
    order: str = ""
    media: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)  # why a file could not be taken, by its name


@dataclass(frozen=True)
class Undone:
    """What became of the posts of an import: thrown away, cancelled, left as they are."""

    deleted: int
    cancelled: int
    left: int


def check(session: Session, actor: Actor, given: Given, specs: Specs, now: datetime) -> Checked:
    """What would stand in the way of bringing these rows in; nothing is saved."""
    return _check(session, actor, given, specs, now)[0]


def find_earlier(session: Session, actor: Actor, given: Given) -> PostImport | None:
    """The import of the same rows that stands, where there is one."""
    require_somewhere(actor, Action.POST_WRITE)
    return _find_earlier(session, _digest(session, actor, given))


def bring_in(
    session: Session, actor: Actor, given: Given, *, how: str, filename: str, specs: Specs, now: datetime
) -> PostImport:
    """Make posts of all rows, or of none. `how`: draft, approval (asked for all), schedule
    (asked where it is needed). Rows without a time become drafts.

    Raises Invalid `rows_wrong` (`findings`), Conflict `brought_in_already` (`current` names
    the import)."""
    if actor.staff_id is None:
        raise ValueError("a post has an author")
    if how not in HOWS:
        raise Invalid("say what becomes of the posts", {"how": "draft, approval or schedule"})
    checked, digest = _check(session, actor, given, specs, now)
    earlier = _find_earlier(session, digest)
    if earlier is not None:
        raise Conflict(
            "these rows were brought in already; undo that first", code="brought_in_already",
            current={"import": earlier.id},
        )  # fmt: skip
    if checked.wrong:
        raise Invalid(
            "nothing was brought in: some cells are wrong", {"rows": "hold cells that are wrong"}, code="rows_wrong",
            findings=[{"row": f.row, "column": f.column, "name": f.name} for f in checked.wrong],
        )  # fmt: skip
    made = PostImport(
        staff_id=actor.staff_id, filename=filename[:300], digest=digest, post_count=len(checked.plans), created_at=now
    )
    session.add(made)
    session.flush()
    _describe(session, actor, checked.plans, specs, now)
    ids = {plan.places[0].brand_id for plan in checked.plans}
    brands = {b.id: b for b in session.scalars(select(Brand).where(Brand.id.in_(ids)))}
    known = {id_: _known(session, actor, id_) for id_ in brands}
    for plan in checked.plans:
        post = _make(session, actor, plan, brands[plan.places[0].brand_id], made.id, now)
        _sort(session, actor, plan, post, brands[post.brand_id], known[post.brand_id], now)
        _send_off(session, actor, plan, post, how, specs, now)
    audit.record(session, actor, "post.import", made, now, posts=len(checked.plans))
    return made


def undo(session: Session, actor: Actor, import_id: int, now: datetime) -> Undone:
    """Throw its drafts away and cancel what is planned. What has begun to go out stays as it is.
    One's own, or anybody's for administrators. Raises NotFound, Conflict `undone_already`."""
    made = get_import(session, actor, import_id)
    if made.undone_at is not None:
        raise Conflict("this import is undone already", code="undone_already")
    posts = session.scalars(select(Post).where(Post.import_id == made.id).order_by(Post.id)).all()
    states: dict[int, set[str]] = {post.id: set() for post in posts}
    of_them = select(Delivery.post_id, Delivery.state).join(Post, Post.id == Delivery.post_id)
    for post_id, state in session.execute(of_them.where(Post.import_id == made.id)):
        states[post_id or 0].add(state)
    deleted = cancelled = left = 0
    for post in posts:
        if post.state == "cancelled":
            continue
        if states[post.id] & _BEGUN or post.state == "done":
            left += 1
        elif post.state == "draft" and not states[post.id]:
            operations.delete_draft(session, actor, post, now)
            deleted += 1
        else:
            operations.cancel(session, actor, post, now)
            cancelled += 1
    made.undone_at, made.undone_by = now, actor.staff_id
    session.flush()
    audit.record(session, actor, "post.undo_import", made, now, deleted=deleted, cancelled=cancelled, left=left)
    return Undone(deleted, cancelled, left)


# ---------------------------------------------------------------- within


def _check(
    session: Session, actor: Actor, given: Given, specs: Specs, now: datetime
) -> tuple[Checked, str]:  # fmt: skip
    require_somewhere(actor, Action.POST_WRITE)
    usual = _usual(session, actor, given)
    found = check_rows(given.rows, _places(session, actor, specs), usual, now)
    repeated = find_repeated(found.plans, _planned(session, actor, found.plans))
    order = {row.number: n for n, row in enumerate(given.rows)}
    crowded = find_crowded(found.plans, _around(session, actor, found.plans))
    findings = sorted((*found.findings, *repeated, *crowded), key=lambda f: order.get(f.row, 0))
    return replace(found, findings=tuple(findings)), digest_of([r.cells for r in given.rows], usual)


def _around(session: Session, actor: Actor, plans: Sequence[Plan]) -> dict[int, Surroundings]:
    times = [plan.due_at for plan in plans if plan.due_at is not None]
    if not times:
        return {}
    ids = sorted({place.id for plan in plans for place in plan.places})
    found = planned_near(session, actor, ids, min(times), max(times))
    return {account_id: Surroundings(*of) for account_id, of in found.items()}


def _digest(session: Session, actor: Actor, given: Given) -> str:
    return digest_of([r.cells for r in given.rows], _usual(session, actor, given))


def _usual(session: Session, actor: Actor, given: Given) -> Usual:
    found = find_files(session, actor, list(given.media.values()))
    media = {name: ref_of(found[id_]) for name, id_ in given.media.items() if id_ in found}
    made = made_of(session, [ref.media_id for ref in media.values()])
    return Usual(given.accounts, given.time_zone, given.order, media, made, next_number(session), given.lost)


def _places(session: Session, actor: Actor, specs: Specs) -> list[Place]:
    """The accounts that the actor may write on."""
    mine = select(Account).where(visible(actor, Account.id, Action.POST_WRITE)).options(joinedload(Account.brand))
    rows = session.scalars(mine.order_by(Account.id)).all()
    links = find_rules(session, {a.brand_id for a in rows})
    books = find_books(session, {a.brand_id for a in rows})
    sorts = {brand_id: _tags(session, actor, brand_id) for brand_id in {a.brand_id for a in rows}}
    return [
        Place(
            a.id, a.network, a.handle, a.name, a.brand_id, a.brand.name, a.brand.time_zone, specs[a.network],
            a.settings, a.state != "disconnected", asks_on(a) or not can(actor, Action.POST_PUBLISH, a),
            sorts[a.brand_id], links[a.brand_id], a.brand.needs_alt_text, books[a.brand_id],
        )
        for a in rows
        if a.network in specs
    ]  # fmt: skip


def _tags(session: Session, actor: Actor, brand_id: int) -> Tags:
    known = {key: tag.name for key, tag in _known(session, actor, brand_id).items()}
    return Tags(known, may_sort(session, actor, brand_id))


def _known(session: Session, actor: Actor, brand_id: int) -> dict[tuple[str, str], PostTag]:
    found = tags.list_tags(session, actor, brand_id=brand_id, limit=_MOST_TAGS)
    return {(tag.kind, tag.folded): tag for tag in found}


def _planned(session: Session, actor: Actor, plans: Sequence[Plan]) -> set[Planned]:
    """What stands already on these accounts at these times; of drafts, the actor's own."""
    accounts = {place.id for plan in plans for place in plan.places}
    times = sorted({plan.due_at for plan in plans if plan.due_at is not None})
    there = (
        select(PostTarget.account_id, Variant.text, Post.due_at)
        .join(Variant, Variant.id == PostTarget.variant_id)
        .join(Post, Post.id == PostTarget.post_id)
        .where(PostTarget.account_id.in_(accounts), Post.state != "cancelled")
        .where(visible(actor, PostTarget.account_id, Action.POST_WRITE))
    )
    drafts = there.where(Post.due_at.is_(None), Post.state == "draft", Post.author_id == actor.staff_id)
    found: set[Planned] = set(session.execute(drafts).tuples()) if len(times) < len(plans) else set()
    for start in range(0, len(times), _AT_ONCE):
        at_these = there.where(Post.due_at.in_(times[start : start + _AT_ONCE]))
        found.update(session.execute(at_these).tuples())
    return found


def _find_earlier(session: Session, digest: str) -> PostImport | None:
    same = select(PostImport).where(PostImport.digest == digest, PostImport.undone_at.is_(None))
    return session.scalars(same).first()


def _describe(session: Session, actor: Actor, plans: Sequence[Plan], specs: Specs, now: datetime) -> None:
    """Keep what the table says that its files show."""
    said = {file.media_id: file.alt for plan in plans for file in plan.files}
    for media_id, media in find_files(session, actor, list(said)).items():
        if media.alt != said[media_id]:
            files.describe(session, actor, media, said[media_id], specs, now)


def _make(session: Session, actor: Actor, plan: Plan, brand: Brand, import_id: int, now: datetime) -> Post:
    words = Words(
        plan.text, [Item(text) for text in plan.items], plan.first_comment, plan.language, plan.subject,
        [file.media_id for file in plan.files],
    )  # fmt: skip
    post = operations.create(
        session, actor, brand=brand, words=words, variants=[VariantSpec(place.id) for place in plan.places],
        title=plan.title, wall_time=plan.wall_time, time_zone=plan.time_zone, fold_rule=plan.fold_rule,
        gap_rule=plan.gap_rule, tags_links=plan.tags_links, now=now,
    )  # fmt: skip
    post.import_id = import_id
    return post


def _send_off(session: Session, actor: Actor, plan: Plan, post: Post, how: str, specs: Specs, now: datetime) -> None:
    if plan.due_at is None or plan.wall_time is None:
        return
    if how == "draft":
        post.due_at = plan.due_at
        return
    operations.schedule(
        session, actor, post, wall_time=plan.wall_time, time_zone=plan.time_zone, fold_rule=plan.fold_rule,
        gap_rule=plan.gap_rule, for_approval=how == "approval", specs=specs, now=now,
    )  # fmt: skip


def _sort(
    session: Session, actor: Actor, plan: Plan, post: Post, brand: Brand, known: dict[tuple[str, str], PostTag],
    now: datetime,
) -> None:  # fmt: skip
    """Its labels and its campaign; those that are new are made, and `known` from then on."""
    wanted = [("label", name) for name in plan.labels] + ([("campaign", plan.campaign)] if plan.campaign else [])
    for kind, name in wanted:
        if (kind, tags.fold(name)) not in known:
            known[kind, tags.fold(name)] = tags.create_tag(session, actor, brand, kind=kind, name=name, now=now)
    if wanted:
        tags.tag_post(session, actor, post, [known[kind, tags.fold(name)].id for kind, name in wanted], now)
