"""Runs the checks and the suites, as `make test`, `make test-all` and `make check` ask.

`default` needs nothing but what the locks install; what needs more is left out and said.
`all` runs everything and ends with pytest's own summary line, as `default` does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
UI = ROOT / "webapp" / "ui"

CHECKS: tuple[tuple[str, list[str], Path], ...] = (
    ("formatting", [str(BIN / "ruff"), "format", "--check", "--quiet", "."], ROOT),
    ("lint", [str(BIN / "ruff"), "check", "--quiet", "."], ROOT),
    ("types", [str(BIN / "mypy")], ROOT),
    ("page types", ["npm", "run", "--silent", "check"], UI),
    ("page tests", ["npm", "run", "--silent", "test"], UI),
)


def main(what: str) -> int:
    failed = [title for title, command, folder in CHECKS if not passes(title, command, folder)]
    if what == "check":
        return 1 if failed else 0
    status = pytest_default() if what == "default" else pytest_all()
    if failed:
        print(f"failed before the tests: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else status


def environment() -> dict[str, str]:
    """Node from the environment where the machine's own is missing or too old."""
    from cli.prepare import node_path

    return node_path()


def passes(title: str, command: list[str], folder: Path) -> bool:
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    print(f"{title}: {'passed' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def pytest_default() -> int:
    print("left out here, run by make test-all: tests marked browser, real or chaos", flush=True)
    return pytest("not browser and not real and not chaos")


def pytest_all() -> int:
    missing = [c for c in ("chromium", "redis-server", "dovecot") if not shutil.which(c)]
    if missing:
        print(f"not installed, their tests will say so: {', '.join(missing)}", flush=True)
    first = pytest("not browser and not real and not chaos")
    # What drives a browser or kills processes wants both cores for itself.
    second = pytest("browser or real or chaos", parallel=False)
    return first or second


def pytest(marks: str, *, parallel: bool = True) -> int:
    command = [str(BIN / "python"), "-m", "pytest", "-q", "-m", marks]
    if parallel:
        command += ["-n", str(os.cpu_count() or 2), "--dist", "loadfile"]
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
