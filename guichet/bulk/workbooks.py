"""Workbooks (XLSX, ECMA-376) as tables and back. Only the first sheet is read, only the values
in it: formulas by what they last came to, dates as dates.

A workbook is a ZIP of XML. Before any of it is read its parts are weighed by what they would
unpack to; entities are refused by defusedxml, which openpyxl uses where it is installed.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from importlib import import_module
from typing import Any
from xml.etree.ElementTree import ParseError

from guichet.bulk.tables import MOST_COLUMNS, MOST_ROWS, Table, arrange, guard, require_size
from guichet.errors import Invalid

MOST_UNPACKED = 32 * 1024 * 1024  # bytes of all parts together
_MOST_PARTS = 500
_LONGEST = 32_767  # characters that a cell of a workbook can hold
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML has no way to say
_DEEPEST = MOST_ROWS * 3  # rows that are looked at: empty ones between posts are passed over
# What openpyxl and what it stands on raise for files that are broken or made to be.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, ParseError, KeyError, ValueError,
    TypeError, AttributeError, IndexError, EOFError, OSError, NotImplementedError, RuntimeError, AssertionError,
)  # fmt: skip


def _library() -> Any:
    """openpyxl, loaded with the first workbook: where numpy is, it brings that along."""
    library = import_module("openpyxl")
    if not library.DEFUSEDXML:
        raise AssertionError("openpyxl does not use defusedxml here: set nothing that turns it off")
    return library


def is_workbook(data: bytes) -> bool:
    """Whether these bytes are a ZIP, as workbooks are."""
    return data.startswith(b"PK\x03\x04")


def read_workbook(data: bytes) -> Table:
    """The first sheet as a table. Raises Invalid for what is no workbook, a bomb, or no table
    of posts."""
    require_size(data)
    _require_sound(data)
    try:
        values, written = (_sheet(data, values=values) for values in (True, False))
    except _BROKEN:
        raise _no_workbook() from None
    return arrange(_records(values, written))


def _no_workbook() -> Invalid:
    return Invalid(
        "this workbook cannot be read", {"file": "is no workbook that is whole: save it again as XLSX or CSV"}
    )


def _require_sound(data: bytes) -> None:
    """A part gives no more than it declares: zipfile stops there and compares its sum."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except _BROKEN:
        raise _no_workbook() from None
    if not any(part.filename == "[Content_Types].xml" for part in parts):
        raise _no_workbook()
    if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise Invalid("this workbook is too large", {"file": "unpacks to more than a table of posts can be"})


def _sheet(data: bytes, *, values: bool) -> list[tuple[Any, ...]]:
    """The cells of the first sheet that is a table: (value, whether it says an hour, whether
    it is a formula)."""
    book = _library().load_workbook(io.BytesIO(data), read_only=True, data_only=values, keep_links=False)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a sheet says of its size may be a lie
        rows = []
        for n, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1, max_row=_DEEPEST + 1)):
            if n == _DEEPEST:
                break
            rows.append(tuple((c.value, "h" in (c.number_format or "").lower(), c.data_type == "f") for c in row))
        return rows
    finally:
        book.close()


def _records(values: Sequence[tuple[Any, ...]], written: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[str]]:
    """A formula that was never worked out is handed on as it is written, for a person to see."""
    for row, formulas in zip(values, written, strict=False):
        yield [_cell_text(value, formula) for value, formula in zip(row, formulas, strict=False)]


def _cell_text(value: tuple[Any, ...], formula: tuple[Any, ...]) -> str:
    if value[0] is None and formula[2]:
        return str(getattr(formula[0], "text", formula[0]))
    return _text(value[0], says_hour=value[1])


def _text(value: Any, *, says_hour: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        rounded = value + timedelta(milliseconds=500)  # days are kept as fractions
        return f"{rounded:%Y-%m-%d %H:%M:%S}".removesuffix(":00") if says_hour else f"{value:%Y-%m-%d}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else guard(str(value))


def write_workbook(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook with one sheet, whose cells are all text: nothing in it is worked out."""
    book = _library().Workbook(write_only=True)
    sheet = book.create_sheet("Posts")
    sheet.freeze_panes = "A2"
    letter = import_module("openpyxl.utils").get_column_letter
    for n, heading in enumerate(headings, 1):
        sheet.column_dimensions[letter(n)].width = 60 if heading == "Text" else 18
    for row in (headings, *rows):
        sheet.append([_cell(sheet, text) for text in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: Any, text: str) -> Any:
    cell = import_module("openpyxl.cell").WriteOnlyCell(sheet, value="")
    cell.value = _UNWRITABLE.sub("", text)[:_LONGEST]
    cell.data_type = "s"  # whatever it begins with
    return cell
