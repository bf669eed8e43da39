"""Every difference between the statements for SQLite and for PostgreSQL, and nothing else. Time is
the database's own on both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnClause,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Insert,
    Select,
    Table,
    TableClause,
    Text,
    TextClause,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    true,
    union_all,
    values,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from guichet.db import tokens
from guichet.db.tokens import Query
from guichet.db.types import Rows


def is_sqlite(bind: Engine | Connection | Session) -> bool:
    engine = bind.get_bind() if isinstance(bind, Session) else bind
    return engine.dialect.name == "sqlite"


def kind_of(connection: Connection) -> str:
    """The database's kind, for statements that are built once for each (`given` and its like)."""
    return connection.dialect.name


def database_now(bind: Session | Connection) -> datetime:
    """The database's clock: the one that decides what is due."""
    if is_sqlite(bind):
        value = bind.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    found: datetime = bind.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found.astimezone(UTC)


def insert_new(bind: Session | Connection, table: Table, rows: Sequence[Mapping[str, Any]], *unique: str) -> list[int]:
    """Insert rows, passing over those that break the unique index on `unique` columns.
    Returns the ids of the rows that are new, in no promised order."""
    if not rows:
        return []
    make = sqlite.insert if is_sqlite(bind) else postgresql.insert
    statement = make(table).on_conflict_do_nothing(index_elements=list(unique)).returning(table.c.id)
    return list(bind.execute(statement, list(rows)).scalars())


def insert_many_new(bind: Session | Connection, table: Table, rows: Sequence[Mapping[str, Any]], *unique: str) -> int:
    """As `insert_new` for rows that all name the same columns, with plain values: no column
    type of ours has a say. Returns how many are new.

    PostgreSQL takes them as one document: one parameter and one text for any number of rows,
    so that it is parsed once, where a row of parameters each costs us three times as much.
    """
    if is_sqlite(bind):
        return len(insert_new(bind, table, rows, *unique))
    if not rows:
        return 0
    document = json.dumps(rows, default=_plain)
    statement = _insert_document(table.name, tuple(rows[0]), unique)
    return len(bind.execute(statement, {"document": document}).all())


@cache
def _insert_document(name: str, columns: tuple[str, ...], unique: tuple[str, ...]) -> TextClause:
    """Names are our own models', never anybody's input."""
    listed = ", ".join(columns)
    return text(
        f"INSERT INTO {name} ({listed})"  # noqa: S608 - see above
        f" SELECT {listed} FROM json_populate_recordset(CAST(NULL AS {name}), CAST(:document AS json))"
        f" ON CONFLICT ({', '.join(unique)}) DO NOTHING RETURNING id"
    )


