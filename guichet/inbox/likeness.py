"""Whether two texts say the same, for who sends one text again and again: pure.

Two are the same if they have one key. Case, accents, spaces, punctuation, emoji, letters drawn
out or borrowed from another alphabet, whom a text addresses and which address it links to make
no difference; words and numbers do. What is too short to say anything has no key.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from channels.urls import find_urls
from guichet.inbox.words import fold

SHORTEST = 10  # letters and digits; "thank you" is said by many, and means nothing by that
BESIDE_A_LINK = 6
_READ = 5_000  # code points
_MENTION = re.compile(r"(?<![\w@])@[\w.-]{1,100}(?:@[\w.-]{1,253})?")
_DRAWN_OUT = re.compile(r"(.)\1+")
# Cyrillic and Greek letters that are drawn like a Latin one.
_LOOK_ALIKE = str.maketrans("асеорхуіјѕһԁԛԝкмтвнαοερνικτυχ", "aceopxyijshdqwkmtbhaoepviktux")


def key(text: str) -> str | None:
    """The same for what says the same; None: too short to be told from what others say."""
    said = "".join(c for c in text[:_READ] if unicodedata.category(c) != "Cf")
    around, links = _apart(said)
    letters = _letters(_MENTION.sub(" ", around))
    if len(letters) >= (BESIDE_A_LINK if links else SHORTEST):
        known = letters + ("|link" if links else "")
    elif links:  # hardly a word beside it: then it is the page that counts, not how it was tracked
        known = "|".join((letters, *(_letters(re.split(r"[?#]", link, maxsplit=1)[0]) for link in links)))
    else:
        return None
    return hashlib.blake2b(known.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _apart(text: str) -> tuple[str, list[str]]:
    around, links, end = [], [], 0
    for start, stop in find_urls(text):
        around.append(text[end:start])
        links.append(text[start:stop])
        end = stop
    return " ".join((*around, text[end:])), links


def _letters(text: str) -> str:
    latin = unicodedata.normalize("NFKC", text).casefold().translate(_LOOK_ALIKE)
    return _DRAWN_OUT.sub(r"\1", fold(latin).replace(" ", ""))
