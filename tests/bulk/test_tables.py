"""Reading a table: every usual way of writing one, and what is refused before it is read."""

from __future__ import annotations

import csv
import io
import string
import zipfile
from contextlib import suppress
from datetime import UTC, datetime

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guichet.bulk import tables
from guichet.bulk.tables import Row, guard, read_csv, unguard
from guichet.bulk.workbooks import read_workbook, write_workbook
from guichet.errors import Invalid

PLAIN = "Text,Accounts,Date\nCafé à Orly ✈,company1,2026-03-11 09:00\n"


def cells(data: bytes) -> list[dict[str, str]]:
    return [dict(row.cells) for row in read_csv(data).rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_is_read_however_it_is_encoded(encoding: str) -> None:
    found = read_csv(PLAIN.encode(encoding))
    assert found.rows == (Row(2, {"text": "Café à Orly ✈", "accounts": "company1", "date": "2026-03-11 09:00"}),)


def test_what_excel_writes_in_western_europe_is_read_and_said() -> None:
    found = read_csv("Texte;Comptes;Date\nDéjà là – 5 €;company1;2026-03-11 09:00\n".encode("cp1252"))
    assert (found.encoding, found.rows[0].cells["text"]) == ("cp1252", "Déjà là – 5 €")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("head", ["", "sep={}\r\n"])
def test_the_separator_is_told_by_the_headings(separator: str, head: str) -> None:
    row = separator.join(['"one, two; ""three"""', "company1"])
    data = head.format(separator) + separator.join(["Text", "Accounts"]) + "\r\n" + row + "\r\n"
    assert cells(data.encode()) == [{"text": 'one, two; "three"', "accounts": "company1"}]


@pytest.mark.parametrize(
    ("head", "format"),
    [
        ("Text,Image URL,Tags,Posting Time", "buffer"),
        ("Date,Message,Link", "hootsuite"),
        ("Text,Accounts,Date,Time zone", "guichet"),
        ("content,accounts,scheduled_at", "other"),
    ],
)
def test_whose_table_it_is_is_told_by_its_headings(head: str, format: str) -> None:
    row = ",".join("x" for _ in head.split(","))
    assert read_csv(f"{head}\n{row}\n".encode()).format == format


def test_hootsuites_files_have_no_headings() -> None:
    found = read_csv(b'03/25/2026 09:05,"Hello, all",https://example.org\n03/26/2026 09:10,Bye,\n')
    assert found.format == "hootsuite"
    assert [dict(r.cells) for r in found.rows] == [
        {"date": "03/25/2026 09:05", "text": "Hello, all", "link": "https://example.org"},
        {"date": "03/26/2026 09:10", "text": "Bye"},
    ]


def test_columns_that_nobody_knows_are_named_and_ours_that_tell_how_it_went_are_not() -> None:
    found = read_csv(b"Text,Mood,State,text\nhello,good,published,again\n")
    assert found.unread == ("Mood", "text")
    assert dict(found.rows[0].cells) == {"text": "hello"}


def test_rows_keep_the_numbers_they_have_in_a_spreadsheet() -> None:
    found = read_csv(b'\n\nText,Accounts\n"two\nlines",a\n,\n\nlast,b\n')
    assert [(row.number, row.cells["text"]) for row in found.rows] == [(4, "two\nlines"), (7, "last")]


REFUSED = {
    "nothing": b"  \n ",
    "too large": b"Text\n" + b"x" * tables.LARGEST,
    "too many rows": b"Text\n" + b"x\n" * 100_000,
    "a cell that is too long": b"Text\n" + b"x" * (tables.LONGEST + 1),
    "a cell beyond what csv reads": b'Text\n"' + b"x" * 200_000 + b'"',
    "no text column": b"Mood,Weather\ngood,fine\n",
    "headings alone": b"Text,Accounts\n",
    "quotes that do not match": b'Text,Accounts\n"hello,a\nworld,b\n',
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00",
    "neither encoding": b"Text\n\x81\x8d\x8f\n",
    "too wide": ("Text," * 100).encode(),
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_table_of_posts_is_refused_and_why_is_said(data: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        read_csv(data)
    assert refused.value.fields["file"]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: ("Text;Date\n" + t).encode())))
