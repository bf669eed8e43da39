"""API tokens of one's own."""

from __future__ import annotations

from datetime import timedelta

from guichet.errors import NotFound
from guichet.models import ApiToken
from guichet.staff import operations, queries
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page, PageQuery
from webapp.api.schemas.people import Token, TokenMade, TokenNew
from webapp.asking import Asked, Room

room = Room("tokens")


@room.get("/tokens", Page[Token], scope="")
def list_tokens(asked: Asked, query: PageQuery) -> Page[Token]:
    """One's own tokens, never their secrets."""
    rows = queries.list_tokens(asked.session, asked.actor, after=after(query.cursor), limit=query.limit + 1)
    return page_by_id(rows, query.limit, lambda row: Token(**_facts(row)))


@room.post("/tokens", TokenMade, scope="", status=201, secret=True)
def create_token(asked: Asked, body: TokenNew) -> TokenMade:
    """Make a token; its secret is in this answer and nowhere else."""
    ends = asked.now + timedelta(days=body.days) if body.days else None
    token, secret = operations.create_token(
        asked.session, asked.actor, name=body.name, scopes=list(body.scopes), expires_at=ends, now=asked.now
    )
    return TokenMade(**_facts(token), token=secret)


@room.delete("/tokens/<int:id>", Done, scope="")
def revoke_token(asked: Asked, path: IdPath) -> Done:
    """End a token, at once."""
    token = asked.session.get(ApiToken, path.id)
    if token is None:
        raise NotFound("there is no such token")
    operations.revoke_token(asked.session, asked.actor, token, asked.now)
    return Done()


def _facts(token: ApiToken) -> dict[str, object]:
    fields = ("id", "name", "prefix", "scopes", "created_at", "expires_at", "used_at", "revoked_at")
    return {name: getattr(token, name) for name in fields}
