"""A ZIP of the files that a table names, or of the table and its files. Read as a stream, an entry
at a time, and never unpacked to a disk; what its directory claims is believed nowhere.

The whole is refused for names that lead out of it or stand in it twice, and for being more than
people pack by hand. What is wrong with one file is that file's matter: `Spoiled` says why.
"""

from __future__ import annotations

import posixpath
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import IO, Any

from channels.sentences import Sentence, say
from guichet.bulk import tables
from guichet.errors import Invalid

LARGEST = 256 * 1024 * 1024  # bytes of an archive
MOST_ENTRIES = 2000
MOST_FILES = 200  # that are taken out of one archive
MOST_UNPACKED = 512 * 1024 * 1024  # bytes of all that is taken out together
_LARGEST_DIRECTORY = 1024 * 1024
_RATIO, _SMALL = 200, 1024 * 1024  # what unpacks to more than so many times its size, beyond a megabyte
_CHUNK = 64 * 1024
_UTF8, _ENCRYPTED = 0x800, 0x1
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for gigabytes to be read with
_OTHERS = ("cp437", "cp1252", "cp850")  # what a name without a mark may have been written in
_TABLE = re.compile(r"\.(csv|tsv|xlsx)$", re.IGNORECASE)
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_BROKEN = (
    zipfile.BadZipFile, zlib.error, ValueError, KeyError, IndexError, EOFError, OSError, NotImplementedError,
    RuntimeError, OverflowError,
)  # fmt: skip


class Spoiled(Exception):
    """One file of an archive that cannot be taken, and why."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(why)
        self.why = why


class _Bounded:
    """A file of which no more is read at once than a directory may be long: a directory that
    claims to be longer is not read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if size is not None and size > _LARGEST_DIRECTORY:
            raise _too_many()
        return self._stream.read(_LARGEST_DIRECTORY if size is None or size < 0 else size)

    def seekable(self) -> bool:
        return True


class Archive:
    """What a ZIP holds, by the names that cells may give: a whole path, or the last part of it
    where only one file is called so. Raises Invalid for what is none, or made to harm."""

    def __init__(self, stream: IO[bytes]) -> None:
        stream.seek(0, 2)
        if stream.tell() > LARGEST:
            raise Invalid("this archive is too large", {"file": say("must have at most {most} bytes", most=LARGEST)})
        stream.seek(0)
        bounded: Any = _Bounded(stream)
        try:
            self._zip = zipfile.ZipFile(bounded)
            entries = self._zip.infolist()
        except Invalid:
            raise
        except _BROKEN:
            raise Invalid("this archive cannot be read", {"file": "is no ZIP that is whole: pack it again"}) from None
        if len(entries) > MOST_ENTRIES:
            raise _too_many()
        self._entries = _named(entries)
        self._by_name = _ways_to_say(self._entries)
        self._unpacked = 0

    @property
    def is_workbook(self) -> bool:
        """Whether it is an XLSX, which is a ZIP too."""
        return "[Content_Types].xml" in self._entries

    @property
    def tables(self) -> list[str]:
        """The names in it that a table of posts may have."""
        return [name for name in self._entries if _TABLE.search(name)]

    @property
    def names(self) -> Mapping[str, list[str]]:
        """Every way in which a cell may name a file, and which it means: more than one is unclear."""
        return self._by_name

    def count_files(self) -> int:
        return len(self._entries) - len(self.tables)

    def find(self, name: str) -> str | None:
        """The file that a cell means by this. Raises Spoiled where it may be several."""
        meant = self._by_name.get(unicodedata.normalize("NFC", name.strip()), [])
        if len(meant) > 1:
            raise Spoiled(say("is in the archive more than once: write its folder too"))
        return meant[0] if meant else None

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a file. Raises Spoiled for one that cannot be taken, Invalid once more
        came out than may altogether."""
        entry = self._entries[name]
        _require_plain(entry, most)
        out = bytearray()
        try:
            with self._zip.open(entry) as file:
                while chunk := file.read(_CHUNK):
                    out += chunk
                    self._unpacked += len(chunk)
                    self._require_measure(entry, len(out), most)
        except (Spoiled, Invalid):
            raise
        except _BROKEN:
            raise Spoiled(say("is damaged in the archive")) from None
        if len(out) != entry.file_size:
            raise Spoiled(say("is damaged in the archive"))
        return bytes(out)

    def _require_measure(self, entry: zipfile.ZipInfo, size: int, most: int) -> None:
        if self._unpacked > MOST_UNPACKED:
            raise Invalid(
                "this archive is too large",
                {"file": say("unpacks to more than {most} bytes", most=MOST_UNPACKED)},
            )
        if size > most:
            raise _too_large(most)
        if size > _SMALL and size > _RATIO * entry.compress_size:
            raise Spoiled(say("unpacks to far more than a picture or a film would"))


def take_table(archive: Archive) -> tuple[str, bytes]:
    """The name and the bytes of the table in an archive. Raises Invalid where there is none, several, or one that
    cannot be read."""
    found = archive.tables
    if len(found) != 1:
        phrase = say("holds several tables: {names}", names=", ".join(found)[:200]) if found else say("holds no table")
        raise Invalid("an archive holds one table, CSV or XLSX, and the files that it names", {"file": phrase})
    try:
        return found[0], archive.read(found[0], tables.LARGEST)
    except Spoiled as e:
        raise Invalid("the table in this archive cannot be read", {"file": e.why}) from None


def require_few(names: Iterable[str]) -> None:
    """Raises Invalid for more files than are taken out of one archive."""
    if len(set(names)) > MOST_FILES:
        raise Invalid(
            "too many files are named",
            {"file": say("holds more than {most} files that are named: divide it", most=MOST_FILES)},
        )


def is_archive(head: bytes) -> bool:
    """Whether something that begins so is a ZIP, whatever is in it."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _too_many() -> Invalid:
    return Invalid("this archive is too large", {"file": say("holds more than {most} entries", most=MOST_ENTRIES)})


