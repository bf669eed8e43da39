"""Documents, by what they hold: office files, archives and plain text. Nothing in them is run or
unpacked; they are handed on as downloads, under a name that says what they are.

Refused: office files with macros, and text that a browser could take for a page.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
# Office Open XML (ECMA-376): the part that is the document, and its content type.
_MAIN_PARTS = {
    "word/document.xml": _OFFICE + "wordprocessingml.document",
    "xl/workbook.xml": _OFFICE + "spreadsheetml.sheet",
    "ppt/presentation.xml": _OFFICE + "presentationml.presentation",
}
_SUFFIXES = {
    _OFFICE + "wordprocessingml.document": ".docx",
    _OFFICE + "spreadsheetml.sheet": ".xlsx",
    _OFFICE + "presentationml.presentation": ".pptx",
    _OPEN_DOCUMENT + "text": ".odt",
    _OPEN_DOCUMENT + "spreadsheet": ".ods",
    "application/zip": ".zip",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/calendar": ".ics",
}
_LONGEST_NAME = 200
_MOST_PARTS = 10_000  # entries of an archive
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# What browsers look for when they guess (WHATWG MIME Sniffing, §7.1), and scripts of a shell.
_ACTIVE = re.compile(r"\s*(<[!?a-z]|#!)|.*<(script|html|svg|iframe)\b", re.IGNORECASE | re.DOTALL)
_LOOKED_AT = 2000  # characters of a text that may begin a page


def kind_of_document(data: bytes, name: str) -> str:
    """The media type of a document, "" for what is none that we know. `name` only tells a
    table from other text, which their content cannot."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_archive(data)
    return _kind_of_text(data, name)


def named_for(kind: str, name: str) -> str:
    """The name with the ending that goes with its content: who receives it opens it by that."""
    suffix = _SUFFIXES.get(kind, "")
    if name.lower().endswith(suffix):
        return name
    return name[: _LONGEST_NAME - len(suffix)] + suffix


def _kind_of_archive(data: bytes) -> str:
    if data.count(b"PK\x01\x02") > _MOST_PARTS:  # each costs memory before it can be looked at
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {info.filename: info for info in archive.infolist()}
            if any(part.rsplit("/", 1)[-1].lower() == "vbaproject.bin" for part in parts):
                return ""
            if "[Content_Types].xml" in parts:
                return next((kind for part, kind in _MAIN_PARTS.items() if part in parts), "application/zip")
            return _kind_of_open_document(archive, parts.get("mimetype")) or "application/zip"
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, ValueError, RuntimeError, EOFError):
        return ""


def _kind_of_open_document(archive: zipfile.ZipFile, said: zipfile.ZipInfo | None) -> str:
    """OpenDocument says what it is in a part of its own (OASIS OpenDocument 1.3, part 2, §3.3)."""
    if said is None or said.file_size > 200 or said.compress_type != zipfile.ZIP_STORED:
        return ""
    kind = archive.read(said).decode("ascii", "replace").strip()
    return kind if kind in _SUFFIXES and kind.startswith(_OPEN_DOCUMENT) else ""


def _kind_of_text(data: bytes, name: str) -> str:
    text = _decoded(data)
    if not text.strip() or _CONTROLS.search(text) or _ACTIVE.match(text[:_LOOKED_AT]):
        return ""
    if text.startswith("BEGIN:VCALENDAR"):
        return "text/calendar"
    return "text/csv" if name.lower().endswith(".csv") else "text/plain"


def _decoded(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, or what older office programs write; "" for none of these."""
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ""
