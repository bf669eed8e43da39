"""Custom fields as pure values: what a definition may be, what a value of it may be, and which
required ones are still empty.

A value is kept in one form for each kind, so that equal values are equal in a row and in a search:

    text      str, trimmed, on one line; where the field has a mask, fitting it
    number    Decimal, with at most six places, so that it can be kept exactly as whole millionths
    choice    str, the key of one of the choices
    choices   tuple of keys, each once, in the order of the definition
    date      datetime.date
    yes_no    bool

Nothing that a person types becomes a pattern that could run long: a mask is compared sign by sign.
In a mask A stands for a letter, 9 for a digit, * for either, and \\ takes the next sign as it is;
all other signs stand for themselves. Letters are A to Z in either case, digits 0 to 9.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from channels.sentences import say
from guichet.inbox.words import fold

KINDS = ("text", "number", "choice", "choices", "date", "yes_no")
SUBJECTS = ("conversation", "customer")
LONGEST_NAME = 60
LONGEST_TEXT = 500
LONGEST_MASK = 60
MOST_CHOICES = 100
LARGEST = Decimal(10) ** 12  # in millionths still within a signed integer of 64 bits
PLACES = 6

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST_NUMBER = 40  # characters: more is no number that could be kept
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_YES_NO = {
    **dict.fromkeys(("yes", "oui", "true", "vrai"), True), **dict.fromkeys(("no", "non", "false", "faux"), False),
}  # fmt: skip
_STANDS_FOR = {"A": _LETTERS, "9": _DIGITS, "*": _LETTERS | _DIGITS}

Value = str | Decimal | date | bool | tuple[str, ...]


class Misfit(ValueError):
    """A value that cannot be kept; `why` is a sentence for a person."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Definition:
    """A field as decided upon, apart from its row. `choices` maps keys to names, in their order. The
    gate asks for it where `is_required`; `brand_id` None: in all brands."""

    key: str
    kind: str
    subject: str = "conversation"
    brand_id: int | None = None
    mask: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    choices: Mapping[str, str] | None = None
    is_retired: bool = False
    is_required: bool = False


def problems(name: str, wanted: Definition) -> dict[str, str]:
    """What is wrong with a definition, by field name; {} if nothing."""
    found: dict[str, str] = {}
    if not 0 < len(" ".join(name.split())) <= LONGEST_NAME:
        found["name"] = say("must have 1 to {most} characters", most=LONGEST_NAME)
    if not _KEY.fullmatch(wanted.key):
        found["key"] = say("must begin with a small letter, and have small letters, digits and _ only, at most 40")
    if wanted.subject not in SUBJECTS:
        found["subject"] = say("must be one of {choices}", choices=", ".join(SUBJECTS))
    if wanted.kind not in KINDS:
        found["kind"] = say("must be one of {choices}", choices=", ".join(KINDS))
        return found
    if wanted.mask and (wanted.kind != "text" or len(wanted.mask) > LONGEST_MASK or _signs(wanted.mask) is None):
        found["mask"] = say("must be a mask of at most {most} signs, of a text", most=LONGEST_MASK)
    found.update(_problems_of_range(wanted))
    found.update(_problems_of_choices(wanted))
    return found


def read(field: Definition, given: Any) -> Value | None:
    """`given` as it is kept; None takes the value away, as an empty text or list does. Raises Misfit."""
    if given is None or given == "" or given == [] or given == () or (isinstance(given, str) and not given.strip()):
        return None
    return _READERS[field.kind](field, given)


def read_typed(field: Definition, typed: str) -> Value:
    """What somebody typed of a value, in a search or a rule: a choice by its key or its name, yes or no
    in words. Raises Misfit."""
    given: Any = typed
    if field.kind == "yes_no":
        given = _YES_NO.get(fold(typed), typed)
    elif field.kind in ("choice", "choices"):
        choices = (field.choices or {}).items()
        key = next((key for key, name in choices if fold(typed) in (fold(key), fold(name))), typed)
        given = key if field.kind == "choice" else [key]
    value = read(field, given)
    if value is None:
        raise Misfit(say("must be a text"))
    return value


def unbounded(field: Definition) -> Definition:
    """Without bounds and form: what stands there may be older than they are."""
    return replace(field, mask="", least=None, most=None)


def lacking(fields: Iterable[Definition], has: Iterable[str], *, brand_id: int) -> list[Definition]:
    """The fields that must be filled in before a conversation of the brand is closed and are not, in
    their order. A retired one holds nobody up, since nobody is offered it. `has`: keys with a value;
    "no" is a value."""
    filled = set(has)
    return [
        field
        for field in fields
        if field.is_required and not field.is_retired and field.brand_id in (None, brand_id) and field.key not in filled
    ]