def test_whatever_the_bytes_are_there_is_a_table_or_a_refusal(data: bytes) -> None:
    with suppress(Invalid):
        assert all(row.cells for row in read_csv(data).rows)


_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=100, deadline=None)
@given(st.one_of(_WORDS, st.text(alphabet="=+-@'\t a1", max_size=6), st.sampled_from(string.punctuation)))
def test_no_cell_that_is_written_is_a_formula_and_each_comes_back(text: str) -> None:
    guarded = guard(text)
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguard(guarded) == text


# ---------------------------------------------------------------- workbooks


def workbook(*rows: list[object], head: tuple[str, ...] = ("Text", "Accounts", "Date")) -> bytes:
    book = openpyxl.Workbook()
    for row in (list(head), *rows):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbooks_dates_are_dates_and_a_day_alone_says_no_hour() -> None:
    at = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
    found = read_workbook(workbook(["a", "x", at.replace(tzinfo=None)], ["b", 17, at.date()]))
    assert [dict(row.cells) for row in found.rows] == [
        {"text": "a", "accounts": "x", "date": "2026-03-11 09:30"},
        {"text": "b", "accounts": "17", "date": "2026-03-11"},
    ]


def test_a_formula_that_was_never_worked_out_is_handed_on_for_a_person_to_see() -> None:
    found = read_workbook(workbook(["=A1&B1", "x", "2026-03-11 09:00"]))
    assert found.rows[0].cells["text"] == "=A1&B1"


def test_a_text_that_only_looks_like_a_formula_is_a_text() -> None:
    data = write_workbook(["Text"], [["=SUM(A1)"], ["-5 % today"]])
    assert [unguard(row.cells["text"]) for row in read_workbook(data).rows] == ["=SUM(A1)", "-5 % today"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def repacked(change: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(["a", "b", "c"]))) as good, zipfile.ZipFile(out, "w", 8) as bad:
        for name in good.namelist():
            bad.writestr(name, change.get(name, good.read(name)))
        for name in change.keys() - set(good.namelist()):
            bad.writestr(name, change[name])
    return out.getvalue()


_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>Text</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>&b;</t></is></c></row>
</sheetData></worksheet>"""
BAD_WORKBOOKS = {
    "a zip bomb": lambda: repacked({"xl/media/zero": b"\0" * (40 * 1024 * 1024)}),
    "an XML bomb": lambda: repacked({"xl/worksheets/sheet1.xml": _LAUGHS}),
    "no workbook": lambda: repacked({"xl/workbook.xml": b"<x/>"}),
    "cut short": lambda: workbook(["a", "b", "c"])[:-300],
    "a zip of nothing": lambda: b"PK\x05\x06" + b"\0" * 18,
    "too many rows": lambda: write_workbook(["Text"], [[f"{n}"] for n in range(tables.MOST_ROWS + 1)]),
    "no sheet at all": lambda: repacked({"xl/worksheets/sheet1.xml": b""}),
}


@pytest.mark.parametrize("made", BAD_WORKBOOKS.values(), ids=BAD_WORKBOOKS.keys())
def test_a_workbook_that_is_a_trap_or_broken_is_refused(made: object) -> None:
    with pytest.raises(Invalid) as refused:
        read_workbook(made())
    assert refused.value.fields["file"]


def test_a_cell_at_the_far_end_of_a_sheet_costs_nothing() -> None:
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Text</t></is></c></row>'
        b'<row r="2"><c r="A2" t="inlineStr"><is><t>hello</t></is></c></row>'
        b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row></sheetData></worksheet>'
    )
    found = read_workbook(repacked({"xl/worksheets/sheet1.xml": sheet}))
    assert [dict(row.cells) for row in found.rows] == [{"text": "hello"}]


def test_both_kinds_of_file_say_the_same() -> None:
    rows = [['Zwei\nZeilen; "so"', "company1", "2026-03-11 09:00"], ["=1", "a, b", "2026-03-12 10:00"]]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["Text", "Accounts", "Date"], *([guard(c) for c in row] for row in rows)])
    assert (
        read_csv(out.getvalue().encode()).rows == read_workbook(write_workbook(["Text", "Accounts", "Date"], rows)).rows
    )
