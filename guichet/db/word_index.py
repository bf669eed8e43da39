"""The index of words in messages on each database: SQLite's FTS5 and PostgreSQL's tsvector.

It is no table of the models, since the two have no common form. What is put in, and how it is
asked for, are tokens of guichet.inbox.lexicon (`guichet.db.tokens`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnClause,
    ColumnElement,
    Connection,
    Select,
    TableClause,
    Text,
    bindparam,
    cast,
    column,
    exists,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from guichet.db import tokens
from guichet.db.dialect import is_sqlite, no_way_in
from guichet.db.tokens import Query

# So many messages hold a word that is common beyond doubt: twice what the planner believes of
# a word that it does not know, among 5,000,000 messages.
_COMMON = 40_000

_SEARCH_TABLE = {
    "sqlite": (
        "CREATE VIRTUAL TABLE IF NOT EXISTS message_search USING fts5"
        "(words, account_id UNINDEXED, tokenize = \"unicode61 remove_diacritics 0 tokenchars '_@'\")",
    ),
    "postgresql": (
        "CREATE TABLE IF NOT EXISTS message_search (message_id bigint PRIMARY KEY REFERENCES message (id)"
        " ON DELETE CASCADE, account_id bigint NOT NULL, words tsvector NOT NULL)",
        "CREATE INDEX IF NOT EXISTS ix_message_search_words ON message_search USING gin (words)",
    ),
}


def create_search(connection: Connection) -> None:
    """The index of words in messages. It is no table of the models: SQLite's FTS5 and
    PostgreSQL's tsvector have no common form. Tokens come from guichet.inbox.lexicon."""
    for statement in _SEARCH_TABLE[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def drop_search(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TABLE IF EXISTS message_search")


def is_search_table(name: str) -> bool:
    """Whether a table belongs to the search index (FTS5 keeps several)."""
    return name == "message_search" or name.startswith("message_search_")


def index_words(bind: Session | Connection, rows: Sequence[tuple[int, int, str]]) -> None:
    """Index messages: their ids, accounts and tokens, one space apart. They must not be
    indexed yet. Tokens are letters and digits, and the marks of guichet.inbox.lexicon."""
    if not rows:
        return
    lite = is_sqlite(bind)
    words: Any = bindparam("tokens", type_=Text())
    statement = _search_of(bind).insert().values(
        message_id=bindparam("message"), account_id=bindparam("account"),
        words=words if lite else cast(words, postgresql.TSVECTOR),
    )  # fmt: skip
    bind.execute(
        statement, [{"message": m, "account": a, "tokens": w if lite else tokens.as_tsvector(w)} for m, a, w in rows]
    )


def forget_words(bind: Session | Connection, message_id: int) -> None:
    """Take a message out of the index."""
    search = _search_of(bind)
    bind.execute(search.delete().where(search.c.message_id == message_id))


def find_words(
    bind: Session | Connection, query: Query, accounts: Sequence[int] | None, limit: int, *, newest: bool = True
) -> list[int]:
    """Ids of messages that meet `query`, of the newest or of any. `accounts` None: on every account."""
    found = select_words(bind, query, accounts)
    if newest:
        found = found.order_by(_search_of(bind).c.message_id.desc())
    return list(bind.execute(found.limit(limit)).scalars())


def select_words(bind: Session | Connection, query: Query, accounts: Sequence[int] | None) -> Select[int]:
    """The ids of all messages that meet `query`, from the index."""
    search = _search_of(bind)
    found = select(search.c.message_id).where(_matches(bind, query))
    return found if accounts is None else found.where(search.c.account_id.in_(accounts))


def is_common(bind: Session | Connection, query: Query) -> bool:
    """Whether many messages meet `query`, as PostgreSQL's planner believes without looking. It
    knows the few hundred words that are said most."""
    if is_sqlite(bind):
        return False
    asked = text("EXPLAIN (FORMAT JSON) SELECT 1 FROM message_search WHERE words @@ CAST(:query AS tsquery)")
    (plan,) = bind.execute(asked, {"query": tokens.as_tsquery(query)}).scalar_one()
    rows: int = plan["Plan"]["Plan Rows"]
    return rows > _COMMON


def probes_well(bind: Session | Connection) -> bool:
    """Whether `has_words` costs little for one row, rather than a whole search for each SELECT."""
    return not is_sqlite(bind)


def has_words(bind: Session | Connection, message_id: Column[int], query: Query) -> ColumnElement[bool]:
    """Whether the message of an outer query meets `query`. PostgreSQL looks at the row of each;
    SQLite, to which each look would be a whole search, searches once for the statement."""
    search = _search_of(bind)
    if is_sqlite(bind):
        found = select(search.c.message_id).where(_matches(bind, query))
        return no_way_in("sqlite", message_id).in_(found)
    return exists(select(search.c.message_id).where(search.c.message_id == message_id, _matches(bind, query)))


def _matches(bind: Session | Connection, query: Query) -> ColumnElement[bool]:
    if is_sqlite(bind):
        return literal_column("message_search").op("MATCH", is_comparison=True)(tokens.as_fts5(query))
    wanted = cast(tokens.as_tsquery(query), postgresql.TSQUERY)
    return _search_of(bind).c.words.op("@@", is_comparison=True)(wanted)


def _search_of(bind: Session | Connection) -> TableClause:
    return _search_keyed("rowid" if is_sqlite(bind) else "message_id")


@cache
def _search_keyed(name: str) -> TableClause:
    key: ColumnClause[int] = column(name)
    key.key = "message_id"
    return table("message_search", key, column("account_id"), column("words"))
