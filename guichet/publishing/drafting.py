"""Writing posts: the common text, and what stands differently on single accounts.

A variant keeps which of its fields are its own; the others follow the common text
whenever that changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.delivery.bounds import joined
from guichet.delivery.materials import find_files, instead_of, ref_of
from guichet.delivery.payload import CardRef, MediaRef
from guichet.errors import Invalid, NotFound
from guichet.models import Account, Brand, Media, Post, PostTarget, Variant, VariantMedia
from guichet.policy import Action, Actor, require, visible
from guichet.publishing.cards import Card, card_of, checked, require_small, undecided
from guichet.publishing.framing import Frame, frame_of, recipe_of, settled
from guichet.publishing.link_tags import LinkTags, tag_links, tags_of
from guichet.publishing.mention_rules import with_names
from guichet.publishing.mention_tokens import called_of
from guichet.publishing.rules import Content, Part

MOST_ITEMS = 50
FIELDS = ("text", "items", "first_comment", "language", "subject", "media_ids", "framing", "cards")
_COMMENT = "first_comment"
_CARD = 1000  # the place of a card's picture, behind every file


@dataclass(frozen=True)
class Item:
    """A further item of a thread, with its files."""

    text: str
    media_ids: Sequence[int] = ()


@dataclass(frozen=True)
class Words:
    """The common text with its files, what follows it in a thread, and the first comment
    that our account puts under it ("": none). `framing`: how files of it are shown, by id;
    `cards`: what was decided about the cards of links, by item."""

    text: str = ""
    items: Sequence[Item] = ()
    first_comment: str = ""
    language: str = ""
    subject: str = ""
    media_ids: Sequence[int] = ()
    framing: Mapping[int, Frame] = field(default_factory=dict)
    cards: Mapping[int, Card] = field(default_factory=dict)

    def files(self) -> list[int]:
        """Ids of all of its files."""
        return [*self.media_ids, *(id_ for item in self.items for id_ in item.media_ids)]

    def pictures_of_cards(self) -> list[int]:
        """Ids of the files that stand on cards."""
        return [card.media_id for card in self.cards.values() if card.media_id is not None]


@dataclass(frozen=True)
class VariantSpec:
    """An account that the post is for. What is None follows the common text."""

    account_id: int
    text: str | None = None
    items: Sequence[Item] | None = None
    first_comment: str | None = None
    language: str | None = None
    subject: str | None = None
    media_ids: Sequence[int] | None = None
    framing: Mapping[int, Frame] | None = None
    cards: Mapping[int, Card] | None = None

    def own(self) -> list[str]:
        return [f for f in FIELDS if getattr(self, f) is not None]

    def over(self, words: Words) -> Words:
        """The words as they stand for this account."""
        own = self.own()
        return Words(**{f: getattr(self if f in own else words, f) for f in FIELDS})


def write(
    session: Session, actor: Actor, post: Post, words: Words, variants: Sequence[VariantSpec], now: datetime
) -> None:
    """Make `post` say this. The accounts must be of its brand, and the actor's to write on.
    Raises Invalid, NotFound."""
    _require_accounts(session, actor, post.brand_id, variants)
    if len({v.account_id for v in variants}) < len(variants):
        raise Invalid("an account can be named once", {"variants": "name an account twice"})
    variants = [_with_frames(spec, words) for spec in variants]
    merged = {spec.account_id: spec.over(words) for spec in variants}
    files = _files(session, actor, [i for w in (words, *merged.values()) for i in (*w.files(), *w.pictures_of_cards())])
    post.targets.clear()
    post.variants.clear()
    session.flush()
    base = _variant(words, files, own=[], is_base=True)
    post.variants.append(base)
    for spec in variants:
        own = spec.own()
        variant = base
        if own:
            variant = _variant(merged[spec.account_id], files, own, is_base=False)
            post.variants.append(variant)
        post.targets.append(PostTarget(account_id=spec.account_id, variant=variant))
    post.updated_at = now
    session.flush()


def create(
    session: Session,
    actor: Actor,
    *,
    brand: Brand,
    words: Words,
    variants: Sequence[VariantSpec] = (),
    title: str = "",
    wall_time: str | None = None,
    time_zone: str = "",
    fold_rule: str = "first",
    gap_rule: str = "later",
    late_limit: int | None = None,
    tags_links: bool = True,
    now: datetime,
) -> Post:
    """Save a draft. For who may write on every account named or, where none is, on any of
    the brand. `late_limit` in seconds; the brand's where None. Raises Invalid, NotFound, NotAllowed."""
    if actor.staff_id is None:
        raise ValueError("a post has an author")
    if not variants:
        _require_somewhere(session, actor, brand)
    post = Post(
        brand_id=brand.id, author_id=actor.staff_id, title=title, wall_time=wall_time,
        time_zone=time_zone or brand.time_zone, fold_rule=fold_rule, gap_rule=gap_rule,
        late_limit=brand.late_limit_minutes * 60 if late_limit is None else late_limit,
        tags_links=tags_links, created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(post)
    session.flush()
    write(session, actor, post, words, variants, now)
    audit.record(session, actor, "post.create", post, now, accounts=[v.account_id for v in variants])
    tell_of(session, post, now)
    return post


def tell_of(session: Session, post: Post, now: datetime) -> None:
    """Say that a post changed to those who see one of its accounts; of a draft for none,
    to its author."""
    for target in post.targets:
        live.tell(session, "post", now, account_id=target.account_id, id=post.id)
    if not post.targets:
        live.tell(session, "post", now, staff_id=post.author_id, id=post.id)


def words_of(post: Post) -> Words:
    """The common text as it stands."""
    base = next((v for v in post.variants if v.is_base), None)
    if base is None:
        return Words()
    return _words(base)


def specs_of(post: Post) -> list[VariantSpec]:
    """The accounts as they stand; what follows the common text is None."""
    specs = []
    for target in sorted(post.targets, key=lambda t: t.account_id):
        own = set(target.variant.options.get("own", ())) if not target.variant.is_base else set()
        held = _words(target.variant)
        specs.append(VariantSpec(target.account_id, **{f: getattr(held, f) if f in own else None for f in FIELDS}))
    return specs


def contents_of(post: Post) -> list[Content]:
    """What each account gets, complete."""
    return [
        with_names(
            Content(
                account_id=target.account_id,
                parts=_parts(target),
                language=target.variant.language,
                subject=target.variant.subject,
                options={k: v for k, v in target.variant.options.items() if k != "own"},
            ),
            called_of(target.mentions),
        )
        for target in sorted(post.targets, key=lambda t: t.account_id)
    ]


def undecided_in(words: Words) -> list[int]:
    """The items with a link of which nobody said whether it has a card."""
    each = [(words.text, words.media_ids), *((i.text, i.media_ids) for i in words.items)]
    return undecided([text for text, _ in each], [not files for _, files in each], words.cards)


def _words(variant: Variant) -> Words:
    thread = [i for i in variant.items if i.get("kind") != _COMMENT]
    comment = next((str(i["text"]) for i in variant.items if i.get("kind") == _COMMENT), "")
    files: dict[int, list[int]] = {}
    for used in variant.files:
        files.setdefault(used.item, []).append(used.media_id)
    items = [Item(str(i["text"]), files.get(n, [])) for n, i in enumerate(thread, 1)]
    framing = {used.media_id: frame for used in variant.files if (frame := frame_of(used.frame))}
    pictures = {used.item: used.media_id for used in variant.media if used.is_of_card}
    cards = {int(n): card_of(kept, pictures.get(int(n))) for n, kept in variant.cards.items()}
    return Words(variant.text, items, comment, variant.language, variant.subject, files.get(0, []), framing, cards)


def _with_frames(spec: VariantSpec, words: Words) -> VariantSpec:
    """An account with files of its own keeps how they are shown where the common text has them not."""
    if spec.framing is not None:
        return spec
    mine = set(spec.over(words).files())
    strays = mine & words.framing.keys() - set(words.files())
    return replace(spec, framing={i: f for i, f in words.framing.items() if i in mine}) if strays else spec


def _parts(target: PostTarget) -> tuple[Part, ...]:
    """What goes out on an account: its links as was settled for them, and what was made in place
    of files."""
    variant, made = target.variant, {r.media_id: r.rendition for r in target.renditions}
    tags = tags_of(target.link_tags)

    def ref(used: VariantMedia) -> MediaRef:
        frame = frame_of(used.frame)
        plain = ref_of(used.media, used.alt, frame.focus if frame else None)
        return instead_of(plain, made[used.media_id]) if used.media_id in made else plain

    def is_uncut(used: VariantMedia) -> bool:
        recipe = cut_of(used)
        has = made[used.media_id].recipe if used.media_id in made else ""
        return bool(recipe) and has != recipe and not has.startswith(joined(recipe, ""))

    def part(n: int, text: str, kind: str) -> Part:
        here = [m for m in variant.files if m.item == n]
        uncut = frozenset(at for at, m in enumerate(here) if is_uncut(m))
        card = _card(variant, n, tags) if target.gives_cards and not here and kind != _COMMENT else None
        return Part(tag_links(text, tags), tuple(map(ref, here)), kind, uncut, card, typed=text)

    following = [(str(i["text"]), str(i.get("kind", "thread_item"))) for i in variant.items]
    return tuple(part(n, text, kind) for n, (text, kind) in enumerate([(variant.text, "post"), *following]))


def _card(variant: Variant, item: int, tags: LinkTags | None) -> CardRef | None:
    kept = variant.cards.get(str(item))
    if kept is None or not kept["shown"]:
        return None
    picture = next((ref_of(m.media) for m in variant.media if m.is_of_card and m.item == item), None)
    return CardRef(tag_links(kept["url"], tags), kept["title"], kept["description"], picture)


def cut_of(used: VariantMedia) -> str:
    """What is to be cut out of the file there: the recipe; "" where it is shown whole."""
    return recipe_of(frame_of(used.frame), used.media.width, used.media.height)


def _variant(words: Words, files: dict[int, Media], own: list[str], is_base: bool) -> Variant:
    if len(words.items) > MOST_ITEMS:
        raise Invalid("this thread is too long", {"items": say("are more than {most}", most=MOST_ITEMS)})
    comment = [{"text": words.first_comment, "kind": _COMMENT}] if words.first_comment else []
    cards = checked(words.cards, 1 + len(words.items))
    variant = Variant(
        is_base=is_base, text=words.text, items=[*({"text": i.text} for i in words.items), *comment],
        language=words.language, subject=words.subject, options={"own": own} if own else {},
        cards={str(n): card.plain() for n, card in cards.items()},
    )  # fmt: skip
    variant.media = [
        VariantMedia(item=item, position=n, media=files[id_], frame=_kept(words.framing.get(id_), files[id_]))
        for item, ids in enumerate([words.media_ids, *(i.media_ids for i in words.items)])
        for n, id_ in enumerate(dict.fromkeys(ids))
    ]
    variant.media += [
        VariantMedia(item=n, position=_CARD, media=_picture(n, files[card.media_id]), is_of_card=True)
        for n, card in cards.items()
        if card.media_id is not None
    ]
    return variant


def _picture(item: int, media: Media) -> Media:
    require_small(item, media.mime, media.size)
    return media


def _kept(frame: Frame | None, media: Media) -> dict[str, Any]:
    return settled(frame, media.mime, media.width, media.height).plain() if frame else {}


def _files(session: Session, actor: Actor, ids: Sequence[int]) -> dict[int, Media]:
    found = find_files(session, actor, ids)
    missing = [i for i in ids if i not in found]
    if missing:
        raise Invalid("a file is not there", {"media_ids": say("{id} is no file of yours", id=str(missing[0]))})
    return found


def _require_accounts(session: Session, actor: Actor, brand_id: int, variants: Sequence[VariantSpec]) -> None:
    ids = [v.account_id for v in variants]
    for account_id in ids:
        require(actor, Action.POST_WRITE, account_id)
    if not ids:
        return
    brands = dict(session.execute(select(Account.id, Account.brand_id).where(Account.id.in_(ids))).all())
    for account_id in ids:
        if account_id not in brands:
            raise NotFound("there is no such account, or it is not yours to see")
        if brands[account_id] != brand_id:
            raise Invalid(
                "a post belongs to one brand",
                {"variants": say("account {account_id} is of another brand", account_id=str(account_id))},
            )


def _require_somewhere(session: Session, actor: Actor, brand: Brand) -> None:
    mine = select(Account.id).where(Account.brand_id == brand.id, visible(actor, Account.id, Action.POST_WRITE))
    account_id = session.scalar(mine.limit(1))
    if account_id is None:
        require(actor, Action.BRAND_MANAGE)
    else:
        require(actor, Action.POST_WRITE, account_id)
