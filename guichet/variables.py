"""Variables of prepared texts: `{flight}`, or `{flight|your flight}`, which says what stands there
where nothing is known. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_VARIABLE = re.compile(r"\{([^\W\d_]\w*(?:\.[^\W\d_]\w*)?)(?:\|([^{}|]*))?\}")

# As people type them by hand or bring them along from elsewhere: {{ day }} as well.
_TYPED = re.compile(r"\{(\{)?\s*[^\W\d_][\w.]*\s*(?:\|[^{}|]*)?\}(?(1)\})")


@dataclass(frozen=True)
class Variable:
    """`instead`: what stands in its place where nothing is given; "" where something must be."""

    name: str
    instead: str


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with `{customer.first_name}` replaced; `{customer.first_name|there}` says what
    stands there where nothing is known. An unknown variable stays as it is, in sight of who
    sends it. What is put in is not read again."""

    def replaced(found: re.Match[str]) -> str:
        name, instead = found[1].lower(), found[2] or ""
        return (values[name] or instead.strip()) if name in values else found[0]

    return _VARIABLE.sub(replaced, text)


def unfilled(text: str, values: Mapping[str, str]) -> list[str]:
    """Variables of the text for which nothing is known here, and nothing stands instead."""
    return [
        found[1].lower() for found in _VARIABLE.finditer(text)
        if not values.get(found[1].lower()) and not (found[2] or "").strip()
    ]  # fmt: skip


def left_open(text: str) -> list[str]:
    """What looks like a variable in a text that is to go out as it is, each once, as it was typed."""
    return list(dict.fromkeys(found[0] for found in _TYPED.finditer(text)))


def variables_in(texts: Iterable[str]) -> list[Variable]:
    """Each variable once, in the order in which they come. One that stands somewhere with nothing
    instead must be given, whatever it says elsewhere."""
    found: dict[str, str] = {}
    for text in texts:
        for one in _VARIABLE.finditer(text):
            name, instead = one[1].lower(), (one[2] or "").strip()
            said = found.get(name, instead)
            found[name] = said if instead else ""
    return [Variable(name, instead) for name, instead in found.items()]