def _too_large(most: int) -> Spoiled:
    return Spoiled(say("must have at most {most} bytes", most=most))


def _require_plain(entry: zipfile.ZipInfo, most: int) -> None:
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise Spoiled(say("is a link in the archive, no file"))
    if entry.flag_bits & _ENCRYPTED:
        raise Spoiled(say("is locked with a password"))
    if entry.compress_type not in _READ:
        raise Spoiled(say("is packed in a way that is not read: pack it as plain ZIP"))
    if entry.file_size > most:
        raise _too_large(most)


def _named(entries: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Entries by their paths, without folders and what systems leave behind. Raises Invalid for
    a path that leads elsewhere or is there twice."""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = _names_of(entry)[0]
        if "\0" in entry.orig_filename or "\\" in entry.orig_filename or _leads_out(name):
            raise Invalid(
                "this archive cannot be taken",
                {"file": say("holds a path that leads elsewhere: {name}", name=_shown(name))},
            )
        if name.endswith("/") or _LITTER.search(name):
            continue
        if name in found:
            raise Invalid("this archive cannot be taken", {"file": say("holds “{name}” twice", name=_shown(name))})
        found[name] = entry
    return found


def _leads_out(name: str) -> bool:
    return name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None or ".." in name.split("/")


def _shown(name: str) -> str:
    return "".join(c for c in name if c.isprintable())[:100]


def _names_of(entry: zipfile.ZipInfo) -> list[str]:
    """How an entry may be called, the likeliest first: names carry a mark that they are UTF-8, or
    none and are whatever the system that packed them writes."""
    if entry.flag_bits & _UTF8:
        return [unicodedata.normalize("NFC", entry.filename)]
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:  # told in a field beside it
        return [unicodedata.normalize("NFC", entry.filename)]
    names = []
    for encoding in ("utf-8", *_OTHERS):
        with suppress(UnicodeDecodeError):
            names.append(unicodedata.normalize("NFC", raw.decode(encoding)))
    return list(dict.fromkeys(names))


def _ways_to_say(entries: Mapping[str, zipfile.ZipInfo]) -> dict[str, list[str]]:
    """A whole path means one file, whatever the last parts of others are."""
    ways: dict[str, list[str]] = {}
    for key, entry in entries.items():
        for name in dict.fromkeys(n for way in _names_of(entry) for n in (way, posixpath.basename(way))):
            ways.setdefault(name, []).append(key)
    return {**ways, **{key: [key] for key in entries}}
