"""Putting a backup back: into an empty database only, of either kind, after every part of it
was checked. Rows come in one transaction: all of them or none."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, exists, inspect, select
from sqlalchemy import table as plain_table

from channels.sentences import say
from guichet.archive.manifest import NAME, Manifest, TablePart, parse, require_keys
from guichet.db import dialect
from guichet.db.migrate import is_known, revision_of
from guichet.errors import Conflict, Invalid
from guichet.inbox import searching
from guichet.models import Base, Brake, Instance, table_of
from guichet.policy import Action, Actor, require
from guichet.storage import FileStore, is_key

HELD_BECAUSE = say("restored from a backup: look at what is overdue and what may be out, then lift this")
_AT_ONCE = 1000  # rows in one statement


def examine(folder: Path, keys: Mapping[str, bytes]) -> Manifest:
    """Read a backup and check all of it: every part's hash, and that these keys open what is
    sealed. Raises Invalid; nothing was touched."""
    try:
        manifest = parse((folder / NAME).read_bytes())
    except OSError:
        raise Invalid(say("there is no backup in {folder}", folder=str(folder))) from None
    require_keys(manifest, keys)
    wrong: dict[str, str] = {}
    expected = {p.part: p.sha256 for p in manifest.tables}
    expected |= {p.part: p.sha256 for p in (manifest.words, manifest.files) if p}
    for part, digest in expected.items():
        if _digest(folder / part) != digest:
            wrong[part] = say("is missing or is not what was written")
    if not wrong:
        for key, digest in _files(folder, manifest):
            if _digest(folder / "files" / key) != digest:
                wrong[f"files/{key}"] = say("is missing or is not what was written")
    if wrong:
        raise Invalid("this backup is damaged: nothing was restored", wrong)
    return manifest


def require_empty(connection: Connection, manifest: Manifest) -> None:
    """Raises Conflict unless nothing at all stands in the database, or only this very schema
    without a row."""
    if not is_known(manifest.schema_revision):
        raise Conflict(
            say(
                "this backup was made by another Guichet (schema {revision}), which this one does not know",
                revision=manifest.schema_revision,
            )
        )
    present = set(inspect(connection).get_table_names()) - {"alembic_version"}
    ours = [t for t in Base.metadata.sorted_tables if t.name in present]
    if any(connection.scalar(select(exists(select(1).select_from(plain_table(t.name))))) for t in ours):
        raise Conflict("this database is not empty: a backup is restored into an empty one only")
    found = revision_of(connection)
    if present and found != manifest.schema_revision:
        raise Conflict("this database has another schema: restore into a database without tables")


def restore_files(actor: Actor, folder: Path, manifest: Manifest, store: FileStore) -> int:
    """Put the files where the rows will name them; returns how many."""
    require(actor, Action.SYSTEM)
    for key, _ in _files(folder, manifest):
        store.keep(key, (folder / "files" / key).read_bytes())
    return manifest.files.count


def restore_rows(connection: Connection, actor: Actor, folder: Path, manifest: Manifest, now: datetime) -> int:
    """Put all rows back, and a brake on everything: what was due when the backup was made is
    overdue now, and what was on its way may be out. The schema is the backup's. Returns how
    many rows."""
    require(actor, Action.SYSTEM)
    for part in manifest.tables:
        try:
            _put_back(connection, folder, part)
        except (ValueError, TypeError, LookupError, AttributeError):
            raise Invalid(say("{part} in the backup cannot be read", part=part.part)) from None
    for part in manifest.tables:
        if part.name in Base.metadata.tables:
            dialect.number_on(connection, Base.metadata.tables[part.name])
    _brake(connection, now)
    return sum(part.rows for part in manifest.tables)


def mark(connection: Connection, actor: Actor, now: datetime) -> None:
    """Index what can be searched, and have this instance wait for a person. On the newest schema."""
    require(actor, Action.SYSTEM)
    searching.rebuild(connection)
    table = table_of(Instance)
    if not connection.execute(table.update().values(unconfirmed_since=now)).rowcount:
        row = {"instance_id": "", "public_url": "", "seen_at": now, "unconfirmed_since": now}
        connection.execute(table.insert().values(**row))


def _put_back(connection: Connection, folder: Path, part: TablePart) -> None:
    shape = part.shape()
    into = shape.as_table()
    later: dict[str, list[dict[str, Any]]] = {name: [] for name in part.later}
    lines = (shape.back(line) for line in _lines(folder / part.part))
    while rows := list(islice(lines, _AT_ONCE)):
        for row in rows:
            for name, kept in later.items():
                if row[name] is not None:
                    kept.append({"the_id": row["id"], "value": row[name]})
                    row[name] = None
        connection.execute(into.insert(), rows)
    for name, kept in later.items():
        if kept:
            one = into.update().where(into.c.id == bindparam("the_id")).values({name: bindparam("value")})
            connection.execute(one, kept)


def _brake(connection: Connection, now: datetime) -> None:
    brake = table_of(Brake)
    connection.execute(
        brake.insert().values(
            scope="all", scope_id=None, stops_posts=True, stops_answers=True, reason=HELD_BECAUSE, pulled_at=now
        )
    )


def _files(folder: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Key and hash of each file; never a path out of the folder."""
    for line in _lines(folder / manifest.files.part):
        if len(line) != 3 or not is_key(str(line[0])):
            raise Invalid(say("{part} in the backup cannot be read", part=manifest.files.part))
        yield str(line[0]), str(line[2])


def _lines(path: Path) -> Iterator[list[Any]]:
    try:
        with gzip.open(path, "rb") as f:
            for line in f:
                yield json.loads(line.decode("utf-8", "surrogatepass"))
    except (OSError, EOFError, zlib.error, ValueError):
        raise Invalid(say("{part} in the backup cannot be read", part=path.name)) from None


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as f:
            return hashlib.file_digest(f, "sha256").hexdigest()
    except OSError:
        return ""
