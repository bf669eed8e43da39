"""What has passed is left out only on the very same tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cli.testing import fingerprint


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
