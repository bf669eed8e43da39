"""Templates: texts with variables from which a brand's authors write posts that recur."""

from __future__ import annotations

from guichet.accounts import queries as accounts
from guichet.models import PostTemplate as TemplateRow
from guichet.publishing import templates
from guichet.publishing.templates import Wording
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.templates import (
    FilledTemplate,
    PostTemplate,
    PostTemplateChange,
    PostTemplateNew,
    PostTemplateQuery,
    TemplateValues,
    TemplateVariable,
)
from webapp.asking import Asked, Room

room = Room("templates")


@room.get("/post-templates", Page[PostTemplate])
def list_post_templates(asked: Asked, query: PostTemplateQuery) -> Page[PostTemplate]:
    """Those of the brands that one sees."""
    rows = templates.list_templates(
        asked.session, asked.actor, brand_id=query.brand_id, after=after(query.cursor), limit=query.limit + 1
    )
    return page_by_id(rows, query.limit, _show)


@room.post("/post-templates", PostTemplate, scope="manage", status=201)
def add_post_template(asked: Asked, body: PostTemplateNew) -> PostTemplate:
    """A new template. For who looks after labels, and who manages an account of the brand."""
    brand = accounts.get_brand(asked.session, asked.actor, body.brand_id)
    row = templates.create_template(
        asked.session, asked.actor, brand, name=body.name, wording=Wording(body.text, body.variants),
        networks=asked.networks.specs(), now=asked.now,
    )  # fmt: skip
    return _show(row)


@room.patch("/post-templates/<int:id>", PostTemplate, scope="manage")
def change_post_template(asked: Asked, path: IdPath, body: PostTemplateChange) -> PostTemplate:
    """Rename it, or give it other words; posts keep theirs."""
    row = templates.get_template(asked.session, asked.actor, path.id)
    text = row.text if body.text is None else body.text
    variants = row.variants if body.variants is None else body.variants
    templates.change_template(
        asked.session, asked.actor, row, name=body.name or row.name, wording=Wording(text, variants),
        networks=asked.networks.specs(), now=asked.now,
    )  # fmt: skip
    return _show(row)


@room.delete("/post-templates/<int:id>", Done, scope="manage")
def remove_post_template(asked: Asked, path: IdPath) -> Done:
    """Forget it; posts keep their words."""
    row = templates.get_template(asked.session, asked.actor, path.id)
    templates.delete_template(asked.session, asked.actor, row, asked.now)
    return Done()


@room.post("/post-templates/<int:id>/fill", FilledTemplate, scope="publish")
def fill_post_template(asked: Asked, path: IdPath, body: TemplateValues) -> FilledTemplate:
    """The texts of a post, with these values for its variables, for who writes for the brand. Nothing is kept."""
    row = templates.get_template(asked.session, asked.actor, path.id)
    filled = templates.fill_template(asked.session, asked.actor, row, body.values)
    return FilledTemplate(text=filled.text, variants=dict(filled.variants))


def _show(row: TemplateRow) -> PostTemplate:
    asked_for = templates.asked_for(templates.wording_of(row))
    return PostTemplate(
        id=row.id, brand_id=row.brand_id, name=row.name, text=row.text, variants=row.variants,
        variables=[TemplateVariable(name=one.name, instead=one.instead) for one in asked_for],
    )  # fmt: skip
