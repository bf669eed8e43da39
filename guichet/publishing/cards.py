"""The card under a link: what is shown of the page behind it, where a network is given that
instead of reading the page itself. Pure.

It belongs to the words of a post: found or written by its author, agreed to with the rest, and
frozen with it. What the page says later changes nothing of it. Where nobody decided about a
link's card none goes out, and that is said before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.contract.cards import MOST_DESCRIPTION, MOST_TITLE, PICTURE_BYTES, is_address
from channels.sentences import say
from guichet.delivery.bounds import STILL
from guichet.errors import Invalid
from guichet.publishing.link_tags import links_in


@dataclass(frozen=True)
class Card:
    """What was decided about the card of one item. `is_shown` False: there is none."""

    url: str = ""
    title: str = ""
    description: str = ""
    media_id: int | None = None
    is_shown: bool = True

    def plain(self) -> dict[str, Any]:
        """As it is kept; its picture is kept as a file of the item."""
        return {"url": self.url, "title": self.title, "description": self.description, "shown": self.is_shown}


def card_of(kept: Mapping[str, Any], media_id: int | None) -> Card:
    """What `Card.plain` wrote."""
    return Card(kept["url"], kept["title"], kept["description"], media_id, kept["shown"])


def checked(cards: Mapping[int, Card], items: int) -> dict[int, Card]:
    """The cards of a text with so many items (the post itself among them), in their one form: lines
    without breaks, and of what is not shown nothing but that. Raises Invalid by field."""
    wrong: dict[str, str] = {}
    found: dict[int, Card] = {}
    for item, card in sorted(cards.items()):
        if item >= items:
            continue  # the item is gone, and its card with it
        if not card.is_shown:
            found[item] = Card(is_shown=False)
            continue
        title, description = (" ".join(text.split()) for text in (card.title, card.description))
        if not is_address(card.url):
            wrong[f"cards.{item}.url"] = say("must be the address of a page, like https://example.org/news")
        if len(title) > MOST_TITLE:
            wrong[f"cards.{item}.title"] = say("must have at most {most} characters", most=MOST_TITLE)
        if len(description) > MOST_DESCRIPTION:
            wrong[f"cards.{item}.description"] = say("must have at most {most} characters", most=MOST_DESCRIPTION)
        found[item] = Card(card.url, title, description, card.media_id)
    if wrong:
        raise Invalid("a link cannot be shown so", wrong)
    return found


def undecided(texts: Sequence[str], bare: Sequence[bool], cards: Mapping[int, Card]) -> list[int]:
    """The items that have a link, no file (`bare`), and no word about its card."""
    return [
        n for n, (text, is_bare) in enumerate(zip(texts, bare, strict=True))
        if is_bare and n not in cards and links_in(text)
    ]  # fmt: skip


def require_small(item: int, mime: str, size: int) -> None:
    """Raises Invalid for what is no picture of a card: one is made for it, never cut down later."""
    if mime not in STILL or size > PICTURE_BYTES:
        words = say("must be a still picture of at most {most} bytes", most=PICTURE_BYTES)
        raise Invalid("a link cannot be shown so", {f"cards.{item}.media_id": words})
