"""Files that a command line brings to a post: cut as it says, with what the networks of its accounts
take in place of pictures that they would refuse."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from channels.contract import MediaLimit
from guichet.delivery.bounds import STILL, Fitted
from guichet.delivery.payload import MediaRef
from guichet.models import Media, PostTarget
from guichet.policy import Actor
from guichet.publishing import files
from guichet.publishing.framing import SHAPES, Frame, middle
from guichet.publishing.making import Wanted, make, pictures_of
from guichet.publishing.renditions import add_rendition
from guichet.storage import FileStore


@dataclass
class Brought:
    """A file that was examined, and all that was made of it. `keys`: where they lie, the file first."""

    found: files.Found
    alt: str
    frame: Frame | None
    made: list[tuple[str, Fitted]]
    keys: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, found: files.Found, alt: str, shape: str | None, limits: Sequence[MediaLimit | None]) -> Brought:
        """`shape`: of SHAPES, what is to be shown of a picture; None: all."""
        is_cut = shape is not None and found.mime in STILL and found.width and found.height
        frame = middle(found.width or 1, found.height or 1, SHAPES[shape]) if is_cut and shape else None
        plain = MediaRef(
            media_id=0, sha256=hashlib.sha256(found.data).hexdigest(), mime=found.mime, size=len(found.data),
            filename=found.filename, alt=alt, storage_key="", width=found.width, height=found.height,
        )  # fmt: skip
        made = [*pictures_of(found), *make(Wanted(plain, limits, frame), lambda: found.data)]
        return cls(found, alt, frame, made)

    def put(self, store: FileStore) -> list[str]:
        """Store it all; returns the keys."""
        self.keys = [store.put(self.found.data), *(store.put(one.data) for _, one in self.made)]
        return self.keys

    def add(self, session: Session, actor: Actor, now: datetime) -> Media:
        """Keep what was stored."""
        media = files.add_media(session, actor, self.found, storage_key=self.keys[0], alt=self.alt, now=now)
        for (recipe, one), key in zip(self.made, self.keys[1:], strict=True):
            add_rendition(session, actor, media, recipe, one, storage_key=key, now=now)
        return media


def replaced(target: PostTarget) -> list[str]:
    """What an account gets in place of files, in words."""
    names = {used.media_id: used.media.filename for used in target.variant.media}
    return [
        f"{names[one.media_id]} as {one.rendition.mime}, {one.rendition.width} × {one.rendition.height}, "
        f"{'' if one.rendition.is_made else 'about '}{max(1, round(one.rendition.size / 1000))} kB"
        f"{'' if one.rendition.is_made else ' (still to be made)'}"
        for one in target.renditions
        if one.media_id in names
    ]
