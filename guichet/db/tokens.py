"""How tokens and what is looked for among them are written for each database. Pure.

Tokens are letters and digits with a mark before them (guichet.inbox.lexicon), so that
nothing that somebody typed can be read as syntax.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Wanted(NamedTuple):
    """Tokens that must stand side by side; `is_beginning`: the last may go on."""

    tokens: tuple[str, ...]
    is_beginning: bool = False


# All of these must be met, each by any of its parts.
Query = Sequence[Sequence[Wanted]]

# A tsvector takes no position beyond this one, and no more than so many for a token.
_LAST_POSITION, _POSITIONS = 16383, 256


def as_tsvector(words: str) -> str:
    """As PostgreSQL reads a tsvector: each token with its places."""
    places: dict[str, list[int]] = {}
    for place, token in enumerate(words.split(), 1):
        at = places.setdefault(token, [])
        if len(at) < _POSITIONS and place <= _LAST_POSITION:
            at.append(place)
    return " ".join(f"'{token}':{','.join(map(str, at))}" if at else f"'{token}'" for token, at in places.items())


def as_fts5(query: Query) -> str:
    """As SQLite's MATCH reads it."""
    return " AND ".join("(" + " OR ".join(map(_fts5, any_of)) + ")" for any_of in query)


def as_tsquery(query: Query) -> str:
    """As PostgreSQL's @@ reads it."""
    return " & ".join("(" + " | ".join(map(_tsquery, any_of)) + ")" for any_of in query)


def _fts5(wanted: Wanted) -> str:
    return f'"{" ".join(wanted.tokens)}"' + (" *" if wanted.is_beginning else "")


def _tsquery(wanted: Wanted) -> str:
    return "(" + " <-> ".join(f"'{t}'" for t in wanted.tokens) + (":*" if wanted.is_beginning else "") + ")"
