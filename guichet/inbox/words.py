"""Text from outside, made fit to be stored, searched and listed. Pure.

Refuses nothing: whatever a network hands over is kept, less what no database takes (NUL,
lone surrogates) and what would only serve to hide or to crowd out (beyond the limits).
"""

from __future__ import annotations

import unicodedata

TEXT_LENGTH = 200_000  # code points of one message
SHORT_LENGTH = 300  # what a Short column takes
PREVIEW_LENGTH = 160

# Letters that decomposition does not take apart.
_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "’": "'"})


def clean(text: str, limit: int = TEXT_LENGTH) -> str:
    """Without NUL and lone surrogates, at most `limit` code points, lines ended by \\n."""
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    text = text.encode("utf-8", "replace").decode("utf-8") if _has_surrogates(text) else text
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_short(text: str) -> str:
    """One line for a name, a subject, a handle."""
    return clean(" ".join(text.split()), SHORT_LENGTH)


def clean_data(value: object, depth: int = 8) -> object:
    """JSON-able data from outside, with texts cleaned and absurd depth cut."""
    if isinstance(value, str):
        return clean(value)
    if depth == 0:
        return None
    if isinstance(value, dict):
        return {clean(str(k), SHORT_LENGTH): clean_data(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean_data(v, depth - 1) for v in value]
    return value if isinstance(value, bool | int | float | None) else clean(str(value))


def preview(text: str) -> str:
    """The first words of a customer, without whom they begin by addressing: that is us, or those
    whom the network put there. What does nothing but address stays."""
    said = text[:2000].split()
    begins = next((n for n, word in enumerate(said) if not word.startswith("@")), 0)
    return first_words(" ".join(said[begins:]))


def first_words(text: str) -> str:
    """On one line."""
    line = " ".join(text[:2000].split())
    return line if len(line) <= PREVIEW_LENGTH else line[: PREVIEW_LENGTH - 1].rstrip() + "…"


def fold(text: str) -> str:
    """For comparing and searching: words without case, accents or punctuation, one space apart."""
    return " ".join("".join(c if c.isalnum() else " " for c in plain(text)).split())


def plain(text: str) -> str:
    """Without case and accents; all other signs stay."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(c for c in apart if not unicodedata.combining(c))


def phrases_in(folded: str, phrase: str) -> bool:
    """Whether the folded phrase stands in the folded text as whole words."""
    return f" {phrase} " in f" {folded} "


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()  # far faster than looking at each letter
    except UnicodeEncodeError:
        return True
    return False
