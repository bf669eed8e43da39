"""The grammar of IMAP4rev1 (RFC 3501 §9) as far as the rehearsal server speaks it:
a command's words, sets of numbers, what a search asks and what a fetch gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime

from channels.rehearsal.email.mailboxes import Mail

Word = str | list["Word"]

_TOKEN = re.compile(
    rb'\s*(?:"((?:[^"\\]|\\.)*)"|(\()|(\))|\{(\d+)\+?\}\r\n|((?:BODY(?:\.PEEK)?\[[^\]]*\][^\s()]*)|[^\s()"{]+))', re.I
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def words(line: bytes) -> list[Word]:
    """A command's words; literals stand in the line as `{n}` CR LF and n bytes. Lists nest.

    Raises ValueError for what is no command.
    """
    stack: list[list[Word]] = [[]]
    at = 0
    line = line.rstrip(b"\r\n")
    while at < len(line):
        found = _TOKEN.match(line, at)
        if not found:
            raise ValueError("that is no command")
        at = found.end()
        if found.group(2):
            stack.append([])
        elif found.group(3):
            done = stack.pop()
            stack[-1].append(done)
        elif found.group(4):
            size = int(found.group(4))
            stack[-1].append(line[at : at + size].decode("latin-1"))
            at += size
        elif found.group(1) is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", found.group(1)).decode("utf-8", "replace"))
        else:
            stack[-1].append(found.group(5).decode("utf-8", "replace"))
    if len(stack) != 1:
        raise ValueError("the brackets do not match")
    return stack[0]


def in_set(text: str, number: int, last: int) -> bool:
    """Whether `number` is in a set such as `1:3,7,9:*`, where `*` is `last`."""
    for part in text.split(","):
        low, _, high = part.partition(":")
        ends = [last if end == "*" else int(end) for end in (low, high or low)]
        if min(ends) <= number <= max(ends):
            return True
    return False


def matching(mails: Sequence[Mail], criteria: Sequence[Word]) -> list[Mail]:
    """The mails that a search asks for. Raises ValueError for what is not offered."""
    test, rest = _criterion(list(criteria), mails[-1].uid if mails else 0)
    tests = [test]
    while rest:
        test, rest = _criterion(rest, mails[-1].uid if mails else 0)
        tests.append(test)
    return [m for m in mails if all(t(m) for t in tests)]


def _criterion(todo: list[Word], last: int) -> tuple[Callable[[Mail], bool], list[Word]]:
    if not todo:
        return (lambda mail: True), []
    head, rest = todo[0], todo[1:]
    if isinstance(head, list):
        inner = head
        return (lambda mail: bool(matching([mail], inner))), rest
    name = head.upper()
    if name == "CHARSET":
        return _criterion(rest[1:], last)
    if name == "ALL":
        return (lambda mail: True), rest
    if name == "NOT":
        test, rest = _criterion(rest, last)
        return (lambda mail: not test(mail)), rest
    if name == "UID":
        uids = str(rest[0])
        return (lambda mail: in_set(uids, mail.uid, last)), rest[1:]
    if name == "SINCE":
        day = _day(str(rest[0]))
        return (lambda mail: datetime.fromtimestamp(mail.arrived, UTC).date() >= day), rest[1:]
    if name == "SENTBEFORE":
        day = _day(str(rest[0]))
        return (lambda mail: _sent_before(mail, day)), rest[1:]
    if name == "HEADER":
        field, value = str(rest[0]), str(rest[1]).lower()
        return (lambda mail: value in (message_from_bytes(mail.raw)[field] or "").lower()), rest[2:]
    if name == "UNSEEN":
        return (lambda mail: "\\Seen" not in mail.flags), rest
    raise ValueError(f"no search by {name} here")


def _day(text: str) -> date:
    day, month, year = text.split("-")
    return datetime(int(year), _MONTHS.index(month.title()) + 1, int(day), tzinfo=UTC).date()


def _sent_before(mail: Mail, day: date) -> bool:
    try:
        return bool(parsedate_to_datetime(message_from_bytes(mail.raw)["Date"]).date() < day)
    except (TypeError, ValueError):
        return False


def fetched(mail: Mail, items: Sequence[Word]) -> bytes:
    """What a FETCH gives of one mail, without the brackets around it."""
    pieces = []
    for item in items:
        name = str(item)
        upper = name.upper()
        if upper == "UID":
            pieces.append(b"UID %d" % mail.uid)
        elif upper == "FLAGS":
            pieces.append(b"FLAGS (%s)" % " ".join(mail.flags).encode())
        elif upper == "RFC822.SIZE":
            pieces.append(b"RFC822.SIZE %d" % len(mail.raw))
        elif upper == "INTERNALDATE":
            pieces.append(b'INTERNALDATE "%s"' % _internal_date(mail.arrived).encode())
        elif upper.startswith(("BODY[", "BODY.PEEK[")):
            pieces.append(_body(mail, name))
        else:
            raise ValueError(f"no {name} here")
    if not any(str(i).upper() == "UID" for i in items):
        pieces.append(b"UID %d" % mail.uid)
    return b" ".join(pieces)


def _internal_date(epoch: float) -> str:
    when = datetime.fromtimestamp(epoch, UTC)
    return f"{when.day:2d}-{_MONTHS[when.month - 1]}-{when:%Y %H:%M:%S} +0000"


def _body(mail: Mail, name: str) -> bytes:
    found = re.fullmatch(r"BODY(?:\.PEEK)?\[(HEADER)?\](?:<(\d+)\.(\d+)>)?", name, re.IGNORECASE)
    if not found:
        raise ValueError(f"no {name} here")
    head, gap, _ = mail.raw.partition(b"\r\n\r\n")
    data = head + gap if found.group(1) else mail.raw
    where = ""
    if found.group(2):
        start = int(found.group(2))
        data, where = data[start : start + int(found.group(3))], f"<{start}>"
    section = "HEADER" if found.group(1) else ""
    return f"BODY[{section}]{where} {{{len(data)}}}\r\n".encode() + data
