"""Every difference between the statements for SQLite and for PostgreSQL, and nothing else. Time is
the database's own on both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Insert,
    LargeBinary,
    Select,
    Table,
    Text,
    TextClause,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from guichet.db.types import Json, Rows


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


def holds_bytes(bind: Session | Connection, column_: Any, needle: bytes) -> ColumnElement[bool]:
    """Whether a column of bytes holds these somewhere. Reads every row that is asked of."""
    wanted = literal(needle, LargeBinary)
    if is_sqlite(bind):
        return func.instr(column_, wanted) > 0
    return func.position(wanted.op("IN")(column_)) > 0


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


def json_list(dialect: str, *values: ColumnElement[Any]) -> ColumnElement[Any]:
    """Rows as one list of JSON, each a list of these values, in the order in which they are read."""
    if dialect == "sqlite":
        return func.json_group_array(func.json_array(*values), type_=Json)
    return func.jsonb_agg(func.jsonb_build_array(*values), type_=Json)


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


# ---------------------------------------------------------------- lists

# For statements that every request makes and whose plan is the same whatever the values: PostgreSQL
# plans them once for each connection, and not each time.
PREPARED: Mapping[str, Any] = {"is_prepared": True}


def is_one_of(bind: Session | Connection, column_: Any, ids: Sequence[int] | Select[int]) -> ColumnElement[bool]:
    """Whether a column that has an index is one of so many ids, which are gathered first: one look
    into the index for each. Left to itself, PostgreSQL would rather go through the whole table."""
    if is_sqlite(bind):
        return column_.in_(ids)  # type: ignore[no-any-return]
    if isinstance(ids, Select):
        gathered: Any = func.array(ids.scalar_subquery(), type_=postgresql.ARRAY(BigInteger))
    else:
        gathered = literal(list(ids), postgresql.ARRAY(BigInteger))
    return column_ == any_(gathered)  # type: ignore[no-any-return]


def is_one_given(dialect: str, column_: Any, name: str) -> ColumnElement[bool]:
    """Whether a column that has an index is one of the ids that a statement is handed as its
    parameter `name`, for statements that are built once."""
    if dialect == "sqlite":
        return column_.in_(bindparam(name, expanding=True))  # type: ignore[no-any-return]
    return column_ == any_(bindparam(name, type_=postgresql.ARRAY(BigInteger)))  # type: ignore[no-any-return]


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
    is_plain: bool = False,
) -> list[tuple[int, Any]]:
    """(id, key) of the first `limit` rows over many index walks, in order of (key, id).

    `walk` makes the walk of one leg: it compares the leg's columns and selects `id` and
    `key` in order with a limit of its own. PostgreSQL joins laterally with the list of legs;
    SQLite, which has no LATERAL, gets a compound of limited selects. `is_plain`: hardly a row is
    passed over. PostgreSQL takes the states of who waits for a condition that leaves few, and would
    gather and sort them all; planned without their values it walks.
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
        # Arrays, and not VALUES: the statement is put together once, however many legs there are.
        types = {name: _sql_type(legs[0][name]) for name in names}
        given = (literal([leg[name] for leg in legs], postgresql.ARRAY(types[name])) for name in names)
        named = (column(name, types[name]) for name in names)
        listed = func.unnest(*given).table_valued(*named).render_derived(name="leg")
        each = walk({name: listed.c[name] for name in names}).lateral("walk")
        merged = _in_order(select(each.c.id, each.c.key).select_from(listed.join(each, true())), each, ascending)
        merged = merged.limit(limit).execution_options(is_prepared=is_plain)
        rows = [(row[0], row[1]) for row in bind.execute(merged)]
    rows.sort(key=lambda r: (r[1], r[0]), reverse=not ascending)
    return rows[:limit]


def walk_until(
    bind: Session | Connection,
    legs: Sequence[Mapping[str, Any]],
    walk: Callable[[Mapping[str, Any]], Select[Any]],
    meets: Callable[[ColumnElement[int]], ColumnElement[bool]],
    *,
    ascending: bool,
    limit: int,
    most: int,
) -> list[tuple[int, Any]]:
    """As `walk_each`, of what `meets` a condition that costs something: asked of one after the
    other in order, of `most` at most, and no further than the limit. On PostgreSQL; `walk`
    has no limit of its own.

    The planner takes reading along an index for so dear that it would read everything and
    sort it, hundreds of times as much; so it may not sort here.
    """
    merged = union_all(*(walk(leg) for leg in legs)).subquery("merged")
    first = _in_order(select(merged), merged, ascending).limit(most).subquery("first")
    found = _in_order(select(first.c.id, first.c.key).where(meets(first.c.id)), first, ascending)
    may_sort = text("SELECT set_config('enable_sort', :may, true)")
    bind.execute(may_sort, {"may": "off"})
    rows = [(row[0], row[1]) for row in bind.execute(found.limit(limit))]
    bind.execute(may_sort, {"may": "on"})
    return rows


def _in_order(chosen: Select[Any], rows: FromClause, ascending: bool) -> Select[Any]:
    keys = (rows.c.key, rows.c.id)
    return chosen.order_by(*(keys if ascending else (key.desc() for key in keys)))


def _sql_type(value: Any) -> Any:
    return BigInteger() if isinstance(value, int) else Text()


@contextmanager
def only_reading(engine: Engine) -> Iterator[Session]:
    """A transaction that only reads: on SQLite it does not wait for writers, PostgreSQL refuses what
    would write. There it ends with a commit: with a rollback psycopg throws away the statements that
    the connection has prepared, and each of the next request's would be planned anew."""
    options = {"writes": False} if is_sqlite(engine) else {"postgresql_readonly": True, "only_reads": True}
    with engine.connect().execution_options(**options) as connection, Session(connection) as session:
        yield session
        if not is_sqlite(engine):
            connection.commit()


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
