"""What somebody typed into the search, understood: words, phrases, what to leave out, operators.

    lost bag "gate 12" -refund from:anna is:open after:2026-05-01 label:"lost luggage" field:tier=gold

Pure. Refuses an operator that does not exist, a value that it cannot take and a search that
only leaves out; the error names the word. What is no operator by its form (10:30, Re:,
https://…) is words. French names of operators and values mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from channels.sentences import say
from guichet.errors import Invalid
from guichet.inbox.lexicon import LONGEST
from guichet.inbox.states import State
from guichet.inbox.words import fold

_MOST_TERMS = 20
_LONGEST_QUERY = 1000  # code points that are read
_TERM = re.compile(
    r"""(?P<minus>-(?=\S))?(?:(?P<name>[^\W\d_]+)(?::(?!//)))?(?:["“«](?P<phrase>[^"”»]*)["”»]?"""
    r"""|(?P<word>[^\s"“«]+(?(name)(?:(?<=[=<>])["“«][^"”»]*["”»]?)?)))?"""
)

OPERATORS: Mapping[str, str] = {
    **{n: n for n in ("from", "account", "brand", "network", "label", "is", "assignee", "team", "has", "priority")},
    **{n: n for n in ("language", "before", "after", "on", "awaits", "field", "followers")},
    "de": "from", "compte": "account", "marque": "brand", "réseau": "network", "étiquette": "label", "est": "is",
    "assigné": "assignee", "équipe": "team", "contient": "has", "avec": "has", "priorité": "priority",
    "langue": "language", "avant": "before", "après": "after", "jour": "on", "attend": "awaits",
    "champ": "field", "abonnés": "followers",
}  # fmt: skip
# A custom field's key, and what is said of its value, which may stand in quotation marks.
_OF_FIELD = re.compile(r"""(?P<key>[^=<>]+)(?:(?P<sign>>=|<=|[=<>])(?P<value>.*))?""", re.DOTALL)
# So many followers: at least, where no sign says otherwise. Thousands and millions may be said by letter.
_OF_NUMBER = re.compile(r"(?P<sign>>=|<=|[=<>])?\s?(?P<number>[0-9]{1,9})(?P<unit>[kKmM])?")
_UNITS = {"": 1, "k": 1000, "m": 1_000_000}
_BY_FOLDED = {fold(name): operator for name, operator in OPERATORS.items()}

# What `is:` may say of a conversation's state; the other values of it are in FLAGS.
STATES: Mapping[str, frozenset[State]] = {
    "new": frozenset({State.NEW}),
    "open": frozenset({State.NEW, State.OPEN}),
    "closed": frozenset({State.RESOLVED, State.CLOSED}),
    "resolved": frozenset({State.RESOLVED}),
    "snoozed": frozenset({State.SNOOZED}),
    "pending": frozenset({State.WAITING_CUSTOMER}),
    "internal": frozenset({State.WAITING_INTERNAL}),
    "spam": frozenset({State.SPAM}),
}
FLAGS = (
    "waiting", "unread", "assigned", "unassigned", "mine", "followed", "mentioned", "approval", "public", "direct",
    "mail", "late", "due", "held", "vip",
)  # fmt: skip
HAS = ("file", "image", "note", "label", "answer")
PRIORITIES = ("low", "normal", "high", "urgent")
_FRENCH = {
    "nouveau": "new", "nouvelle": "new", "ouvert": "open", "ouverte": "open", "ferme": "closed", "fermee": "closed",
    "resolu": "resolved", "resolue": "resolved", "reporte": "snoozed", "reportee": "snoozed", "interne": "internal",
    "attend": "waiting", "attente": "waiting", "nonlu": "unread", "approbation": "approval",
    "nonlue": "unread", "assignee": "assigned",
    "assigne": "assigned", "libre": "unassigned", "suivi": "followed",
    "suivie": "followed", "mentionne": "mentioned", "mentionnee": "mentioned", "moi": "mine", "prive": "direct",
    "courriel": "mail", "indesirable": "spam", "fichier": "file", "etiquette": "label", "reponse": "answer",
    "retard": "late", "enretard": "late", "bientot": "due", "echeance": "due", "retenu": "held", "retenue": "held",
    "basse": "low", "normale": "normal", "haute": "high", "urgente": "urgent",
}  # fmt: skip


@dataclass(frozen=True)
class Term:
    """One thing asked for. `operator` "" means words; `said` is how it was typed. A word that
    `may_go_on` stands last and may be a beginning."""

    operator: str
    value: str
    said: str
    is_phrase: bool = False
    is_left_out: bool = False
    may_go_on: bool = False


@dataclass(frozen=True)
class Sought:
    """All terms must be met (several of `is` states: one of them)."""

    terms: tuple[Term, ...] = ()

    def of(self, *operators: str) -> list[Term]:
        return [t for t in self.terms if t.operator in operators]


def read(text: str) -> Sought:
    """Raises Invalid (field q) that names what cannot be understood."""
    text = text[:_LONGEST_QUERY]
    terms: list[Term] = []
    for found in _TERM.finditer(text):
        if found.group():
            terms += _terms(found, is_last=not text[found.end() :].strip() and not text[-1:].isspace())
    if len(terms) > _MOST_TERMS:
        raise refused(say("a search has at most {most} words; leave some out", most=_MOST_TERMS))
    if terms and all(t.is_left_out for t in terms):
        raise refused(say("“{word}” only leaves something out: say what to look for as well", word=terms[0].said))
    return Sought(tuple(terms))


def refused(why: str) -> Invalid:
    return Invalid("this search cannot be understood", {"q": why})


def _terms(found: re.Match[str], *, is_last: bool) -> list[Term]:
    said, name = found.group().strip(), found["name"] or ""
    value = found["phrase"] if found["phrase"] is not None else found["word"] or ""
    is_phrase, left_out = found["phrase"] is not None, found["minus"] is not None
    operator = _BY_FOLDED.get(fold(name)) if name else None
    if name and operator is None:
        if value:
            raise refused(
                say(
                    "there is no operator “{word}”; to look for the words themselves, put them in quotation marks",
                    word=f"{name}:",
                )
            )
        value = name  # as in "Re: my bag"
    if operator is not None:
        return [_checked(Term(operator, " ".join(value.split()), said, is_phrase, left_out))]
    folded = [w[:LONGEST] for w in fold(value).split()]
    if is_phrase:
        return [Term("", " ".join(folded), said, True, left_out)] if folded else []
    joined = len(folded) > 1  # l'avion, 12-34: what was written as one is found as it was written
    if not folded:
        return []
    return [Term("", " ".join(folded) if joined else value, said, joined, left_out, is_last and not left_out)]


def _checked(term: Term) -> Term:
    if not term.value:
        raise refused(say("“{word}” needs a value after the colon", word=term.said))
    if term.operator in ("before", "after", "on"):
        day_of(term)
    if term.operator == "field":
        asked_of_field(term)
    if term.operator == "followers":
        asked_of_followers(term)
    choices = {"is": (*STATES, *FLAGS), "has": HAS, "priority": PRIORITIES}.get(term.operator)
    if choices is None:
        return term
    value = fold(term.value).replace(" ", "")
    value = value if value in choices else _FRENCH.get(value, "")
    if value not in choices:
        raise refused(say("“{word}” makes no sense; it may be {choices}", word=term.said, choices=", ".join(choices)))
    return Term(term.operator, value, term.said, term.is_phrase, term.is_left_out)


def day_of(term: Term) -> date:
    """The day that a date operator names. Raises Invalid."""
    try:
        return date.fromisoformat(term.value)
    except ValueError:
        raise refused(say("“{word}” needs a date such as 2026-05-31", word=term.said)) from None


@dataclass(frozen=True)
class OfField:
    """What `field:` asks. `sign` "": that anything stands in it; "=" and no value: that nothing does."""

    key: str
    sign: str
    value: str


def asked_of_field(term: Term) -> OfField:
    """Raises Invalid for what has no key, or compares with nothing."""
    found = _OF_FIELD.fullmatch(term.value)
    key = found["key"].strip().casefold() if found else ""
    sign, value = (found["sign"] or "", (found["value"] or "").strip(' "“”«»')) if found else ("", "")
    if not key or (sign not in ("", "=") and not value):
        raise refused(say("“{word}” needs a field and a value, such as field:tier=gold", word=term.said))
    return OfField(key, sign, value)


def asked_of_followers(term: Term) -> tuple[str, int]:
    """A sign and how many, such as (">=", 10000) of `followers:10k`. Raises Invalid."""
    found = _OF_NUMBER.fullmatch(term.value)
    if found is None:
        raise refused(say("“{word}” needs a number, such as followers:10k or followers:<500", word=term.said))
    return found["sign"] or ">=", int(found["number"]) * _UNITS[(found["unit"] or "").lower()]
