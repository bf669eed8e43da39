"""Taking out of an archive the files that cells name, one at a time: each is examined like any
upload, each content kept once, whoever names it. And throwing away again what no post came of."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.bulk.archives import Archive, Spoiled, require_few
from guichet.bulk.reading import names_of_files
from guichet.errors import Conflict, Invalid
from guichet.models import Media
from guichet.policy import Action, Actor, require_somewhere
from guichet.publishing import files, library
from guichet.publishing.files import Found

_NESTED = say("is an archive itself: pack what is in it beside the others")

T = TypeVar("T")


@dataclass
class Taken(Generic[T]):
    """What was kept by the names that cells give, why others could not be, and how many files
    nobody named."""

    kept: dict[str, T] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    unused: int = 0


def take_files(archive: Archive, cells: Iterable[str], keep: Callable[[Found], T]) -> Taken[T]:
    """Take the files that these cells name; one that is not there is the check's to tell. What
    `keep` was given is let go before the next is read. Raises Invalid where the archive as a whole is more than it may
    be."""
    wanted = list(dict.fromkeys(name for cell in cells for name in names_of_files(cell, archive.names)))
    taken: Taken[T] = Taken()
    meant: dict[str, str] = {}
    for name in wanted:
        try:
            path = archive.find(name)
        except Spoiled as e:
            taken.lost[name] = e.why
        else:
            if path is not None:
                meant[name] = path
    require_few(meant.values())
    by_path: dict[str, T | str] = {}
    by_content: dict[bytes, T | str] = {}
    for name, path in meant.items():
        if path not in by_path:
            by_path[path] = _take(archive, path, by_content, keep)
        found = by_path[path]
        if isinstance(found, str):
            taken.lost[name] = found
        else:
            taken.kept[name] = found
    taken.unused = archive.count_files() - len(by_path)
    return taken


def _take(archive: Archive, path: str, by_content: dict[bytes, T | str], keep: Callable[[Found], T]) -> T | str:
    """What was kept, or why it could not be."""
    try:
        data = archive.read(path, files.LARGEST)
    except Spoiled as e:
        return e.why
    digest = hashlib.sha256(data).digest()
    if digest not in by_content:
        try:
            found = files.examine(data, path)
            by_content[digest] = _NESTED if found.mime == "application/zip" else keep(found)
        except Invalid as e:
            by_content[digest] = e.fields.get("file", e.message)
    return by_content[digest]


def throw_away(session: Session, actor: Actor, media_ids: Sequence[int], now: datetime) -> list[str]:
    """Take one's own files away that came for posts which were not brought in. What meanwhile
    stands in a post, an answer or a library stays. Returns the keys to be given up once
    this is committed."""
    require_somewhere(actor, Action.POST_WRITE)
    own = Media.uploaded_by == actor.staff_id, Media.brand_id.is_(None)
    keys: list[str] = []
    for media in session.scalars(select(Media).where(Media.id.in_(media_ids), *own).order_by(Media.id)).all():
        try:
            keys += library.remove(session, actor, media, now)
        except Conflict:
            continue
    return keys
