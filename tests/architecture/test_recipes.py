"""The recipes of CONTRIBUTING.md lead to what is there, and twins stand as they say."""

from __future__ import annotations

import ast
import re

import pytest

from channels import registry
from tests.architecture.source import ROOT, name_of, tree

RECIPES = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_SHORT = {"src/": "webapp/ui/src/", "i18n/": "webapp/ui/src/lib/i18n/", "parts/": "webapp/ui/src/lib/parts/"}


def paths(text: str) -> list[str]:
    """What stands between back-ticks and is a path of this house."""
    named = [p for p in re.findall(r"`([\w./-]+)`", text) if "/" in p]
    return [next((p.replace(s, full, 1) for s, full in _SHORT.items() if p.startswith(s)), p) for p in named]


def test_every_file_that_a_recipe_names_is_there() -> None:
    missing = [p for p in paths(RECIPES) if "NAME" not in p and not (ROOT / p).exists()]
    assert len(paths(RECIPES)) > 25
    assert missing == []


@pytest.mark.parametrize("network", registry.BUILT_IN)
def test_every_network_is_made_as_the_recipe_says(network: str) -> None:
    recipe = RECIPES.partition("## Add a network")[2].partition("\n## ")[0]
    made = [p.replace("NAME", network) for p in paths(recipe) if "NAME" in p]
    assert len(made) == 5
    assert [p for p in made if not (ROOT / p).exists()] == []


@pytest.mark.parametrize("network", registry.BUILT_IN)
def test_the_lower_floor_of_a_twin_knows_no_addresses(network: str) -> None:
    folder = ROOT / "channels" / "rehearsal" / network
    lower = folder / ("mailboxes.py" if network == "email" else "world.py")
    imported = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree(lower))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert [m for m in imported if m.split(".")[0] in ("flask", "werkzeug")] == [], name_of(lower)
    routes = [n for n in ast.walk(tree(folder / "network.py")) if isinstance(n, ast.FunctionDef) and n.name == "routes"]
    assert len(routes) == 1
