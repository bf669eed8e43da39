"""What is said to people: a sentence and what fills it in, kept apart, so that an edge can
say it in the reader's language. In English by itself: a Sentence is its English text, and
whoever only passes strings on need not know that it is more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

LONGEST = 600  # characters of one value: what somebody else wrote must not fill the page


class Sentence(str):
    """An English text that knows its `template` and its `values` (str, int or Sentence)."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, values: Mapping[str, Any] | None = None) -> Sentence:
        kept = {name: _short(value) for name, value in (values or {}).items()}
        made = super().__new__(cls, template.format_map(kept) if kept else template)
        made.template, made.values = template, kept
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.template, dict(self.values))

    def to(self, translate: Callable[[str], str], number: Callable[[int], str] = str) -> str:
        """The same in the language of `translate` (template to template), with its numbers
        written by `number`. A sentence among the values is said in that language too."""
        filled = {name: _said(value, translate, number) for name, value in self.values.items()}
        template = translate(self.template)
        return template.format_map(filled) if filled else template


def say(template: str, /, **values: Any) -> Sentence:
    """A sentence for a person. `template` must be a literal: the catalogues are made from
    these calls. Ids are given as str, so that nobody writes 1,204 for them."""
    return Sentence(template, values)


def to_json(text: str) -> Any:
    """A JSON-able form of `text` that `from_json` makes the same sentence of."""
    if not isinstance(text, Sentence):
        return str(text)
    values = {n: to_json(v) if isinstance(v, str) else v for n, v in text.values.items()}
    return {"say": text.template, "with": values}


def from_json(kept: Any) -> str:
    """What `to_json` was given. Raises LookupError or ValueError where it cannot be."""
    if not isinstance(kept, Mapping):
        return str(kept)
    values = {n: from_json(v) if isinstance(v, Mapping) else v for n, v in kept["with"].items()}
    return Sentence(kept["say"], values)


def _short(value: Any) -> Any:
    if isinstance(value, Sentence | int):
        return value
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _said(value: Any, translate: Callable[[str], str], number: Callable[[int], str]) -> Any:
    if isinstance(value, Sentence):
        return value.to(translate, number)
    return number(value) if isinstance(value, int) else value
