"""What commands print: text for people, or one JSON document with --json."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


class Failed(Exception):
    """The command could not do what it was asked; the message says why."""


class Output:
    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def done(self, text: str, /, **data: Any) -> None:
        """What was done: `text` for people, `data` for programs."""
        print(json.dumps(data, default=str, ensure_ascii=False) if self.as_json else text)

    def table(self, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
        """Rows with the same keys."""
        if self.as_json:
            print(json.dumps(list(rows), default=str, ensure_ascii=False))
            return
        if not rows:
            print(empty)
            return
        names = list(rows[0])
        cells = [names, *([_cell(r[n]) for n in names] for r in rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
        for row in cells:
            print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("\n", " ")[:80]


def report_failure(as_json: bool, message: str, *, status: int = 1, fields: Mapping[str, str] | None = None) -> int:
    """Say what went wrong on standard error; returns the exit status."""
    if as_json:
        print(json.dumps({"error": message, "fields": dict(fields or {})}, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"guichet: {message}", file=sys.stderr)
        for name, wrong in (fields or {}).items():
            print(f"  {name}: {wrong}", file=sys.stderr)
    return status
