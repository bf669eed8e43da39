"""docs/cli.md says what the commands are; DESIGN's stable names are all there."""

from __future__ import annotations

from cli.output import MEANING, Status
from cli.reference import PAGE, render

# What people script against: none of these may go.
STABLE = (
    "run", "demo", "migrate", "doctor", "staff add", "staff list", "staff disable", "token create", "account add",
    "account list", "account check", "post", "brake on", "brake off", "brake status", "rehearsal serve",
    "rehearsal say", "rehearsal fault", "rehearsal ledger", "config export", "config import", "keys rotate", "backup",
    "restore", "audit verify", "export",
)  # fmt: skip


def test_the_page_is_what_the_commands_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m cli.reference"


def test_every_stable_name_is_a_command() -> None:
    page = render()
    assert [name for name in STABLE if f"### `guichet {name}" not in page] == []


def test_every_status_has_a_meaning() -> None:
    assert set(MEANING) == set(Status)


def test_every_command_and_option_says_what_it_does() -> None:
    lines = render().splitlines()
    silent = [line for line in lines if line.startswith("|") and line.endswith("|  |")]
    headed = [n for n, line in enumerate(lines) if line.startswith("### ")]
    assert silent == []
    assert [lines[n] for n in headed if not lines[n + 2].strip()] == []
