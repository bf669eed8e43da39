"""Search over everything that one may see."""

from __future__ import annotations

from sqlalchemy import or_, select

from guichet.inbox import queries
from guichet.inbox.queries import Filters
from guichet.models import Identity, Post, PostTarget, Variant
from guichet.policy import Action, visible
from webapp.api import threads
from webapp.api.around import brief_of
from webapp.api.schemas.inbox import Found, FoundPost, SearchQuery
from webapp.asking import Asked, Room

room = Room("search")


@room.get("/search", Found)
def search(asked: Asked, query: SearchQuery) -> Found:
    """Conversations, customers and posts that hold these words."""
    filters = Filters(states=("all",), text=query.q)
    page = queries.list_conversations(asked.session, asked.actor, filters, order="newest", limit=query.limit)
    return Found(
        conversations=threads.show_rows(page.items),
        customers=[brief_of(i) for i in _identities(asked, query)],
        posts=_posts(asked, query),
    )


def _identities(asked: Asked, query: SearchQuery) -> list[Identity]:
    """By their names, as the index of messages has them: without case and accents."""
    found = queries.find_customers(asked.session, asked.actor, query.q, limit=query.limit)
    wanted = select(Identity).where(Identity.id.in_(found)).order_by(Identity.seen_at.desc(), Identity.id)
    return list(asked.session.scalars(wanted))


def _posts(asked: Asked, query: SearchQuery) -> list[FoundPost]:
    targets = select(PostTarget.post_id).where(visible(asked.actor, PostTarget.account_id, Action.POST_VIEW))
    rows = asked.session.execute(
        select(Post, Variant.text)
        .join(Variant, (Variant.post_id == Post.id) & Variant.is_base)
        .where(or_(Post.id.in_(targets), Post.author_id == asked.staff_id))
        .where(Variant.text.icontains(query.q, autoescape=True))
        .order_by(Post.id.desc())
        .limit(query.limit)
    )
    return [FoundPost(id=p.id, text=text, state=p.state, due_at=p.due_at) for p, text in rows]
