"""Whatever the server says to a person it can say in French, and with the same values."""

from __future__ import annotations

import ast
import re
from collections import Counter
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from tests.architecture.sentences import ERRORS, calls, files, literals, spoken_parts, templates
from tests.architecture.source import ROOT, name_of

FRENCH = ROOT / "webapp" / "translations" / "fr.po"
_PLAIN_SPACE = re.compile(r" [:;?!»]|« ")
_NO_SPACE = re.compile(r"[^\s\u00a0\u202f\d][;?!]|[^\s\u00a0\u202f\d]:(?=\s)|\w:$")


def french() -> dict[str, str]:
    with FRENCH.open("rb") as f:
        return {str(m.id): str(m.string) for m in read_po(f, locale="fr") if m.id}


def values_of(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_no_message_is_put_together_where_it_is_raised() -> None:
    """`f"…{count}…"` can be said in one language only: `say("…{count}…", count=count)`."""
    wrong = []
    for path in files():
        for call in calls(path, ERRORS):
            for part in spoken_parts(call):
                pieces = [n for n in ast.walk(part) if not isinstance(n, ast.Call)]
                is_said = isinstance(part, ast.Call)
                if not is_said and any(isinstance(n, ast.JoinedStr | ast.BinOp) for n in pieces):
                    wrong.append(f"{name_of(path)}:{part.lineno}")
        for call in calls(path, frozenset({"say"})):
            if not any(True for _ in literals(call.args[0])):
                wrong.append(f"{name_of(path)}:{call.lineno}")
    assert wrong == []


def test_every_sentence_has_its_french() -> None:
    known = french()
    assert {text: place for text, place in templates().items() if not known.get(text)} == {}


def test_the_french_catalogue_holds_nothing_that_is_no_longer_said() -> None:
    assert sorted(set(french()) - set(templates())) == []


def test_the_french_catalogue_says_each_sentence_once() -> None:
    keys = Counter(line for line in FRENCH.read_text(encoding="utf-8").splitlines() if line.startswith("msgid "))
    assert [key for key, times in keys.items() if times > 1 and key != 'msgid ""'] == []


def test_both_languages_fill_in_the_same_values() -> None:
    assert [k for k, v in french().items() if values_of(k) != values_of(v)] == []


@pytest.mark.parametrize("rule", [_PLAIN_SPACE, _NO_SPACE])
def test_french_is_set_as_french_is(rule: re.Pattern[str]) -> None:
    """No-break spaces before : ; ? ! and inside « », and curly apostrophes."""
    assert [v for v in french().values() if rule.search(v)] == []
    assert [v for v in french().values() if "'" in v] == []
