"""Imports run one way. The contracts stand in setup.cfg; here they are enforced."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.source import ROOT


def test_import_contracts_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 6 kept, 0 broken" in done.stdout
