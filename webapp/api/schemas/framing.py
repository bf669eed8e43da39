"""What is shown of a picture: turned, cut, and the point of it that stays in sight."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from webapp.api.schemas.common import Id, In, Out

Pixels = Annotated[int, Field(ge=0, le=100_000)]
Share = Annotated[float, Field(ge=-1, le=1)]


class Focus(In):
    """A point of what is shown, from (-1, -1), its left lower corner, to (1, 1): it stays in
    sight where the network shows the picture smaller (Mastodon)."""

    x: Share
    y: Share


class FrameIn(In):
    """What is shown of a picture, in pixels of the picture after its turn, which is in degrees,
    clockwise. A width or height that is null goes as far as the picture."""

    turn: Literal[0, 90, 180, 270] = 0
    left: Pixels = 0
    top: Pixels = 0
    width: Pixels | None = None
    height: Pixels | None = None
    focus: Focus | None = None


class FramingIn(FrameIn):
    """How a file of the post is shown, wherever it stands in it."""

    media_id: Id


class Framing(Out):
    """How a file is shown there; `url`: what is shown of it, null where that was not made yet."""

    media_id: int
    turn: int
    left: int
    top: int
    width: int
    height: int
    focus: Focus | None
    url: str | None


FramingGiven = Annotated[
    list[FramingIn], Field(max_length=200, description="how files are shown that are not shown whole")
]
