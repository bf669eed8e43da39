"""Tables of posts: read, checked, brought in, undone."""

from __future__ import annotations

from typing import Annotated, Literal

from flask_openapi import FileStorage
from pydantic import AfterValidator, Field, StringConstraints

from webapp.api.schemas.common import Id, In, Line, Out, PersonBrief, Time, TimeZone, Told, storable

ColumnName = Literal[
    "text",
    "accounts",
    "date",
    "time",
    "time_zone",
    "clock_change",
    "link",
    "media",
    "alt_text",
    "thread",
    "first_comment",
    "title",
    "language",
    "subject",
    "labels",
    "campaign",
    "tags_links",
]
Cell = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(storable)]
Address = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://\S+$"), AfterValidator(storable)]


class TemplateQuery(In):
    form: Literal["csv", "xlsx"] = "csv"


class TableUpload(In):
    file: FileStorage = Field(description="CSV or XLSX, at most 10 MB and 1,000 posts")


class ArchiveUpload(In):
    """`wanted`: what the media column's cells say, one after another, where the table is not in
    the archive."""

    file: FileStorage = Field(description="ZIP, at most 256 MB; of the files that are named, at most 200 and 512 MB")
    wanted: str = Field("", max_length=200_000)


class TableRow(Out):
    """A row by its number in the file, with the cells that mean something."""

    row: int
    cells: dict[ColumnName, str]


class Table(Out):
    """`format`: guichet, buffer, hootsuite or other. `unread`: headings that nobody knows.
    `encoding` is empty for a workbook; cp1252 was guessed, so look at the accents."""

    format: Literal["guichet", "buffer", "hootsuite", "other"]
    columns: list[ColumnName]
    unread: list[str]
    encoding: str
    rows: list[TableRow]


class Unpacked(Out):
    """The table, where it was in the archive. `media`: ids by the names that cells give; `lost`:
    why others could not be taken; `unused`: files that no cell names, and that were not taken."""

    name: str
    table: Table | None
    media: dict[str, int]
    lost: dict[str, str]
    unused: int


class FilesGivenUp(In):
    media_ids: list[Id] = Field(min_length=1, max_length=400)


class RowIn(In):
    row: int = Field(ge=1, le=10_000_000)
    cells: dict[ColumnName, Cell]


class TableIn(In):
    """Rows, and what counts where they say nothing. `order`: which of two numbers is the day,
    where dates can be read in two ways. `media`: ids of files by the name or address that
    cells give them; `lost`: why others could not be taken, as it was told."""

    rows: list[RowIn] = Field(min_length=1, max_length=1000)
    account_ids: list[Id] = Field([], max_length=200)
    time_zone: TimeZone | None = None
    order: Literal["", "dmy", "mdy"] = ""
    media: dict[Annotated[str, StringConstraints(max_length=2000)], Id] = Field({}, max_length=4000)
    lost: dict[
        Annotated[str, StringConstraints(max_length=2000)], Annotated[str, StringConstraints(max_length=500)]
    ] = Field({}, max_length=4000)


class TableNew(TableIn):
    """`how`: draft; approval, asked for every post; schedule, asked where it is needed."""

    how: Literal["draft", "approval", "schedule"]
    filename: Line = ""


class CellChoice(Out):
    column: ColumnName
    value: str


class CellFinding(Out):
    """What is to be said of a cell. With an `error` nothing is brought in; `choices` would
    mend it."""

    row: int
    column: ColumnName
    name: str
    message: Told
    choices: list[CellChoice]
    error: bool


class Import(Out):
    """A table that was brought in."""

    id: int
    filename: str
    posts: int
    by: PersonBrief
    created_at: Time
    undone_at: Time | None


class TableChecked(Out):
    """`posts` of `rows` have a time, the others are drafts; `to_approve` of them need an
    approval. `earlier`: the same rows were brought in already."""

    rows: int
    posts: int
    to_approve: int
    findings: list[CellFinding]
    earlier: Import | None


class ImportUndone(Out):
    """What became of its posts; `left` had begun to go out."""

    deleted: int
    cancelled: int
    left: int


class FileWanted(In):
    url: Address
