"""Labels and campaigns: what a brand sorts its posts by."""

from __future__ import annotations

from guichet.accounts import queries as accounts
from guichet.publishing import queries, tags
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.publishing import PostTag
from webapp.api.schemas.tags import PostsTag, PostsTagged, PostTagChange, PostTagNew, PostTagQuery
from webapp.api.showing_posts import show_tag
from webapp.asking import Asked, Room

room = Room("tags")


@room.get("/post-tags", Page[PostTag])
def list_tags(asked: Asked, query: PostTagQuery) -> Page[PostTag]:
    """Labels and campaigns of the brands that one sees."""
    rows = tags.list_tags(
        asked.session, asked.actor, brand_id=query.brand_id, after=after(query.cursor), limit=query.limit + 1
    )
    return page_by_id(rows, query.limit, show_tag)


@room.post("/post-tags", PostTag, scope="manage", status=201)
def add_tag(asked: Asked, body: PostTagNew) -> PostTag:
    """A new label or campaign. For who looks after labels, and who manages an account of the brand."""
    brand = accounts.get_brand(asked.session, asked.actor, body.brand_id)
    made = tags.create_tag(
        asked.session, asked.actor, brand, kind=body.kind, name=body.name, colour=body.colour, now=asked.now
    )
    return show_tag(made)


@room.patch("/post-tags/<int:id>", PostTag, scope="manage")
def change_tag(asked: Asked, path: IdPath, body: PostTagChange) -> PostTag:
    """Rename or recolour it."""
    row = tags.get_tag(asked.session, asked.actor, path.id)
    name, colour = body.name or row.name, body.colour or row.colour
    return show_tag(tags.change_tag(asked.session, asked.actor, row, name=name, colour=colour, now=asked.now))


@room.delete("/post-tags/<int:id>", Done, scope="manage")
def remove_tag(asked: Asked, path: IdPath) -> Done:
    """Take it off every post."""
    tags.delete_tag(asked.session, asked.actor, tags.get_tag(asked.session, asked.actor, path.id), asked.now)
    return Done()


@room.post("/posts/tags", PostsTagged, scope="publish")
def tag_posts(asked: Asked, body: PostsTag) -> PostsTagged:
    """Add and take off labels and campaigns, on all of these posts or on none. What they say
    stays approved, and what is out already can be sorted too."""
    posts = [queries.get_post(asked.session, asked.actor, i) for i in dict.fromkeys(body.post_ids)]
    tags.tag_posts(asked.session, asked.actor, posts, add=body.add, remove=body.remove, now=asked.now)
    return PostsTagged(posts=len(posts))
