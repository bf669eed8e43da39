"""What a message is indexed by: its words as they stand, their stems, and the customer's names.

Neither SQLite's FTS5 nor every PostgreSQL folds accents and stems French, so both are done
here and the databases keep plain tokens. Three kinds, told apart by a mark that no word has:
`refund` as it was written (in order, so that phrases are found), `_refund` a stem, `@anna` a
name of the customer who wrote. Pure; refuses nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import regex
import Stemmer

from guichet.inbox.words import fold

LONGEST = 100  # code points of a token that count
INDEXED = 20_000  # code points of a message that are indexed
_TOKEN = regex.compile(r"[^\W_](?:[^\W_]|\p{M})*")
_LANGUAGES = ("french", "english")
_own = threading.local()  # a stemmer may not be used by two threads at once


def document(texts: Iterable[str], names: Iterable[str]) -> str:
    """The tokens of a message: `texts` is what it says, `names` who said it."""
    said = " ".join(texts)[:INDEXED]
    exact = [w[:LONGEST] for w in fold(said).split()]
    stemmed = sorted({f"_{s}" for token in _TOKEN.findall(said) for s in stems(token)})
    named = sorted({f"@{w[:LONGEST]}" for w in fold(" ".join(names)).split()})
    return " ".join([*exact, *stemmed, *named])


def tokens_in(text: str) -> Iterator[regex.Match[str]]:
    """The words of a text where they stand in it."""
    yield from _TOKEN.finditer(text)


@lru_cache(maxsize=50_000)
def stems(word: str) -> frozenset[str]:
    """Folded stems of one word in the languages we know. Stemmed with its accents and without
    them, because people write both and endings such as -ée are told by theirs."""
    if len(word) < 3 or len(word) > LONGEST or not word.isalpha():
        return frozenset()
    forms = {word.casefold(), fold(word)}
    return frozenset(fold(stemmer.stemWord(f)) for stemmer in _stemmers() for f in forms) - {""}


def _stemmers() -> Sequence[Stemmer.Stemmer]:
    if not hasattr(_own, "stemmers"):
        _own.stemmers = [Stemmer.Stemmer(name, maxCacheSize=0) for name in _LANGUAGES]
    return list(_own.stemmers)
