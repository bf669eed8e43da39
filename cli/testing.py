"""Runs the checks and the suites, as `make test`, `make test-all` and `make check` ask.

`default` runs on the embedded SQLite; what needs more is left out and said. `all` runs everything
and ends with pytest's own summary line, as `default` does. What passed on this very tree, with
these very programs installed, is not run a second time: it says so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
UI = ROOT / "webapp" / "ui"
PASSED = ROOT / ".make" / "passed"  # the fingerprint of what the checks and the default suite passed on
PROCESSORS = os.cpu_count() or 2
PROGRAMS = ("chromium", "redis-server", "dovecot", "postgres", "psql", "node")
# By their marks: each test belongs to one of these, or is a long proof, run by hand.
DEFAULT = "not (postgres or browser or real or chaos or proof)"
POSTGRES = "postgres and not (browser or real or chaos or proof)"
MORE = "(browser or real or chaos) and not proof"
# In the order of their folders: by default the files of one test, which are the longest, would come
# last, and one processor would wait for the other.
# One more than processors: some tests wait, for threads, processes and servers.
BY_FILE = ("-n", str(PROCESSORS + 1), "--dist", "loadfile", "--no-loadscope-reorder")

CHECKS: tuple[tuple[str, list[str], Path], ...] = (
    ("types", [str(BIN / "mypy")], ROOT),
    ("page types", ["npm", "run", "--silent", "check"], UI),
    ("page tests", ["npm", "run", "--silent", "test"], UI),
    ("lint", [str(BIN / "ruff"), "check", "--quiet", "."], ROOT),
    ("formatting", [str(BIN / "ruff"), "format", "--check", "--quiet", "."], ROOT),
)


def main(what: str) -> int:
    tree = fingerprint()
    if what == "all" and tree and PASSED.is_file() and PASSED.read_text() == tree:
        print("the checks and the default suite have passed on this very tree: not run again", flush=True)
        return pytest_more()
    # The checks beside the tests, one after the other.
    at_once = PROCESSORS if what == "check" else 1
    with ThreadPoolExecutor(at_once) as pool:
        passed = pool.map(lambda one: passes(*one), CHECKS)
        status = 0 if what == "check" else pytest_default()
    failed = [check[0] for check, is_fine in zip(CHECKS, passed, strict=True) if not is_fine]
    if what == "check":
        return 1 if failed else 0
    if failed:
        print(f"failed beside the tests: {', '.join(failed)}", file=sys.stderr)
    elif status == 0 and tree and tree == fingerprint():
        PASSED.parent.mkdir(exist_ok=True)
        PASSED.write_text(tree)
    if what == "all":
        status = pytest_more() or status
    return 1 if failed else status


def fingerprint(root: Path = ROOT) -> str:
    """What the files, the interpreter and the installed programs are; empty where git cannot tell."""
    state = hashlib.sha256(f"{sys.version} {[shutil.which(program) for program in PROGRAMS]}".encode())
    for command in (["git", "rev-parse", "HEAD^{tree}"], ["git", "status", "--porcelain"], ["git", "diff", "HEAD"]):
        done = subprocess.run(command, cwd=root, capture_output=True)
        if done.returncode or (command[1] == "status" and b"??" in done.stdout):
            return ""
        state.update(done.stdout)
    return state.hexdigest()


def environment() -> dict[str, str]:
    """Node from the environment where the machine's own is missing or too old."""
    from cli.prepare import node_path

    return node_path()


def passes(title: str, command: list[str], folder: Path) -> bool:
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    said = f"\n{done.stdout}{done.stderr}" if done.returncode else ""
    print(f"{title}: {'FAILED' if done.returncode else 'passed'}{said}", flush=True)  # in one piece
    return done.returncode == 0


def pytest_default() -> int:
    print("left out here, run by make test-all: tests marked postgres, browser, real or chaos", flush=True)
    return pytest(DEFAULT, *BY_FILE)


def pytest_more() -> int:
    missing = [program for program in PROGRAMS[:3] if not shutil.which(program)]
    if missing:
        print(f"not installed, their tests will say so: {', '.join(missing)}", flush=True)
    print("left out here, run by make chaos: tests marked proof", flush=True)
    status = pytest(POSTGRES, *BY_FILE)
    # What drives a browser or kills processes comes one after the other, beside what only waits.
    return pytest(MORE, "-n", "2", "--dist", "loadgroup") or status


def pytest(marks: str, *sharing: str) -> int:
    return subprocess.run([str(BIN / "python"), "-m", "pytest", "-q", "-m", marks, *sharing], cwd=ROOT).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
