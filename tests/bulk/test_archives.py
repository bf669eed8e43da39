"""ZIPs that people pack, and ZIPs that are made to harm."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import zipfile
from typing import IO

import pytest

from guichet.bulk import archives
from guichet.bulk.archives import Archive, Spoiled, take_table
from guichet.bulk.unpacking import Taken, take_files
from guichet.errors import Invalid
from guichet.publishing.files import Found
from tests.bulk.zips import packed
from tests.webapp.test_imports import picture

MOST = 64 * 1024 * 1024


def opened(data: bytes) -> Archive:
    return Archive(io.BytesIO(data))


def refusal(data: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        opened(data)
    return refused.value.fields["file"]


def spoiled(archive: Archive, name: str, most: int = MOST) -> str:
    with pytest.raises(Spoiled) as found:
        archive.read(name, most)
    return found.value.why


def with_entry(entry: zipfile.ZipInfo, data: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, data)
    return out.getvalue()


def renamed(data: bytes, old: bytes, new: bytes, flags: int | None = None) -> bytes:
    """The archive with other bytes for a name of the same length, and for the entry's flags."""
    data = data.replace(old, new)
    if flags is not None:
        local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
        changed = bytearray(data)
        changed[local + 6 : local + 8] = changed[central + 8 : central + 10] = struct.pack("<H", flags)
        data = bytes(changed)
    return data


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name", ["../a.png", "a/../../b.png", "/etc/passwd", "C:/a.png", "C:a.png", "a\\b.png", "a/..", "..\\a.png"]
)
def test_a_path_that_leads_elsewhere_ends_the_whole(name: str) -> None:
    assert "leads elsewhere" in refusal(with_entry(zipfile.ZipInfo(name)))


def test_a_name_that_ends_early_ends_the_whole() -> None:
    assert "leads elsewhere" in refusal(renamed(packed({"aZb.png": b"x"}), b"aZb", b"a\0b"))


def test_a_name_that_stands_twice_ends_the_whole() -> None:
    assert "twice" in refusal(renamed(packed({"aaa.png": b"1", "bbb.png": b"2"}), b"bbb", b"aaa"))


def test_a_file_is_found_by_its_path_or_by_its_name_where_only_one_has_it() -> None:
    archive = opened(
        packed({"march/sea.png": b"1", "april/sea.png": b"2", "april/sun.png": b"3", "__MACOSX/._sun.png": b"4"})
    )
    assert archive.find("sun.png") == "april/sun.png"
    assert archive.find("march/sea.png") == "march/sea.png"
    assert archive.find("moon.png") is None
    with pytest.raises(Spoiled, match="more than once"):
        archive.find("sea.png")
    assert archive.count_files() == 3


def test_a_file_at_the_top_is_meant_even_where_a_folder_has_one_of_its_name() -> None:
    assert opened(packed({"sea.png": b"1", "old/sea.png": b"2"})).find("sea.png") == "sea.png"


@pytest.mark.parametrize("raw", ["é.png".encode(), "é.png".encode("cp437") + b"", "é.png".encode("cp1252")])
def test_names_without_a_mark_are_found_whatever_system_wrote_them(raw: bytes) -> None:
    plain = b"X" * len(raw)
    archive = opened(renamed(packed({plain.decode(): b"1"}), plain, raw))
    assert archive.find("é.png") is not None
    assert archive.find("e\u0301.png") is not None  # as a Mac takes it apart


def test_a_name_that_says_utf8_and_is_not_is_no_zip() -> None:
    assert "no ZIP" in refusal(renamed(packed({"XX.png": b"1"}), b"XX", b"\xff\xfe", 0x800))


# ---------------------------------------------------------------- single files


