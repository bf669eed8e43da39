"""Every public operation asks whether its actor may, or hands the actor to one that does."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.source import ROOT, name_of, public_functions, python_files, tree

ROOMS = (
    "accounts",
    "alerting",
    "letters",
    "staff",
    "inbox",
    "triage",
    "publishing",
    "delivery",
    "stats",
    "configuration",
    "archive",
    "bulk",
)
# Public operations that take no actor, each with the reason.
WITHOUT_ACTOR = {
    "guichet/accounts/operations.py:connection_of": "opens secrets for a call that our own processes make",
    "guichet/staff/entry.py:sign_in": "nobody is anybody yet",
    "guichet/staff/entry.py:open_session": "the edge has just checked who it is",
    "guichet/staff/entry.py:end_own_session": "whoever shows a session's secret may end it",
}


def _room_files() -> list[Path]:
    return [p for p in python_files("guichet") if p.relative_to(ROOT).parts[1] in ROOMS]


def _takes_actor(function: ast.FunctionDef) -> bool:
    return "actor" in {a.arg for a in (*function.args.args, *function.args.kwonlyargs)}


def _asks(function: ast.FunctionDef) -> bool:
    """Whether it calls policy (require…, visible…, can), passes its actor on, or confines
    itself to the actor's own rows (`actor.staff_id`)."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr == "staff_id" and getattr(node.value, "id", "") == "actor":
            return True
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [*node.args, *(k.value for k in node.keywords)]
        if name.startswith(("require", "visible", "can")) or (
            name not in ("record", "tell") and any(isinstance(a, ast.Name) and a.id == "actor" for a in given)
        ):
            return True
    return False


def test_every_public_operation_checks_a_right() -> None:
    files = [p for p in _room_files() if p.name != "rules.py"]
    acting = [(p, f) for p in files for f in public_functions(p) if _takes_actor(f)]
    assert len(acting) > 100, "the guard found too little to guard"
    assert [f"{name_of(p)}:{f.name}" for p, f in acting if not _asks(f)] == []


def test_what_is_offered_as_an_operation_takes_an_actor() -> None:
    offered = [(p, f) for p in _room_files() if p.name == "operations.py" for f in public_functions(p)]
    offered += [(p, f) for p in _room_files() for f in public_functions(p) if f.name in _exported(p)]
    silent = {f"{name_of(p)}:{f.name}" for p, f in offered if not _takes_actor(f)}
    assert silent == set(WITHOUT_ACTOR)


def _exported(path: Path) -> set[str]:
    """Names that the room's operations.py offers from this file."""
    door = path.with_name("operations.py")
    if not door.exists() or path == door:
        return set()
    module = f"guichet.{path.parent.name}.{path.stem}"
    listed = {
        n.value
        for node in tree(door).body
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in node.targets)
        for n in ast.walk(node.value)
        if isinstance(n, ast.Constant)
    }
    imported = {
        alias.name
        for node in tree(door).body
        if isinstance(node, ast.ImportFrom) and node.module == module
        for alias in node.names
    }
    return listed & imported


def test_operations_never_commit() -> None:
    found = []
    for path in _room_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback"):
                found.append(f"{name_of(path)}:{node.lineno}")
    assert found == []
