"""A table of posts as somebody hands it over: CSV in any usual encoding, or a workbook. Bytes
in, rows of text out; what a row says is not judged here.

Refused: what is no table, what is too large to be one that people wrote, and rows beyond the
thousandth (`MOST_ROWS`). Nothing is run, unpacked to a disk or fetched.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from channels.sentences import say
from guichet.bulk import columns, times
from guichet.bulk.columns import Layout
from guichet.errors import Invalid

MOST_ROWS = 1000
MOST_COLUMNS = 60
LARGEST = 10 * 1024 * 1024  # bytes of a file
LONGEST = 20_000  # characters of a cell
MOST_TEXT = 4_000_000  # characters of all cells together
_SEPARATORS = (",", ";", "\t", "|")
_GUARDED = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


@dataclass(frozen=True)
class Row:
    """A row by its number in the file (headings are row 1), with the cells that mean something."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """What was read. `columns` are those that the file has, `unread` the headings that nobody
    knows, `encoding` how its text was written (empty for a workbook)."""

    format: str
    columns: tuple[str, ...]
    unread: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str = ""


def read_csv(data: bytes) -> Table:
    """Raises Invalid for what is no table of posts, and says what is wrong with it."""
    require_size(data)
    text, encoding = _decoded(data)
    separator, text = _separator(text)
    try:
        return arrange(_records(text, separator), encoding)
    except csv.Error:
        raise Invalid(
            "this is no CSV that can be read", {"file": "has quotation marks that do not match, or a cell without end"}
        ) from None


def require_size(data: bytes) -> None:
    """Raises Invalid for a file that is empty or too large."""
    if not data.strip():
        raise Invalid("this file is empty", {"file": "holds nothing"})
    if len(data) > LARGEST:
        raise Invalid("this file is too large", {"file": say("must have at most {most} bytes", most=LARGEST)})


def arrange(records: Iterator[Sequence[str]], encoding: str = "") -> Table:
    """Rows of text as a table: the first that is not empty says what the columns mean. Raises
    Invalid where it cannot be told, and where there are too many rows."""
    layout: Layout | None = None
    rows: list[Row] = []
    size = 0
    for number, record in enumerate(records, 1):
        if not any(cell.strip() for cell in record):
            continue
        if layout is None:
            layout = _layout(record)
            if layout.has_headings:
                continue
        if len(rows) == MOST_ROWS:
            raise Invalid(
                "this table is too long",
                {"file": say("holds more than {most} posts: divide it into several files", most=MOST_ROWS)},
            )
        row = Row(number, _cells(layout, record, number))
        size += sum(map(len, row.cells.values()))
        if size > MOST_TEXT:
            raise Invalid(
                "this table is too large", {"file": say("must have at most {most} characters", most=MOST_TEXT)}
            )
        if row.cells:
            rows.append(row)
    if layout is None or not rows:
        raise Invalid("there is no post in this table", {"file": "has no row below its headings"})
    known = tuple(column for column in columns.COLUMNS if column in layout.columns)
    return Table(layout.format, known, layout.unread, tuple(rows), encoding)


def _layout(record: Sequence[str]) -> Layout:
    first = list(record)
    while not first[-1].strip():  # a workbook's rows end in empty cells
        first.pop()
    if len(first) > MOST_COLUMNS:
        raise Invalid("this table is too wide", {"file": say("must have at most {most} columns", most=MOST_COLUMNS)})
    found = columns.recognise(first, times.looks_like_a_date(first[0]))
    if found is None:
        headings = ", ".join(h.strip()[:40] for h in first if h.strip())
        raise Invalid(
            "no column of this table is the text of a post",
            {"file": say("has the columns {headings}; name one of them Text, or Message", headings=headings)},
        )
    return found


def _cells(layout: Layout, record: Sequence[str], number: int) -> dict[str, str]:
    cells = {}
    for column, cell in zip(layout.columns, record, strict=False):
        if not column or not cell.strip():
            continue
        if len(cell) > LONGEST:
            raise Invalid(
                "a cell of this table is too long",
                {"file": say("has in row {row} more than {most} characters", row=str(number), most=LONGEST)},
            )
        cells[column] = storable(cell)
    return cells


def storable(cell: str) -> str:
    """A cell's text without what no database keeps, its line ends as ours."""
    plain = cell.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return plain.encode("utf-8", "replace").decode().strip(" \n\u00a0")


def guard(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip("'").startswith(_GUARDED) else text


def unguard(cell: str) -> str:
    """What `guard` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_GUARDED) else cell


# ---------------------------------------------------------------- CSV


def _decoded(data: bytes) -> tuple[str, str]:
    """The text and how it was written. Without a mark it is UTF-8 where it can be, then what
    Excel in Western Europe writes."""
    marked = next((e for mark, e in _MARKS if data.startswith(mark)), None)
    if marked is None and data.count(0) > len(data) // 4:
        marked = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding
    raise Invalid("this file is no text", {"file": "is neither UTF-8 nor UTF-16 nor Windows-1252"})


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def _separator(text: str) -> tuple[str, str]:
    """What separates the cells, and the text without a line that only says so. Told by the
    first line alone: it must name columns, or begin with a day."""
    head, _, rest = text.partition("\n")
    if head.casefold().startswith("sep=") and head[4:5].strip("\r") + head[4:5]:
        return head[4:5], rest
    first = next((line for line in text[:LONGEST].splitlines() if line.strip()), "")
    scored = {s: _score(first, s) for s in _SEPARATORS}
    return max(_SEPARATORS, key=lambda s: scored[s]), text


def _score(line: str, separator: str) -> int:
    """How many columns would be understood if this were the separator."""
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return 0
    dated = bool(cells) and len(cells) > 1 and times.looks_like_a_date(cells[0])
    return sum(columns.meaning_of(cell) is not None for cell in cells) * 2 + dated


def _records(text: str, separator: str) -> Iterator[Sequence[str]]:
    return iter(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
