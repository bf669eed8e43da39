"""Every public operation asks whether its actor may."""

from __future__ import annotations

import ast

from tests.architecture.source import name_of, public_functions, python_files

ASKS = {"require", "require_for_post", "require_all", "visible", "visible_accounts"}


def _calls(function: ast.FunctionDef) -> set[str]:
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            target = node.func
            names.add(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
    return names


def test_every_public_operation_checks_a_right() -> None:
    silent, seen = [], 0
    for path in python_files("guichet"):
        if path.name != "operations.py":
            continue
        for function in public_functions(path):
            seen += 1
            # An operation may hand its actor to another operation, which then asks.
            asks = ASKS | {f.name for f in public_functions(path)} - {function.name}
            if not _calls(function) & asks:
                silent.append(f"{name_of(path)}:{function.name}")
    assert seen > 30, "the guard found no operations to guard"
    assert silent == []


def test_operations_never_commit() -> None:
    found = []
    for path in python_files("guichet"):
        if path.name in ("operations.py", "queries.py", "rules.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback"):
                    found.append(f"{name_of(path)}:{node.lineno}")
    assert found == []
