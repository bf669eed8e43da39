"""How posts are shown: the common text, what differs by account, how each delivery stands.
Accounts that the reader does not see are counted, and nothing else is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from channels.limits import Problem
from guichet.delivery.materials import Made, made_of
from guichet.models import Delivery as DeliveryRow
from guichet.models import Media as MediaRow
from guichet.models import Post as PostRow
from guichet.models import PostTag as PostTagRow
from guichet.models import PostTarget
from guichet.models import Variant as VariantRow
from guichet.policy import Actor
from guichet.publishing import queries
from guichet.publishing.allowed import deeds
from guichet.publishing.calendar import Entry as EntryRow
from guichet.publishing.cards import Card as CardDecided
from guichet.publishing.clash_rules import Clash as ClashFound
from guichet.publishing.drafting import Item as ThreadItem
from guichet.publishing.drafting import specs_of, words_of
from guichet.publishing.framing import Frame, recipe_of
from guichet.publishing.link_tags import LinkTags as LinkTagsSettled
from guichet.publishing.link_tags import tags_of
from guichet.publishing.mention_tokens import CalledOn, called_of
from guichet.publishing.rules import standing
from webapp.api.briefs import Names
from webapp.api.deliveries import show_delivery
from webapp.api.media import show_media, url_of
from webapp.api.schemas.cards import Card
from webapp.api.schemas.common import PersonBrief
from webapp.api.schemas.finding_posts import CalendarEntry
from webapp.api.schemas.framing import Focus, Framing
from webapp.api.schemas.publishing import Clash, Item, LinkTags, Named, Post, PostTag, Problems, Variant
from webapp.asking import Asked

_NOBODY = PersonBrief(id=0, name="", initials="")


def show_post(asked: Asked, row: PostRow) -> Post:
    return show_posts(asked, [row])[0]


def show_posts(asked: Asked, rows: Sequence[PostRow]) -> list[Post]:
    """Several posts, with what stands in other tables read once for all."""
    deliveries = queries.deliveries_of(asked.session, asked.actor, [r.id for r in rows])
    names = Names(asked.session).load(
        people=[p for r in rows for p in (r.author_id, r.approved_by)],
        accounts=[t.account_id for r in rows for t in r.targets],
    )
    framed = {used.media_id for row in rows for variant in row.variants for used in variant.media if used.frame}
    made = made_of(asked.session, framed)
    return [_post(row, deliveries.get(row.id, []), names, asked.actor, made) for row in rows]


def _post(row: PostRow, deliveries: Sequence[DeliveryRow], names: Names, actor: Actor, made: Made) -> Post:
    words = words_of(row)
    sizes = {u.media_id: (u.media.width, u.media.height) for v in row.variants for u in v.media}
    seen = [t for t in row.targets if queries.sees_target(actor, t)]
    settled = {t.account_id: tags_of(t.link_tags) for t in seen}
    called = {t.account_id: called_of(t.mentions) for t in seen}
    given = {t.account_id: t.gives_cards for t in seen}
    seen_ids = {t.account_id for t in seen}
    going_out = [d for d in deliveries if d.kind not in ("delete", "edit")]
    return Post(
        id=row.id,
        brand_id=row.brand_id,
        title=row.title,
        text=words.text,
        items=_items(words.items),
        first_comment=words.first_comment,
        language=words.language,
        subject=words.subject,
        media_ids=list(words.media_ids),
        media=[show_media(m) for m in _media(row, seen)],
        framing=_framing(words.framing, made, sizes),
        cards=_cards(words.cards),
        variants=[
            Variant(
                account_id=s.account_id,
                text=s.text,
                items=None if s.items is None else _items(s.items),
                first_comment=s.first_comment,
                media_ids=None if s.media_ids is None else list(s.media_ids),
                framing=None if s.framing is None else _framing(s.framing, made, sizes),
                cards=None if s.cards is None else _cards(s.cards),
                language=s.language,
                subject=s.subject,
                link_tags=show_link_tags(settled[s.account_id]),
                mentions=show_names(called[s.account_id]),
                gives_cards=given[s.account_id],
            )
            for s in specs_of(row)
            if s.account_id in seen_ids
        ],
        more_accounts=len(row.targets) - len(seen),
        may=[d.value for d in deeds(actor, row, deliveries)],
        state=standing(row.state, [d.state for d in going_out]),
        wall_time=row.wall_time,
        time_zone=row.time_zone,
        fold=row.fold_rule,
        gap=row.gap_rule,
        due_at=row.due_at,
        late_limit=row.late_limit,
        series_id=row.series_id,
        is_exception=row.is_exception,
        author=names.person(row.author_id) or _NOBODY,
        approved_by=names.person(row.approved_by),
        embargo_wall_time=row.embargo_wall_time,
        embargo_time_zone=row.embargo_time_zone,
        embargo_at=row.embargo_at,
        goes_on=row.goes_on,
        tags_links=row.tags_links,
        rejected_reason=row.rejected_reason,
        tags=[show_tag(tag) for tag in row.tags],
        deliveries=[show_delivery(d, names) for d in deliveries],
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


_Sizes = Mapping[int, tuple[int | None, int | None]]


def _framing(framing: Mapping[int, Frame], made: Made, sizes: _Sizes) -> list[Framing]:
    """How files are shown, with what was cut out of them."""
    cuts = {id_: recipe_of(frame, *sizes[id_]) for id_, frame in framing.items()}
    urls = {id_: url_of(made[id_, cut]) for id_, cut in cuts.items() if (id_, cut) in made}
    return [
        Framing(
            media_id=id_, turn=frame.turn, left=frame.left, top=frame.top, width=frame.width, height=frame.height,
            focus=Focus(x=frame.focus[0], y=frame.focus[1]) if frame.focus else None, url=urls.get(id_),
        )
        for id_, frame in framing.items()
    ]  # fmt: skip


def _cards(cards: Mapping[int, CardDecided]) -> list[Card]:
    return [
        Card(item=n, shown=c.is_shown, url=c.url, title=c.title, description=c.description, media_id=c.media_id)
        for n, c in sorted(cards.items())
    ]


def show_link_tags(tags: LinkTagsSettled | None) -> LinkTags | None:
    return LinkTags(domains=list(tags.domains), parameters=list(tags.parameters)) if tags else None


def show_names(called: CalledOn) -> list[Named]:
    return [Named(typed=typed, text=one.text, handle=one.handle) for typed, one in sorted(called.items())]


def show_entry(entry: EntryRow) -> CalendarEntry:
    return CalendarEntry(
        id=entry.id, brand_id=entry.brand_id, author_id=entry.author_id, text=entry.first_words,
        state=entry.state, due_at=entry.due_at, time_zone=entry.time_zone, account_ids=list(entry.account_ids),
        tag_ids=list(entry.tag_ids), may_move=entry.may_move,
    )  # fmt: skip


def show_tag(row: PostTagRow) -> PostTag:
    return PostTag(id=row.id, brand_id=row.brand_id, kind=row.kind, name=row.name, colour=row.colour)


def _items(items: Sequence[ThreadItem]) -> list[Item]:
    return [Item(text=i.text, media_ids=list(i.media_ids)) for i in items]


def _media(row: PostRow, seen: Sequence[PostTarget]) -> list[MediaRow]:
    """Every file that is shown, once: the common ones first, then those of single accounts."""
    found: dict[int, MediaRow] = {}
    shown = {t.variant_id for t in seen}
    variants: Sequence[VariantRow] = sorted(
        (v for v in row.variants if v.is_base or v.id in shown), key=lambda v: not v.is_base
    )
    for variant in variants:
        for used in variant.media:
            found.setdefault(used.media_id, used.media)
    return list(found.values())


def show_clashes(found: Sequence[ClashFound]) -> list[Clash]:
    return [
        Clash(account_id=c.account_id, name=c.name, post_id=c.post_id, at=c.at, refused=c.refused, data=dict(c.data))
        for c in found
    ]


def show_problems(found: Sequence[tuple[int, Problem]]) -> list[Problems]:
    """What one network would refuse, or what is worth knowing of it."""
    return [Problems(item=item, name=p.name, data=dict(p.data)) for item, p in found]