def stored(value: Value) -> list[str]:
    """The value as its rows hold it, in one form for each: several choices are several rows."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, Decimal):
        return [_plain(value)]
    return [value.isoformat() if isinstance(value, date) else value]


def shown(kind: str, rows: Sequence[str]) -> str | bool | list[str] | None:
    """What the rows hold, as it is shown to programs and given by them. A number is text, so that it
    stays exact; None: nothing."""
    if not rows:
        return None
    if kind == "choices":
        return list(rows)
    return rows[0] == "yes" if kind == "yes_no" else rows[0]


def is_code(field: Definition) -> bool:
    """Whether a value of it may stand in a history, which holds codes and no free text."""
    return field.kind != "text" or bool(field.mask)


def fits(mask: str, text: str) -> bool:
    """Whether `text` has the form of `mask`: one step for each sign, however either was chosen."""
    signs = _signs(mask)
    return signs is not None and len(signs) == len(text) and all(c in s for c, s in zip(text, signs, strict=True))


def _signs(mask: str) -> list[frozenset[str]] | None:
    """What each sign of a text may be; None for a mask that ends in the middle of an escape."""
    signs, is_plain = [], False
    for sign in mask:
        if sign == "\\" and not is_plain:
            is_plain = True
            continue
        signs.append(frozenset(sign) if is_plain else _STANDS_FOR.get(sign, frozenset(sign)))
        is_plain = False
    return None if is_plain or not signs else signs


def _problems_of_range(wanted: Definition) -> dict[str, str]:
    bounds = {"least": wanted.least, "most": wanted.most}
    named = {name: bound for name, bound in bounds.items() if bound is not None}
    if wanted.kind != "number":
        return {name: say("only a number has this") for name in named}
    found = {name: why for name, bound in named.items() if (why := _problem_of_number(bound))}
    if not found and len(named) == len(bounds) and named["least"] > named["most"]:
        found["most"] = say("must not be less than the least")
    return found


def _problems_of_choices(wanted: Definition) -> dict[str, str]:
    if wanted.kind not in ("choice", "choices"):
        return {"choices": say("only a choice has this")} if wanted.choices else {}
    choices = wanted.choices or {}
    if not 0 < len(choices) <= MOST_CHOICES:
        return {"choices": say("must be a list of 1 to {most} values", most=MOST_CHOICES)}
    if not all(_KEY.fullmatch(key) and 0 < len(name.strip()) <= LONGEST_NAME for key, name in choices.items()):
        return {"choices": say("must each have a key and a name of 1 to {most} characters", most=LONGEST_NAME)}
    return {}


def _text(field: Definition, given: Any) -> str:
    if not isinstance(given, str):
        raise Misfit(say("must be a text"))
    if len(given) > LONGEST_TEXT:
        raise Misfit(say("must have 1 to {most} characters", most=LONGEST_TEXT))
    if not all(c.isprintable() or c.isspace() for c in given):
        raise Misfit(say("must have no signs that cannot be seen"))
    text = " ".join(given.split())
    if field.mask and not fits(field.mask, text):
        raise Misfit(say("must have the form {mask} (A a letter, 9 a digit, * either)", mask=field.mask))
    return text


def _number(field: Definition, given: Any) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise Misfit(say("must be a number"))
    # An endless whole number is not written out first: that alone takes long.
    if isinstance(given, int) and abs(given) >= LARGEST:
        raise Misfit(say("is too large"))
    written = str(given).strip()
    try:
        number = Decimal(written) if len(written) <= _LONGEST_NUMBER else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if why := _problem_of_number(number):
        raise Misfit(why)
    if field.least is not None and number < field.least:
        raise Misfit(say("must be at least {least}", least=_plain(field.least)))
    if field.most is not None and number > field.most:
        raise Misfit(say("must be at most {most}", most=_plain(field.most)))
    return number.normalize() + 0  # one form of each number: 1.0 is 1, and -0 is 0


def _problem_of_number(number: Decimal) -> str:
    if not number.is_finite():
        return say("must be a number")
    # By its size first: sums with what is out of all bounds overflow, or make a nought of it.
    if number and number.adjusted() >= LARGEST.adjusted():
        return say("is too large")
    if number and number.adjusted() < -PLACES:
        return say("must have at most {places} decimal places", places=PLACES)
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -PLACES:
        return say("must have at most {places} decimal places", places=PLACES)
    return ""


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _choice(field: Definition, given: Any) -> str:
    if not isinstance(given, str) or given not in (field.choices or {}):
        raise Misfit(_one_of(field))
    return given


def _choices(field: Definition, given: Any) -> tuple[str, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str | bytes) or len(given) > MOST_CHOICES:
        raise Misfit(say("must be a list of 1 to {most} values", most=MOST_CHOICES))
    wanted = {_choice(field, one) for one in given}
    return tuple(key for key in field.choices or {} if key in wanted)


def _one_of(field: Definition) -> str:
    return say("must be one of {choices}", choices=", ".join(field.choices or {}))


def _date(field: Definition, given: Any) -> date:
    try:
        if isinstance(given, str) and _DATE.fullmatch(given.strip()):
            return date.fromisoformat(given.strip())
    except ValueError:
        pass
    raise Misfit(say("must be a day, written as 2026-01-31"))


def _yes_no(field: Definition, given: Any) -> bool:
    if not isinstance(given, bool):
        raise Misfit(say("must be yes or no"))
    return given


_READERS: Mapping[str, Callable[[Definition, Any], Value]] = {
    "text": _text, "number": _number, "choice": _choice, "choices": _choices, "date": _date, "yes_no": _yes_no,
}  # fmt: skip
