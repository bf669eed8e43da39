"""Sets of hashtags: what a brand's authors put into a text at once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from guichet.accounts import queries as accounts
from guichet.models import Account
from guichet.models import HashtagSet as SetRow
from guichet.publishing import hashtags
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.hashtags import HashtagCut, HashtagSet, HashtagSetChange, HashtagSetNew, HashtagSetQuery
from webapp.asking import Asked, Room

room = Room("hashtags")


@room.get("/hashtag-sets", Page[HashtagSet])
def list_hashtag_sets(asked: Asked, query: HashtagSetQuery) -> Page[HashtagSet]:
    """Those of the brands that one sees."""
    rows = hashtags.list_sets(
        asked.session, asked.actor, brand_id=query.brand_id, after=after(query.cursor), limit=query.limit + 1
    )
    on = _networks(asked, rows)
    return page_by_id(rows, query.limit, lambda row: _show(asked, row, on))


@room.post("/hashtag-sets", HashtagSet, scope="manage", status=201)
def add_hashtag_set(asked: Asked, body: HashtagSetNew) -> HashtagSet:
    """A new set. For who looks after labels, and who manages an account of the brand."""
    brand = accounts.get_brand(asked.session, asked.actor, body.brand_id)
    row = hashtags.create_set(asked.session, asked.actor, brand, name=body.name, tags=body.tags, now=asked.now)
    return _show(asked, row, _networks(asked, [row]))


@room.patch("/hashtag-sets/<int:id>", HashtagSet, scope="manage")
def change_hashtag_set(asked: Asked, path: IdPath, body: HashtagSetChange) -> HashtagSet:
    """Rename it, or give it other tags; posts keep their words."""
    row = hashtags.get_set(asked.session, asked.actor, path.id)
    tags = row.tags if body.tags is None else body.tags
    hashtags.change_set(asked.session, asked.actor, row, name=body.name or row.name, tags=tags, now=asked.now)
    return _show(asked, row, _networks(asked, [row]))


@room.delete("/hashtag-sets/<int:id>", Done, scope="manage")
def remove_hashtag_set(asked: Asked, path: IdPath) -> Done:
    """Forget it; posts keep their words."""
    row = hashtags.get_set(asked.session, asked.actor, path.id)
    hashtags.delete_set(asked.session, asked.actor, row, asked.now)
    return Done()


def _networks(asked: Asked, rows: Sequence[SetRow]) -> dict[int, set[str]]:
    """The networks on which these sets' brands have accounts, by brand."""
    found: dict[int, set[str]] = {row.brand_id: set() for row in rows}
    of = select(Account.brand_id, Account.network).where(Account.brand_id.in_(found)).distinct()
    for brand_id, network in asked.session.execute(of):
        found[brand_id].add(network)
    return found


def _show(asked: Asked, row: SetRow, on: dict[int, set[str]]) -> HashtagSet:
    specs = asked.networks.specs()
    cuts = hashtags.cut_on(row.tags, [specs[name] for name in sorted(on[row.brand_id]) if name in specs])
    return HashtagSet(
        id=row.id, brand_id=row.brand_id, name=row.name, tags=row.tags,
        cut=[HashtagCut(tag=c.tag, network=c.network, taken=c.taken) for c in cuts],
    )  # fmt: skip
