"""What is to be made of a file, and making it: shared by all who bring files. Between transactions,
for it takes a second or two of work, and only what is not there yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from channels.contract import MediaLimit
from guichet.delivery.bounds import STILL, Fitted, joined
from guichet.delivery.materials import Made, instead_of
from guichet.delivery.payload import MediaRef
from guichet.errors import Invalid
from guichet.publishing import fitting
from guichet.publishing.files import Found
from guichet.publishing.framing import Frame, recipe_of
from guichet.publishing.renditions import POSTER, THUMBNAIL, missing

_SMALL_ALREADY = 60_000  # bytes of a picture that is its own thumbnail


@dataclass(frozen=True)
class Wanted:
    """A file, what is to be shown of it, for which limits, what of that is there, and how many
    renditions at most are made now (None: all)."""

    plain: MediaRef
    limits: Sequence[MediaLimit | None]
    frame: Frame | None = None
    made: Made = field(default_factory=dict)
    most: int | None = None


def make(wanted: Wanted, read: Callable[[], bytes]) -> Iterator[tuple[str, Fitted]]:
    """What is not there yet, by recipe; nothing for what is no still picture. The bytes are read
    once, and only where they are needed; what no picture can be made for is left out."""
    plain, made = wanted.plain, wanted.made
    if plain.mime not in STILL:
        return
    cut = recipe_of(wanted.frame, plain.width, plain.height)
    needs_thumbnail = plain.size > _SMALL_ALREADY and (plain.media_id, THUMBNAIL) not in made
    shown, data = plain, b""
    if cut:
        there = made.get((plain.media_id, cut))
        if there is None and wanted.frame is not None:
            data = read()
            one = fitting.cut(data, plain.mime, wanted.frame)
            shown = replace(plain, mime=one.mime, size=len(one.data), width=one.width, height=one.height)
            yield cut, one
        elif there is not None:
            shown = instead_of(plain, there)
    bounds_wanted = missing(shown, cut, wanted.limits, made)[: wanted.most]
    if not bounds_wanted and not needs_thumbnail:
        return
    data = data or read()
    if needs_thumbnail:
        yield THUMBNAIL, fitting.thumbnail(data)
    for bounds in bounds_wanted:
        try:
            yield joined(cut, bounds.recipe), fitting.fit(data, plain.mime, bounds, wanted.frame if cut else None)
        except Invalid:
            continue  # the network's refusal stands, and is shown


def pictures_of(found: Found) -> list[tuple[str, Fitted]]:
    """What is shown in place of a film before it plays."""
    if not found.poster:
        return []
    return [(POSTER, fitting.poster(found.poster)), (THUMBNAIL, fitting.thumbnail(found.poster))]
