"""The picture of a card, made of what a page names: opened and written anew, or why it is not there."""

from __future__ import annotations

from collections.abc import Callable

from channels.errors import ChannelError
from channels.sentences import say
from guichet.delivery.bounds import STILL
from guichet.errors import Invalid
from guichet.publishing import files, fitting
from guichet.publishing.files import Found


def picture_for_card(address: str, read: Callable[[], bytes]) -> tuple[Found | None, str]:
    """The picture behind `address` ("": none is named), whose bytes `read` gets; where it cannot
    be had, a sentence that says why."""
    if not address:
        return None, ""
    try:
        found = files.examine(read(), address.partition("?")[0])
        if found.mime not in STILL:
            return None, say("the page's picture is of a kind that stands on no card")
        return made_for_card(found), ""
    except ChannelError as e:
        return None, e.detail
    except Invalid as e:
        return None, e.message


def made_for_card(found: Found) -> Found:
    """A still picture as it stands on a card. Raises Invalid."""
    fitted = fitting.for_card(found.data, found.mime)
    stem = found.filename.rpartition(".")[0] or found.filename
    return Found(fitted.data, fitted.mime, f"{stem}.jpg", fitted.width, fitted.height)
