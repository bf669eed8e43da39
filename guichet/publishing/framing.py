"""How a picture is shown in a post: turned, cut out, and where its eye is, so that who shows it
smaller keeps that in sight. Pure. The file itself is never touched: what is cut out is made
beside it, and two posts may show the same picture differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.sentences import say
from guichet.delivery.bounds import STILL
from guichet.errors import Invalid

TURNS = (0, 90, 180, 270)  # degrees, clockwise
SHAPES = {"1:1": 1.0, "4:5": 4 / 5, "16:9": 16 / 9, "1.91:1": 1.91}  # that networks show whole
SMALLEST_CUT = 16  # pixels of a side


@dataclass(frozen=True)
class Frame:
    """What is shown of a picture. `left`, `top`, `width` and `height` are pixels of the picture
    after its turn; None: as far as it goes. `focus` is a point of what is shown, from (-1, -1),
    its left lower corner, to (1, 1), as Mastodon counts it; None: its middle."""

    turn: int = 0
    left: int = 0
    top: int = 0
    width: int | None = None
    height: int | None = None
    focus: tuple[float, float] | None = None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, of one that was settled."""
        return self.left, self.top, self.left + (self.width or 0), self.top + (self.height or 0)

    def plain(self) -> dict[str, Any]:
        """As it is kept."""
        cut = {"turn": self.turn, "left": self.left, "top": self.top, "width": self.width, "height": self.height}
        return {**cut, "focus": list(self.focus) if self.focus else None}


def frame_of(kept: Mapping[str, Any]) -> Frame | None:
    """The frame that was kept; None for none."""
    if not kept:
        return None
    focus = kept["focus"]
    return Frame(**{**kept, "focus": (focus[0], focus[1]) if focus else None})


def settled(frame: Frame, mime: str, width: int | None, height: int | None) -> Frame:
    """The frame with its figures written out, for a picture of this size. Raises Invalid for
    what is no still picture, and for what lies outside of it."""
    if mime not in STILL or not width or not height:
        raise Invalid("only a still picture is cut", {"framing": "is of a file that is no still picture"})
    if frame.turn not in TURNS:
        raise Invalid("a picture is turned by quarters", {"framing": "must be turned by 0, 90, 180 or 270 degrees"})
    wide, high = (height, width) if frame.turn in (90, 270) else (width, height)
    across = wide - frame.left if frame.width is None else frame.width
    down = high - frame.top if frame.height is None else frame.height
    least = min(SMALLEST_CUT, wide, high)
    fits = frame.left >= 0 and frame.top >= 0 and frame.left + across <= wide and frame.top + down <= high
    if not fits or min(across, down) < least:
        raise Invalid(
            "that lies outside of the picture",
            {"framing": say("must lie within {width} × {height} pixels and have {least} at least on each side",
                            width=wide, height=high, least=least)},
        )  # fmt: skip
    if frame.focus and not all(-1 <= value <= 1 for value in frame.focus):
        raise Invalid("that is no point of the picture", {"framing": "must have its focus between -1 and 1"})
    focus = (round(frame.focus[0], 2), round(frame.focus[1], 2)) if frame.focus else None
    return Frame(frame.turn, frame.left, frame.top, across, down, focus)


def recipe_of(frame: Frame | None, width: int | None, height: int | None) -> str:
    """What is to be made of a picture of this size to show it so; "" where it is shown as it is."""
    if frame is None or (frame.turn == 0 and frame.box == (0, 0, width, height)):
        return ""
    return f"cut {frame.turn} {frame.width}x{frame.height}+{frame.left}+{frame.top}"


def middle(width: int, height: int, ratio: float) -> Frame:
    """The largest part of this shape, in the middle of a picture."""
    across = min(width, max(1, round(height * ratio)))
    down = min(height, max(1, round(across / ratio)))
    return Frame(left=(width - across) // 2, top=(height - down) // 2, width=across, height=down)


def is_only_cut(recipe: str) -> bool:
    """Whether it is what is shown of a picture, and not made to lie within bounds."""
    return recipe.startswith("cut ") and recipe.count(" ") == 2
