"""Files to send: judged by what they hold, cleaned of what rides along, shown to whom they concern."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from channels.bluesky import SPEC as BLUESKY
from channels.contract import MediaItem, Surface
from channels.email import SPEC as EMAIL
from channels.limits import problems
from channels.mastodon import SPEC as MASTODON
from channels.x import SPEC as X
from guichet.errors import Invalid, NotAllowed, NotFound
from guichet.models import AuditEntry
from guichet.policy import Actor
from guichet.publishing import files
from guichet.publishing.drafting import VariantSpec, Words
from tests.publishing.desk import NOW, SPECS, Desk

_GPS, _ORIENTATION, _MAKER = 0x8825, 0x0112, 0x010F


def picture(kind: str, size: tuple[int, int] = (40, 20), **more: object) -> bytes:
    """A picture that says where it was taken, with what, and that it lies on its side."""
    image = Image.new("RGB", size, (200, 30, 30))
    exif = Image.Exif()
    exif[_MAKER], exif[_ORIENTATION] = "Spy Camera 3000", 6
    exif.get_ifd(_GPS)[1] = "N"
    out = io.BytesIO()
    image.save(out, kind, exif=exif, **more)
    return out.getvalue()


def moving(kind: str) -> bytes:
    """Two pictures in one, shown one after the other."""
    out = io.BytesIO()
    first, *more = [Image.new("RGB", (40, 20), colour) for colour in ("red", "blue")]
    first.save(out, kind, save_all=True, append_images=more)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_rides_along_with_a_picture_and_it_stands_upright(kind: str) -> None:
    more: dict[str, object] = {}
    if kind == "JPEG":
        more = {"comment": "Spy Camera 3000", "xmp": b"<x:xmpmeta>Spy Camera 3000</x:xmpmeta>"}
    if kind == "PNG":
        more["pnginfo"] = PngInfo()
        more["pnginfo"].add_text("Comment", "Spy Camera 3000")
    found = files.examine(picture(kind, **more), "C:\\photos\\me\u202egnp.exe")
    assert (found.mime, found.width, found.height) == (f"image/{kind.lower()}", 20, 40)
    assert found.filename == "megnp.exe"
    assert b"Spy Camera" not in found.data
    with Image.open(io.BytesIO(found.data)) as image:
        assert dict(image.getexif()) == {}
        assert image.size == (20, 40)


@pytest.mark.parametrize("kind", ["BMP", "TIFF"])
def test_what_no_network_takes_becomes_a_png_point_by_point(kind: str) -> None:
    out = io.BytesIO()
    image = Image.linear_gradient("L").convert("RGB")
    image.save(out, kind)
    found = files.examine(out.getvalue(), "scan.of.me.tif")
    assert (found.mime, found.filename) == ("image/png", "scan.of.me.png")
    with Image.open(io.BytesIO(found.data)) as made:
        assert made.tobytes() == image.tobytes()


def test_a_tiff_of_several_pages_or_of_colours_for_print_is_refused_whole() -> None:
    pages, print_ = io.BytesIO(), io.BytesIO()
    Image.new("L", (9, 9)).save(pages, "TIFF", save_all=True, append_images=[Image.new("L", (9, 9))])
    Image.new("CMYK", (9, 9)).save(print_, "TIFF")
    with pytest.raises(Invalid, match="several pictures"):
        files.examine(pages.getvalue(), "a.tiff")
    with pytest.raises(Invalid, match="of this kind"):
        files.examine(print_.getvalue(), "a.tiff")


def test_what_telephones_call_a_picture_of_several_is_sent_as_the_first() -> None:
    """Some JPEGs hold a second, smaller picture (MPO)."""
    out = io.BytesIO()
    two = [Image.new("RGB", (40, 20), colour) for colour in ("red", "blue")]
    two[0].save(out, "MPO", save_all=True, append_images=two[1:])
    found = files.examine(out.getvalue(), "IMG_0001.JPG")
    assert (found.mime, found.width) == ("image/jpeg", 40)
    with Image.open(io.BytesIO(found.data)) as image:
        assert (image.format, getattr(image, "n_frames", 1)) == ("JPEG", 1)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "1 to"),
        (b"x" * (files.LARGEST + 1), "1 to"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "is"),
        (b"<html><script>alert(1)</script></html>", "is"),
        (b"MZ" + b"\0" * 200, "is"),
        (moving("PNG"), "moving"),
        (moving("WEBP"), "moving"),
        (picture("JPEG")[:300], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "damaged"),
    ],
    ids=["empty", "too-large", "svg", "html", "program", "moving PNG", "moving WebP", "cut-off", "no-picture"],
)
def test_what_cannot_be_sent_is_refused_and_says_why(data: bytes, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        files.examine(data, "picture.png")
    assert says in str(refused.value.fields["file"])


def archive(*parts: str, **contents: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in {**dict.fromkeys(parts, b"x"), **contents}.items():
            made.writestr(name, data)
    return out.getvalue()


_OFFICE = "application/vnd.openxmlformats-officedocument."


@pytest.mark.parametrize(
    ("data", "name", "mime", "kept_as"),
    [
        (archive("[Content_Types].xml", "word/document.xml"), "Form.docx", _OFFICE + "wordprocessingml.document", ""),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "T.XLSX", _OFFICE + "spreadsheetml.sheet", ""),
        (archive("[Content_Types].xml", "ppt/presentation.xml"), "T.pptx", _OFFICE + "presentationml.presentation", ""),
        (archive(mimetype=b"application/vnd.oasis.opendocument.text"), "a.odt",
         "application/vnd.oasis.opendocument.text", ""),
        (archive("a.txt"), "all.zip", "application/zip", ""),
        (archive("a.class"), "tool.jar", "application/zip", "tool.jar.zip"),
        (b"Dear Sir,\r\n", "letter.txt", "text/plain", ""),
        (b"del *.*\r\n", "run.bat", "text/plain", "run.bat.txt"),
        ("Prénom;Âge\r\nZoé;7\r\n".encode("cp1252"), "people.csv", "text/csv", ""),
        ("Prénom\tÂge".encode("utf-16"), "people.csv", "text/csv", ""),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "visit.ics", "text/calendar", ""),
    ],
)  # fmt: skip
def test_a_document_is_what_it_holds_and_is_named_so(data: bytes, name: str, mime: str, kept_as: str) -> None:
    found = files.examine(data, name)
    assert (found.mime, found.filename, found.data) == (mime, kept_as or name, data)


@pytest.mark.parametrize(
    "data",
    [
        archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        archive("a.txt")[:40],
        b"PK\x03\x04" + b"\0" * 60,
        b"Look:\n<SCRIPT>alert(1)</SCRIPT>",
        b"#!/bin/sh\nrm -rf /\n",
        b"\xef\xbb\xbf <!doctype html>",
        b"half\0binary",
    ],
    ids=["macros", "cut-off", "no-archive", "page-further-on", "shell", "page-with-mark", "binary"],
)
def test_what_could_run_where_it_is_opened_is_no_document(data: bytes) -> None:
    with pytest.raises(Invalid, match="of this kind"):
        files.examine(data, "letter.txt")


def test_each_network_says_for_itself_whether_it_takes_documents() -> None:
    found = files.examine(archive("[Content_Types].xml", "word/document.xml"), "Form.docx")
    item = MediaItem("0" * 64, found.mime, len(found.data), found.filename, "", bytes)
    said = {
        (spec.name, surface): [p.name for p in problems("Here", [item], spec.limits, surface)]
        for spec in (X, MASTODON, BLUESKY, EMAIL)
        for surface in spec.limits.text
    }
    assert said.pop(("email", Surface.MAIL)) == []
    assert said
    for codes in said.values():
        assert codes in (["media_type_refused"], ["too_many_media"])


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"ID3\x03\x00\x00\x00\x00\x00\x0f" + b"\0" * 200, "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + b"\0" * 400, "audio/mpeg"),
    ],
)  # fmt: skip
def test_sounds_go_by_mail_and_where_a_network_takes_them(data: bytes, mime: str) -> None:
    found = files.examine(data, "sound")
    assert (found.mime, found.data) == (mime, data)
    item = MediaItem("0" * 64, found.mime, len(found.data), found.filename, "", bytes)
    assert problems("Here", [item], EMAIL.limits, Surface.MAIL) == []
    assert [p.name for p in problems("Here", [item], BLUESKY.limits, Surface.PUBLIC)] == ["media_type_refused"]


def test_a_bomb_is_refused_before_it_is_opened() -> None:
    out = io.BytesIO()
    Image.new("1", (7000, 7000)).save(out, "PNG")
    assert len(out.getvalue()) < 10_000
    with pytest.raises(Invalid, match=r"too large|cannot be read"):
        files.examine(out.getvalue(), "bomb.png")


def kept(desk: Desk, actor: Actor) -> int:
    found = files.examine(picture("PNG"), "gate.png")
    return files.add_media(desk.session, actor, found, storage_key=f"k-{actor.staff_id}", alt="A gate", now=NOW).id


def test_a_file_is_seen_by_its_owner_and_where_it_is_used(desk: Desk) -> None:
    mine = kept(desk, desk.author)
    assert files.get_media(desk.session, desk.author, mine).alt == "A gate"
    for other in (desk.publisher, desk.stranger):
        with pytest.raises(NotFound):
            files.get_media(desk.session, other, mine)
    desk.post(desk.author, words=Words("Look", media_ids=[mine]), variants=[VariantSpec(desk.here.id)])
    assert files.get_media(desk.session, desk.publisher, mine).id == mine
    with pytest.raises(NotFound):
        files.get_media(desk.session, desk.stranger, mine)


def test_only_who_may_write_or_answer_somewhere_brings_files_and_only_ones_own_are_described(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        kept(desk, desk.stranger)
    media = files.get_media(desk.session, desk.author, kept(desk, desk.author))
    files.describe(desk.session, desk.author, media, "A gate at dawn", SPECS, NOW)
    assert media.alt == "A gate at dawn"
    with pytest.raises(NotAllowed):
        files.describe(desk.session, desk.publisher, media, "Something else", SPECS, NOW)
    acts = [e.action for e in desk.session.query(AuditEntry).filter(AuditEntry.target_kind == "media")]
    assert acts == ["media.add", "media.describe"]