def test_a_link_is_no_file() -> None:
    entry = zipfile.ZipInfo("a.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "link" in spoiled(opened(with_entry(entry, b"/etc/passwd")), "a.png")


def test_a_locked_file_is_said_to_be() -> None:
    assert "password" in spoiled(opened(renamed(packed({"a.png": b"1"}), b"", b"", 0x1)), "a.png")


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_what_may_ask_for_much_memory_is_not_unpacked(how: int) -> None:
    assert "plain ZIP" in spoiled(opened(packed({"a.png": b"1" * 1000}, how)), "a.png")


def test_a_damaged_file_is_said_to_be() -> None:
    data = packed({"a.png": b"here it is", "b.png": b"whole"}, zipfile.ZIP_STORED)
    archive = opened(data.replace(b"here it is", b"here it iz"))
    assert "damaged" in spoiled(archive, "a.png")
    assert archive.read("b.png", MOST) == b"whole"


@pytest.mark.parametrize("claimed", [5, 5000])
def test_a_directory_that_lies_about_a_size_is_not_believed(claimed: int) -> None:
    data = bytearray(packed({"a.png": b"0123456789" * 100}))
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", claimed)
    assert "damaged" in spoiled(opened(bytes(data)), "a.png")


def test_a_directory_that_points_nowhere_is_not_followed() -> None:
    data = bytearray(packed({"a.png": b"0123456789"}))
    central = data.index(b"PK\x01\x02")
    data[central + 42 : central + 46] = struct.pack("<I", 7)
    assert "damaged" in spoiled(opened(bytes(data)), "a.png")


def test_an_archive_in_an_archive_is_neither_opened_nor_kept() -> None:
    taken: Taken[int] = take_files(
        opened(packed({"a.zip": packed({"b.png": picture()})})), ["a.zip, b.png"], lambda _: 1
    )
    assert (taken.kept, list(taken.lost)) == ({}, ["a.zip"])
    assert "an archive itself" in taken.lost["a.zip"]


def test_large_file_headers_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("a.png", "w", force_zip64=True) as entry:
        entry.write(b"12345")
    assert opened(out.getvalue()).read("a.png", MOST) == b"12345"


# ---------------------------------------------------------------- bombs


def bomb(size: int, name: str = "bomb.png") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as entry:
        for _ in range(size // 2**20):
            entry.write(bytes(2**20))
    return out.getvalue()


def test_a_bomb_is_left_long_before_it_has_gone_off() -> None:
    archive = opened(bomb(60 * 2**20))
    tracemalloc.start()
    assert "far more" in spoiled(archive, "bomb.png")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 16 * 2**20


def test_a_file_that_says_how_large_it_is_is_not_begun() -> None:
    archive = opened(bomb(3 * 2**20))
    assert "must have at most" in spoiled(archive, "bomb.png", 2**20)
    assert archive._unpacked == 0


def test_all_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED", 1500)
    archive = opened(packed({"a.png": b"1" * 1000, "b.png": b"2" * 1000}, zipfile.ZIP_STORED))
    archive.read("a.png", MOST)
    with pytest.raises(Invalid, match="too large"):
        archive.read("b.png", MOST)


def test_entries_that_share_their_bytes_are_not_read() -> None:
    data = bytearray(packed({"a.png": b"0" * 100, "b.png": b"0" * 100}))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    assert "damaged" in spoiled(opened(bytes(data)), "b.png")


def test_a_hundred_thousand_entries_are_refused_before_they_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"{n}.png"), b"")
    data = out.getvalue()
    tracemalloc.start()
    assert "entries" in refusal(data)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < len(data) + 4 * 2**20  # the stream itself, once


def test_more_entries_than_people_pack_are_refused() -> None:
    assert "entries" in refusal(packed({f"{n}.png": b"" for n in range(archives.MOST_ENTRIES + 1)}))


def test_an_archive_that_is_too_large_is_not_looked_at() -> None:
    class Huge(io.BytesIO):
        def tell(self) -> int:
            return archives.LARGEST + 1

    stream: IO[bytes] = Huge()
    with pytest.raises(Invalid, match="too large"):
        Archive(stream)


@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(3), packed({"a": b"1" * 500})[:-8], b"GIF89a"],
    ids=["nothing", "a head", "half a tail", "cut short", "a picture"],
)
def test_what_is_no_zip_that_is_whole_is_said_to_be_none(data: bytes) -> None:
    assert "no ZIP" in refusal(data)


# ---------------------------------------------------------------- what is taken


def test_the_table_is_the_only_one_there() -> None:
    assert take_table(opened(packed({"x/march.csv": b"Text\nhello\n", "a.png": b"1"}))) == (
        "x/march.csv",
        b"Text\nhello\n",
    )
    for files in ({"a.png": b"1"}, {"a.csv": b"1", "b.xlsx": b"2"}):
        with pytest.raises(Invalid, match="one table"):
            take_table(opened(packed(files)))


def test_one_content_is_kept_once_and_what_nobody_names_is_not_looked_at() -> None:
    archive = opened(
        packed({"a.png": picture(), "b/copy.png": picture(), "bad.png": picture()[:40], "secret.txt": b"?"})
    )
    kept: list[Found] = []

    def keep(found: Found) -> int:
        kept.append(found)
        return len(kept)

    taken = take_files(archive, ["a.png|copy.png", "bad.png", "gone.png", "a.png"], keep)
    assert taken.kept == {"a.png": 1, "copy.png": 1}
    assert (list(taken.lost), taken.unused, [f.filename for f in kept]) == (["bad.png"], 1, ["a.png"])


def test_more_files_than_one_request_may_take_are_refused_before_any_is_kept() -> None:
    names = [f"{n}.png" for n in range(archives.MOST_FILES + 1)]
    with pytest.raises(Invalid, match="too many files"):
        take_files(opened(packed(dict.fromkeys(names, b"x"))), names, lambda _: pytest.fail("kept"))
