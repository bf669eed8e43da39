"""Every sentence for people that the source can say, found by reading the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import channels.errors
import guichet.errors
from tests.architecture.source import ROOT, name_of, python_files, tracked, tree

SAID_BY = ("channels", "guichet", "webapp", "workers")
ERRORS = frozenset(
    name for errors in (guichet.errors, channels.errors) for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, Exception)
)  # fmt: skip
_IN_TEMPLATES = re.compile(r"""\b_\((["'])(.+?)\1\)""")


def files() -> list[Path]:
    """What speaks to our own people; the emulated networks speak as the networks do."""
    return [p for p in python_files(*SAID_BY) if "rehearsal" not in p.relative_to(ROOT).parts]


def calls(path: Path, names: frozenset[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in names:
                yield node


def spoken_parts(error: ast.Call) -> Iterator[ast.expr]:
    """The message of an error, and what its fields say."""
    yield from error.args[:1]
    fields = [*error.args[1:2], *(k.value for k in error.keywords if k.arg == "fields")]
    for one in fields:
        if isinstance(one, ast.Dict):
            yield from one.values
        elif isinstance(one, ast.DictComp):
            yield one.value
        elif isinstance(one, ast.Call) and ast.unparse(one.func) == "dict.fromkeys":
            yield from one.args[1:2]


def literals(part: ast.expr) -> Iterator[str]:
    if isinstance(part, ast.Constant) and isinstance(part.value, str):
        yield part.value
    elif isinstance(part, ast.IfExp):
        yield from literals(part.body)
        yield from literals(part.orelse)
    elif isinstance(part, ast.BoolOp):
        for value in part.values:
            yield from literals(value)


def templates() -> dict[str, str]:
    """Each template and a place where it is said."""
    found: dict[str, str] = {}
    for path in files():
        for call in calls(path, ERRORS):
            for part in spoken_parts(call):
                found.update(dict.fromkeys(literals(part), f"{name_of(path)}:{call.lineno}"))
        for call in calls(path, frozenset({"say", "_"})):
            for text in literals(call.args[0]) if call.args else ():
                found[text] = f"{name_of(path)}:{call.lineno}"
    for page in tracked(".html"):
        if "templates" in page.parts:
            found.update({m[2]: name_of(page) for m in _IN_TEMPLATES.finditer(page.read_text())})
    return {text: place for text, place in found.items() if re.search(r"[A-Za-z]{2}", text)}
