"""Making a backup: a folder that holds one moment of everything, the same from SQLite and
from PostgreSQL. It has its name only once it is whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select, union

from channels.sentences import say
from guichet.archive.manifest import NAME, FilesPart, Manifest, TablePart, check_values
from guichet.archive.rows import self_references, shape_of
from guichet.db.migrate import revision_of
from guichet.errors import Conflict
from guichet.models import AlertHook, Attachment, AuditSeal, Base, Credential, Media, Rendition
from guichet.policy import Action, Actor, require
from guichet.storage import FileStore

# Browsers sign in again, a consent that was under way is begun again, a picture is loaded again.
LEFT_OUT = frozenset({"staff_session", "connect_attempt", "mail_picture"})
_AT_ONCE = 1000  # rows in memory


def back_up(
    connection: Connection,
    actor: Actor,
    folder: Path,
    *,
    store: FileStore,
    keys: Mapping[str, bytes],
    public_url: str,
    now: datetime,
) -> Manifest:
    """Write everything to `folder`, which must not be there. `connection` has begun a
    snapshot (guichet.db.dialect.begin_snapshot). Raises Conflict, OSError."""
    require(actor, Action.SYSTEM)
    if folder.exists():
        raise Conflict(say("{folder} is there already: a backup is never written over", folder=str(folder)))
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # of one that was broken off
    partial.mkdir(mode=0o700, parents=True)
    manifest = Manifest(
        made_at=now,
        schema_revision=revision_of(connection),
        database=connection.engine.url.get_backend_name(),
        public_url=public_url,
        keys=check_values(_keys_in_use(connection), keys),
        tables=[_write_table(connection, partial, t) for t in Base.metadata.sorted_tables if t.name not in LEFT_OUT],
        files=_write_files(connection, partial, store),
    )
    (partial / NAME).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _sync(partial / NAME)
    partial.rename(folder)
    return manifest


def _keys_in_use(connection: Connection) -> list[str]:
    hooks = select(AlertHook.key_id).where(AlertHook.removed_at.is_(None))
    used = union(select(Credential.key_id), select(AuditSeal.key_id), hooks)
    return list(connection.scalars(used))


def _write_table(connection: Connection, folder: Path, table: Table) -> TablePart:
    shape, part = shape_of(table), f"rows/{table.name}.jsonl.gz"
    found = connection.execute(
        select(table).order_by(*table.primary_key), execution_options={"stream_results": True, "yield_per": _AT_ONCE}
    )
    rows, digest = _write(folder / part, (shape.out(row) for row in found))
    return TablePart(
        name=table.name, columns=list(shape.columns), later=self_references(table), rows=rows, part=part,
        sha256=digest,
    )  # fmt: skip


def _write_files(connection: Connection, folder: Path, store: FileStore) -> FilesPart:
    files = select(Media.storage_key), select(Rendition.storage_key).where(Rendition.sha256 != "")
    named = union(*files, select(Attachment.storage_key).where(Attachment.storage_key != ""))
    listed: list[list[Any]] = []
    missing: list[str] = []
    for key in sorted(connection.scalars(named)):
        try:
            data = store.get(key)
        except FileNotFoundError:
            missing.append(key)
            continue
        path = folder / "files" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        _sync(path)
        listed.append([key, len(data), hashlib.sha256(data).hexdigest()])
    part = "files.jsonl.gz"
    count, digest = _write(folder / part, listed)
    return FilesPart(part=part, sha256=digest, count=count, bytes=sum(size for _, size, _ in listed), missing=missing)


def _write(path: Path, lines: Iterable[list[Any]]) -> tuple[int, str]:
    """One JSON array a line; returns how many, and the file's SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with gzip.GzipFile(path, "wb", compresslevel=4, mtime=0) as f:
        for line in lines:
            said = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
            f.write(said.encode("utf-8", "surrogatepass") + b"\n")
            count += 1
    _sync(path)
    with path.open("rb") as written:
        return count, hashlib.file_digest(written, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as f:
        os.fsync(f.fileno())
