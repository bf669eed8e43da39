"""Templates: texts with variables, brand by brand, from which posts that recur are written.

A template says nothing to the public by itself: it is filled once, and what comes of it is a text
like any other, so that changing a template touches no post. It is filled whole or not at all, so
that no "{date}" goes out. Who makes labels and campaigns makes templates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.accounts.queries import brands_seen, in_brands_seen, sees_every_brand
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.models import Account, Brand, PostTemplate
from guichet.policy import Action, Actor, require, visible
from guichet.publishing.tags import LONGEST_NAME, fold, require_managing
from guichet.variables import Variable, fill, variables_in

LONGEST_TEXT = 10_000  # characters
LONGEST_VALUE = 1_000  # characters
MOST_VARIABLES = 30


@dataclass(frozen=True)
class Wording:
    """`variants`: the text on a network that has one of its own."""

    text: str
    variants: Mapping[str, str]


def list_templates(
    session: Session, actor: Actor, *, brand_id: int | None = None, after: int = 0, limit: int = 200
) -> Sequence[PostTemplate]:
    """Of the brands that the actor sees, by id."""
    require(actor, Action.STAFF_VIEW)
    wanted = select(PostTemplate).where(PostTemplate.id > after).order_by(PostTemplate.id).limit(limit)
    if brand_id is not None:
        wanted = wanted.where(PostTemplate.brand_id == brand_id)
    return session.scalars(wanted.where(in_brands_seen(session, actor, PostTemplate.brand_id))).all()


def get_template(session: Session, actor: Actor, template_id: int) -> PostTemplate:
    """Raises NotFound, also for one of a brand that the actor does not see."""
    require(actor, Action.STAFF_VIEW)
    row = session.get(PostTemplate, template_id)
    if row is None or not (sees_every_brand(actor) or row.brand_id in brands_seen(session, actor)):
        raise NotFound("there is no such template, or it is not yours to see")
    return row


def create_template(
    session: Session,
    actor: Actor,
    brand: Brand,
    *,
    name: str,
    wording: Wording,
    networks: Collection[str],
    now: datetime,
) -> PostTemplate:
    """A new template; `networks`: those that a variant may be for. Raises Invalid (fields name, text,
    variants.N…), Conflict `exists`."""
    require_managing(session, actor, brand.id)
    name, wording = _checked_name(session, brand.id, name, None), checked(wording, networks)
    row = PostTemplate(
        brand_id=brand.id, name=name, folded=fold(name), text=wording.text, variants=dict(wording.variants),
        created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(session, actor, "post_template.create", row, now)
    return row


def change_template(
    session: Session,
    actor: Actor,
    row: PostTemplate,
    *,
    name: str,
    wording: Wording,
    networks: Collection[str],
    now: datetime,
) -> None:
    """Rename it, or give it other words. Raises as `create_template`."""
    require_managing(session, actor, row.brand_id)
    row.name, wording = _checked_name(session, row.brand_id, name, row.id), checked(wording, networks)
    row.folded, row.text, row.variants = fold(row.name), wording.text, dict(wording.variants)
    session.flush()
    audit.record(session, actor, "post_template.change", row, now)


def delete_template(session: Session, actor: Actor, row: PostTemplate, now: datetime) -> None:
    """Forget it; the posts that were written from it keep their words."""
    require_managing(session, actor, row.brand_id)
    audit.record(session, actor, "post_template.delete", row, now)
    session.delete(row)
    session.flush()


def fill_template(session: Session, actor: Actor, row: PostTemplate, values: Mapping[str, str]) -> Wording:
    """Its words with these values, for who writes posts of its brand. Raises NotAllowed, and as `filled`."""
    mine = select(Account.id).where(Account.brand_id == row.brand_id, visible(actor, Account.id, Action.POST_WRITE))
    if session.scalar(mine.limit(1)) is None:
        raise NotAllowed(say("you write for no account of this brand"))
    return filled(wording_of(row), values)


# ---------------------------------------------------------------- pure


def wording_of(row: PostTemplate) -> Wording:
    return Wording(row.text, row.variants)


def asked_for(wording: Wording) -> list[Variable]:
    """What who uses it is asked for, in the order of the text."""
    return variables_in([wording.text, *wording.variants.values()])


def filled(wording: Wording, values: Mapping[str, str]) -> Wording:
    """The template with a value for each of its variables. Raises Invalid (fields values.NAME) for one that
    must be given and is not, and for a value of nothing in it."""
    known = {one.name: one for one in asked_for(wording)}
    given = {name.lower(): value.strip() for name, value in values.items()}
    wrong = {f"values.{name}": say("the template has no such variable") for name in given if name not in known}
    for name, one in known.items():
        if not given.get(name) and not one.instead:
            wrong[f"values.{name}"] = say("is needed")
        elif len(given.get(name, "")) > LONGEST_VALUE:
            wrong[f"values.{name}"] = say("must have at most {most} characters", most=LONGEST_VALUE)
    if wrong:
        raise Invalid("the template cannot be filled so", wrong)
    put = {name: given.get(name, "") for name in known}
    return Wording(fill(wording.text, put), {network: fill(text, put) for network, text in wording.variants.items()})


def checked(wording: Wording, networks: Collection[str]) -> Wording:
    """The wording as it is kept. A variant without words is none. Raises Invalid."""
    text = wording.text.strip()
    variants = {network: text.strip() for network, text in wording.variants.items() if text.strip()}
    wrong: dict[str, str] = {}
    if not 0 < len(text) <= LONGEST_TEXT:
        wrong["text"] = say("must have 1 to {most} characters", most=LONGEST_TEXT)
    for network, words in variants.items():
        if network not in networks:
            wrong[f"variants.{network}"] = say("there is no network “{name}”", name=network[:60])
        elif len(words) > LONGEST_TEXT:
            wrong[f"variants.{network}"] = say("must have at most {most} characters", most=LONGEST_TEXT)
    kept = Wording(text, variants)
    if len(asked_for(kept)) > MOST_VARIABLES:
        wrong["text"] = say("at most {most} variables", most=MOST_VARIABLES)
    if wrong:
        raise Invalid("this template cannot be kept so", wrong)
    return kept


def _checked_name(session: Session, brand_id: int, name: str, own_id: int | None) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        wrong = say("must have 1 to {most} characters", most=LONGEST_NAME)
        raise Invalid("this name cannot be kept so", {"name": wrong})
    same = select(PostTemplate.id).where(PostTemplate.brand_id == brand_id, PostTemplate.folded == fold(name))
    if session.scalars(same.where(PostTemplate.id != (own_id or 0))).first():
        raise Conflict(say("there is a “{name}” already", name=name), code="exists")
    return name
