"""What has passed is left out only on the very same tree, and no test falls between the suites."""

from __future__ import annotations

import subprocess
from itertools import product
from pathlib import Path

from _pytest.mark.expression import Expression

from cli.testing import DEFAULT, MORE, POSTGRES, fingerprint


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_a_tree_is_the_same_until_anything_in_it_changes(tmp_path: Path) -> None:
    assert fingerprint(tmp_path) == ""  # no git: it cannot be told
    git(tmp_path, "init")
    (tmp_path / "one.py").write_text("a = 1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "one")
    first = fingerprint(tmp_path)
    assert first == fingerprint(tmp_path) != ""

    (tmp_path / "one.py").write_text("a = 2")
    changed = fingerprint(tmp_path)
    (tmp_path / "one.py").write_text("a = 3")
    assert len({first, changed, fingerprint(tmp_path)}) == 3

    (tmp_path / "two.py").write_text("b = 1")  # git knows nothing of what is in it
    assert fingerprint(tmp_path) == ""


def test_each_test_belongs_to_one_suite_whatever_marks_it_has() -> None:
    marks = ("postgres", "browser", "real", "chaos", "proof")
    for has in product((False, True), repeat=len(marks)):
        of = dict(zip(marks, has, strict=True))
        suites = [one for one in (DEFAULT, POSTGRES, MORE) if Expression.compile(one).evaluate(of.__getitem__)]
        assert len(suites) == (0 if of["proof"] else 1), of
