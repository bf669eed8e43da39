"""What commands print: text for people, or one JSON document with --json; and with what
status they end."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from redis.exceptions import RedisError
from requests import RequestException
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from channels.errors import ChannelError, OutcomeUnknown, RateLimited, Unavailable
from guichet.errors import GuichetError, Invalid, Unready


class Status(IntEnum):
    """How a command ends. People script against these."""

    DONE = 0
    REFUSED = 1
    WRONGLY_ASKED = 2
    NO_ANSWER = 3
    UNSETTLED = 4
    STOPPED = 130


MEANING: Mapping[Status, str] = {
    Status.DONE: "It was done.",
    Status.REFUSED: "It was refused, or failed, or what was examined is not good.",
    Status.WRONGLY_ASKED: "It was wrongly asked: an unknown option, a value that cannot be, "
    "a file that cannot be read, a wrong setting. Nothing was changed.",
    Status.NO_ANSWER: "Something that is needed does not answer: the database, a network, a rehearsal server.",
    Status.UNSETTLED: "It is under way, but not settled in the time that `--timeout` gave.",
    Status.STOPPED: "Stopped by Ctrl-C.",
}


class Failed(Exception):
    """The command could not do what it was asked; the message says why. `fields` says what
    is wrong where; `data` goes into the JSON document."""

    def __init__(
        self, message: str, *, status: Status = Status.REFUSED, fields: Mapping[str, str] | None = None, **data: Any
    ) -> None:
        super().__init__(message)
        self.status, self.fields, self.data = status, dict(fields or {}), data


class WronglyAsked(Failed):
    """Something in the command line, a file or the settings cannot be as it is."""

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None, **data: Any) -> None:
        super().__init__(message, status=Status.WRONGLY_ASKED, fields=fields, **data)


class Output:
    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def done(self, text: str, /, **data: Any) -> None:
        """What was done: `text` for people, `data` for programs."""
        print(json.dumps(data, default=str, ensure_ascii=False) if self.as_json else text)

    def say(self, text: str, /, **data: Any) -> None:
        """On the way: on standard error, so that the document stays alone on standard output."""
        print(json.dumps(data, default=str, ensure_ascii=False) if self.as_json else text, file=sys.stderr, flush=True)

    def table(self, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
        """Rows with the same keys."""
        if self.as_json:
            print(json.dumps(list(rows), default=str, ensure_ascii=False))
            return
        print(as_table(rows) or empty)


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Columns of text, or "" for no rows."""
    if not rows:
        return ""
    names = list(rows[0])
    cells = [names, *([_cell(r[n]) for n in names] for r in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    lines = ("  ".join(v.ljust(w) for v, w in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """On one line, and nothing that a terminal would obey: what customers wrote stands here too."""
    return "" if value is None else "".join(c if c.isprintable() else " " for c in str(value)[:200])


def failure_of(error: Exception) -> Failed | None:
    """How an error ends a command, or None for one that only a fault of ours can raise."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, GuichetError):
        status = Status.REFUSED
        if isinstance(error, Invalid):
            status = Status.WRONGLY_ASKED
        elif isinstance(error, Unready):
            status = Status.NO_ANSWER
        fields = getattr(error, "fields", None)
        return Failed(error.message, status=status, fields=fields, code=error.code, **error.data)
    if isinstance(error, ChannelError):
        away = isinstance(error, Unavailable | OutcomeUnknown | RateLimited)
        return Failed(error.detail, status=Status.NO_ANSWER if away else Status.REFUSED, code=error.code)
    if isinstance(error, UnicodeError):
        return WronglyAsked("what was given is not UTF-8")
    if isinstance(error, RedisError):
        return Failed(f"Redis does not answer ({type(error).__name__})", status=Status.NO_ANSWER)
    if isinstance(error, RequestException):
        return Failed(f"it does not answer ({type(error).__name__})", status=Status.NO_ANSWER)
    if isinstance(error, SQLAlchemyError):
        why = str(error.orig).splitlines()[0] if isinstance(error, DBAPIError) and error.orig else type(error).__name__
        return Failed(f"the database refuses: {why}", status=Status.NO_ANSWER)
    return None


def report_failure(as_json: bool, failed: Failed) -> int:
    """Say what went wrong on standard error; returns the exit status."""
    message = str(failed)
    if as_json:
        document = {"error": message, "fields": failed.fields, **failed.data}
        print(json.dumps(document, default=str, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"guichet: {message}", file=sys.stderr)
        for name, wrong in failed.fields.items():
            print(f"  {name}: {wrong}", file=sys.stderr)
    return int(failed.status)