def _plain(value: object) -> str:
    """As PostgreSQL reads it from a text."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no plain form")


def committing_by_itself(engine: Engine) -> Connection:
    """A connection for work that is one statement at a time. PostgreSQL commits each of them
    by itself, which saves two trips of three; SQLite begins as soon as nobody else writes."""
    connection = engine.connect()
    how: dict[str, Any] = {"is_urgent": True} if is_sqlite(engine) else {"isolation_level": "AUTOCOMMIT"}
    return connection.execution_options(**how)


def upsert(bind: Session | Connection, table: Table, row: Mapping[str, Any], *unique: str, add: str = "") -> None:
    """Insert a row, or update it where `unique` exists. `add` names a numeric column
    that is added to instead of replaced."""
    make: Any = sqlite.insert if is_sqlite(bind) else postgresql.insert
    statement: Any = make(table).values(**row)
    changes = {k: statement.excluded[k] for k in row if k not in unique}
    if add:
        changes[add] = table.c[add] + statement.excluded[add]
    done: Insert = statement.on_conflict_do_update(index_elements=list(unique), set_=changes)
    bind.execute(done)


# ---------------------------------------------------------------- rows as one parameter


def given(dialect: str, name: str, like: Sequence[Column[Any]]) -> FromClause:
    """Rows that a statement is handed as its one parameter `name`, a list of dicts with the
    names of the columns that they are `like`. However many there are, the text of the
    statement is the same: it is compiled, sent and planned once, where executemany pays for
    each row and IN for each number of values."""
    rows = bindparam(name, type_=Rows())
    if dialect == "sqlite":
        each = func.json_each(rows).table_valued("value")
        return select(*(func.json_extract(each.c.value, f"$.{c.name}").label(c.name) for c in like)).subquery(name)
    typed = (column(c.name, c.type) for c in like)
    return (
        func.jsonb_to_recordset(cast(rows, postgresql.JSONB))
        .table_valued(*typed, name=name)
        .render_derived(with_types=True)
    )


def is_found(query: Select[Any]) -> ColumnElement[bool]:
    """EXISTS, looked up row by row: beside rows that are `given`, of which it knows no number,
    PostgreSQL would read the whole table of an EXISTS first."""
    return query.limit(1).scalar_subquery().is_not(None)


def no_way_in(dialect: str, column_: Column[Any]) -> ColumnElement[Any]:
    """A column that is only compared, beside rows that are `given`: SQLite would take an index
    on a state for the way in, and read all rows of that state."""
    plain = literal_column(f"+{column_.table.name}.{column_.name}", column_.type)
    return plain if dialect == "sqlite" else column_


def json_object(dialect: str, **values: ColumnElement[Any]) -> ColumnElement[Any]:
    """An object of JSON made of columns."""
    make = func.json_object if dialect == "sqlite" else func.jsonb_build_object
    parts = (part for name, value in values.items() for part in (literal(name, Text()), value))
    return make(*parts)


def first_of_each(dialect: str, legs: FromClause, walk: Select[Any], target: Table) -> Select[Any]:
    """The rows of `target` whose ids `walk`, a limited select that refers to `legs`, finds
    for each of the legs. One index walk per leg on both: PostgreSQL joins laterally, and
    locks what the walk locks; SQLite looks the ids up."""
    if dialect == "sqlite":
        found = target.c.id.in_(walk.correlate(legs))
    else:
        each = walk.correlate(legs).lateral("walk")
        return select(target).select_from(legs.join(each, true()).join(target, target.c.id == each.c.id))
    return select(target).select_from(legs.join(target, found))


def upsert_given(
    dialect: str,
    name: str,
    table: Table,
    columns: Sequence[str],
    unique: Sequence[str],
    change: Callable[[Any, Any], tuple[Mapping[str, Any], ColumnElement[bool] | None]],
) -> Insert:
    """A statement that inserts the rows that it is `given`, in order of `unique`, so that no
    two of them wait for each other. Where one exists, `change` of the columns that stand and
    those that came says what they become, and under which condition (None: always)."""
    rows = given(dialect, name, [table.c[column_] for column_ in columns])
    # SQLite takes ON CONFLICT for a join's ON where a SELECT before it has no WHERE.
    chosen = select(*rows.c).where(true()).order_by(*(rows.c[column_] for column_ in unique))
    statement: Any = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table).from_select(columns, chosen)
    values_, where = change(table.c, statement.excluded)
    done: Insert = statement.on_conflict_do_update(index_elements=list(unique), set_=values_, where=where)
    return done


# ---------------------------------------------------------------- walks

# SQLite takes 500 selects in one compound; a leg is one of them.
_LEGS_AT_ONCE = 200


def walk_each(
    bind: Session | Connection,
    legs: Sequence[Mapping[str, Any]],
    walk: Callable[[Mapping[str, Any]], Select[Any]],
    *,
    ascending: bool,
    limit: int,
) -> list[tuple[int, Any]]:
    """(id, key) of the first `limit` rows over many index walks, in order of (key, id).

    `walk` makes the walk of one leg: it compares the leg's columns and selects `id` and
    `key` in order with a limit of its own. PostgreSQL joins laterally with the list of legs;
    SQLite, which has no LATERAL, gets a compound of limited selects.
    """
    if len(legs) == 1:
        rows = [(row[0], row[1]) for row in bind.execute(walk(legs[0]))]
    elif is_sqlite(bind):
        rows = []
        for start in range(0, len(legs), _LEGS_AT_ONCE):
            some = [select(walk(leg).subquery()) for leg in legs[start : start + _LEGS_AT_ONCE]]
            rows += [(row[0], row[1]) for row in bind.execute(union_all(*some))]
    else:
        names = list(legs[0])
        given = values(*(column(name, _sql_type(legs[0][name])) for name in names), name="leg")
        listed = given.data([tuple(leg[name] for name in names) for leg in legs])
        each = walk({name: listed.c[name] for name in names}).lateral("walk")
        found = bind.execute(select(each.c.id, each.c.key).select_from(listed.join(each, true())))
        rows = [(row[0], row[1]) for row in found]
    rows.sort(key=lambda r: (r[1], r[0]), reverse=not ascending)
    return rows[:limit]


def _sql_type(value: Any) -> Any:
    return BigInteger() if isinstance(value, int) else Text()


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


def find_words(bind: Session | Connection, query: Query, accounts: Sequence[int] | None, limit: int) -> list[int]:
    """Ids of the newest messages that meet `query`. `accounts` None: on every account."""
    search = _search_of(bind)
    found = select(search.c.message_id).where(_matches(bind, query))
    if accounts is not None:
        found = found.where(search.c.account_id.in_(accounts))
    return list(bind.execute(found.order_by(search.c.message_id.desc()).limit(limit)).scalars())


def searches_once(bind: Session | Connection) -> bool:
    """Whether `has_words` costs a search for each SELECT that it stands in, however few rows it is asked of."""
    return is_sqlite(bind)


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


def begin_snapshot(connection: Connection) -> None:
    """Begin a reading transaction that sees one moment of the database, however long it
    takes. `connection` must not have begun, and must have been opened with `writes=False`."""
    if not is_sqlite(connection):
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    # The snapshot begins with the first read of a table.
    anything = table("sqlite_master" if is_sqlite(connection) else "pg_class")
    connection.execute(select(func.count()).select_from(anything))


def number_on(bind: Session | Connection, table: Table) -> None:
    """Have new rows numbered after those that are there, where rows were put in with their ids."""
    key = table.autoincrement_column
    if key is None or is_sqlite(bind):  # SQLite numbers on by itself
        return
    highest = bind.execute(select(func.max(key))).scalar()
    if highest is not None:
        bind.execute(select(func.setval(func.pg_get_serial_sequence(table.name, key.name), highest)))
