"""The links of a brand's posts on their way out: the brand's rule, what it comes to on each
account, and when that is settled.

It is settled when a post is sent off for approval or to its time, or what it says is written
anew, and stands in the post from then on: what is approved, frozen and sent is the text as it
goes out, and a rule that changes later changes nothing of it. Answers are never tagged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.models import Account, Brand, Post, PostTag
from guichet.models import LinkRule as LinkRuleRow
from guichet.policy import Action, Actor, can, require, visible
from guichet.publishing import link_rules
from guichet.publishing.link_rules import LinkRule, exception_of, tags_for, values_of
from guichet.publishing.link_tags import LinkTags, tag_links
from guichet.publishing.rules import Content, Part, zone_of
from guichet.publishing.tags import get_tags


def find_rules(session: Session, brand_ids: Collection[int]) -> dict[int, LinkRule]:
    """The brands' rules by id; where none was written, one that touches nothing."""
    rows = session.scalars(select(LinkRuleRow).where(LinkRuleRow.brand_id.in_(brand_ids)))
    found = {
        r.brand_id: LinkRule(r.is_on, tuple(r.domains), r.patterns, tuple(exception_of(e) for e in r.exceptions))
        for r in rows
    }
    return {id_: found.get(id_, LinkRule()) for id_ in brand_ids}


def find_rule(session: Session, brand_id: int) -> LinkRule:
    """One brand's."""
    return find_rules(session, [brand_id])[brand_id]


def next_number(session: Session) -> int:
    """What a post that is saved now would be called, to count what links say of it."""
    return (session.scalar(select(func.max(Post.id))) or 0) + 1


def may_manage(session: Session, actor: Actor, brand_id: int) -> bool:
    """Whether the actor writes a brand's rule: who manages brands, or one of its accounts."""
    if can(actor, Action.BRAND_MANAGE):
        return True
    mine = select(Account.id).where(Account.brand_id == brand_id, visible(actor, Account.id, Action.ACCOUNT_MANAGE))
    return session.scalar(mine.limit(1)) is not None


def get_rule(session: Session, actor: Actor, brand: Brand) -> LinkRule:
    """The rule, for who may write it."""
    _require_managing(session, actor, brand)
    return find_rule(session, brand.id)


def set_rule(
    session: Session, actor: Actor, brand: Brand, rule: LinkRule, networks: Collection[str], now: datetime
) -> None:
    """Write the rule; what is sent off already stays as it was settled. `networks`: those that
    there are. Raises Invalid by field."""
    _require_managing(session, actor, brand)
    rule = link_rules.checked(rule, networks)
    row = session.get(LinkRuleRow, brand.id)
    if row is None:
        row = LinkRuleRow(brand_id=brand.id)
        session.add(row)
    row.is_on, row.domains, row.patterns = rule.is_on, list(rule.domains), dict(rule.patterns)
    row.exceptions, row.updated_at = rule.plain_exceptions(), now
    session.flush()
    audit.record(session, actor, "link_rule.change", brand, now, on=rule.is_on, domains=len(rule.domains))


def examples(
    session: Session, actor: Actor, brand: Brand, rule: LinkRule, networks: Collection[str], now: datetime
) -> list[tuple[int, str]]:
    """What a link of the brand's first domain would become on each of its accounts, by id; for a
    rule that is being written. Raises Invalid by field."""
    _require_managing(session, actor, brand)
    rule = link_rules.checked(rule, networks)
    newest = select(PostTag.name).where(PostTag.brand_id == brand.id, PostTag.kind == "campaign")
    campaign = session.scalar(newest.order_by(PostTag.id.desc()).limit(1)) or ""
    accounts = session.scalars(select(Account).where(Account.brand_id == brand.id).order_by(Account.id)).all()
    link = f"https://{rule.domains[0]}/" if rule.domains else ""
    at, number = _here(now, brand.time_zone), next_number(session)
    return [(a.id, tag_links(link, _tags_on(a, rule, number, campaign, at))) for a in accounts]


def keep_link_tags(
    session: Session, post: Post, accounts: Mapping[int, Account], now: datetime, *, anew: bool = False
) -> None:
    """Settle what is added to the links of the post on each account where that is still open;
    `anew`: on all of them."""
    rule = find_rule(session, post.brand_id)
    campaign = next((tag.name for tag in post.tags if tag.kind == "campaign"), "")
    at = post.wall_time or _here(now, post.time_zone)
    for target in post.targets:
        if target.link_tags is None or anew:
            account = accounts[target.account_id]
            tags = _tags_on(account, rule, post.id, campaign, at) if post.tags_links else None
            target.link_tags = tags.plain() if tags else {}
    session.flush()


@dataclass(frozen=True)
class Unsaved:
    """What is known of a post that is being written, as far as its links ask for it."""

    post_id: int | None = None
    tags_links: bool = True
    tag_ids: tuple[int, ...] = ()
    wall_time: str | None = None
    time_zone: str = "UTC"


def foresee(
    session: Session, actor: Actor, post: Unsaved, accounts: Iterable[Account], now: datetime
) -> dict[int, LinkTags]:
    """What would be settled for these accounts now, by id; those of which no link is touched
    are left out. A post that is not saved yet has the number that comes next."""
    accounts = list(accounts)
    for account in accounts:
        require(actor, Action.POST_WRITE, account)
    rules = find_rules(session, {a.brand_id for a in accounts})
    if not post.tags_links or not any(rule.is_on for rule in rules.values()):
        return {}
    campaign = next((t.name for t in get_tags(session, actor, post.tag_ids) if t.kind == "campaign"), "")
    post_id = post.post_id or next_number(session)
    at = post.wall_time or _here(now, post.time_zone)
    found = {a.id: _tags_on(a, rules[a.brand_id], post_id, campaign, at) for a in accounts}
    return {account_id: tags for account_id, tags in found.items() if tags}


def tagged(content: Content, tags: LinkTags | None) -> Content:
    """The content as it goes out, its links tagged. Pure."""

    def sent(part: Part) -> Part:
        card = replace(part.card, url=tag_links(part.card.url, tags)) if part.card else None
        return replace(part, text=tag_links(part.text, tags), typed=part.text, card=card)

    return replace(content, parts=tuple(map(sent, content.parts)))


def _tags_on(account: Account, rule: LinkRule, post_id: int, campaign: str, at: str) -> LinkTags | None:
    values = values_of(
        network=account.network, account=account.handle, brand=account.brand.name, campaign=campaign,
        post_id=post_id, wall_time=at,
    )  # fmt: skip
    return tags_for(rule, values)


def _here(now: datetime, time_zone: str) -> str:
    return now.astimezone(zone_of(time_zone)).replace(tzinfo=None).isoformat()


def _require_managing(session: Session, actor: Actor, brand: Brand) -> None:
    if not may_manage(session, actor, brand.id):
        require(actor, Action.BRAND_MANAGE)
