"""Small files, plain names, one place for what differs between databases, one clock."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import ROOT, name_of, python_files, tracked, tree

MOST_LINES = 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "service", "services"}


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    sources = [
        p
        for p in tracked(".py", ".ts", ".svelte", ".css")
        if not p.name.endswith(".d.ts") and not name_of(p).startswith("migrations/versions/")
    ]
    long = {name_of(p): n for p in sources if (n := len(p.read_text().splitlines())) > MOST_LINES}
    assert long == {}, f"over {MOST_LINES} lines"


def test_no_module_is_named_for_nothing_in_particular() -> None:
    assert [name_of(p) for p in python_files() if p.stem in FORBIDDEN_NAMES] == []


def test_sql_differences_stand_in_one_file() -> None:
    """Models name partial indexes for both databases in one helper of theirs."""
    allowed = {
        "guichet/db/dialect.py",
        "guichet/db/engine.py",
        "guichet/db/types.py",
        "guichet/db/word_index.py",
        "guichet/delivery/life.py",
        "guichet/models/base.py",
        "guichet/config.py",
    }
    telling = re.compile(r"dialect\.name|dialects import|is_sqlite|sqlite_where|postgresql_where|is_postgres")
    found = [
        name_of(p)
        for p in python_files("guichet", "webapp", "workers")
        if name_of(p) not in allowed and telling.search(p.read_text())
    ]
    assert found == []


def test_the_domain_reads_no_clock() -> None:
    reads = {("datetime", "now"), ("datetime", "utcnow"), ("time", "time"), ("date", "today")}
    found = []
    for path in python_files("guichet"):
        for node in ast.walk(tree(path)):
            is_read = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and (node.func.value.id, node.func.attr) in reads
            )
            if is_read and name_of(path) != "guichet/clock.py":
                found.append(f"{name_of(path)}:{node.lineno}")
    assert found == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    here = name_of(ROOT / "tests/architecture/test_shape.py")
    sources = [p for p in tracked(".py", ".ts", ".svelte") if name_of(p) != here]
    assert [name_of(p) for p in sources if marks.search(p.read_text())] == []


def test_lock_files_carry_hashes_and_no_host() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text, path.name
        assert "://" not in text, f"{path.name} names a host"
    for lock in tracked("package-lock.json"):
        assert '"resolved"' not in lock.read_text(), f"{name_of(lock)} names a host"


def test_no_page_takes_text_for_markup() -> None:
    """What people outside wrote is shown as text: nothing in it can run or load anything. A mail as it
    looks stands on a page of its own, for a frame that runs and loads nothing (webapp/api/mails.py)."""
    telling = re.compile(r"\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|\|\s*safe\b")
    shown = [*(ROOT / "webapp/ui/src").rglob("*"), *(ROOT / "webapp/templates").rglob("*")]
    pages = [p for p in shown if p.suffix in (".svelte", ".ts", ".html") and p.name != "schema.d.ts"]
    assert len(pages) > 100
    found = [str(p.relative_to(ROOT)) for p in pages if telling.search(p.read_text())]
    assert found == ["webapp/templates/mail.html"]
