"""Which language a customer writes in, among the few that a brand expects.

Short or mixed texts are left undecided ("") rather than guessed: a wrong guess sends a
customer to people who cannot read them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Where a brand names no languages: those that most of its customers are likely to write.
USUAL = ("de", "en", "es", "fr", "it", "nl", "pt")
_CERTAIN = 0.6
_SHORTEST = 12  # letters
_READ = 2000  # code points are plenty
_NOT_SPEECH = re.compile(r"https?://\S+|[@#]\S+|\S+@\S+")
_CODE = re.compile(r"[a-z]{2,3}")


def detect(text: str, expected: Sequence[str] = ()) -> str:
    """The language's code, or "" where it cannot be told. `expected`: codes to choose from."""
    speech = _NOT_SPEECH.sub(" ", text[:_READ])
    if sum(c.isalpha() for c in speech) < _SHORTEST:
        return ""
    language, certainty = _identifier(_known(expected)).classify(speech)
    return language if certainty >= _CERTAIN else ""


def code(stated: str) -> str:
    """The plain language of what a network stated ("fr-CA" → "fr"); "" if it is no code."""
    plain = stated.strip().lower().replace("_", "-").partition("-")[0]
    return plain if _CODE.fullmatch(plain) and plain != "und" else ""


@cache
def _model() -> LanguageIdentifier:
    # With NumPy it takes 87 MB and starts a thread: not before somebody has written.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _known(expected: Sequence[str]) -> tuple[str, ...]:
    """Those of the expected languages that can be told apart; with the usual ones beside,
    so that what is in none of a brand's languages is not forced into one of them."""
    wanted = {code(str(e)) for e in expected} | set(USUAL)
    return tuple(sorted(wanted & set(_model().labels)))


@cache
def _identifier(languages: tuple[str, ...]) -> LanguageIdentifier:
    identifier = copy.copy(_model())
    identifier.set_languages(list(languages))
    return identifier
