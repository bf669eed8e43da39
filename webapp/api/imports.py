"""Tables of posts: read from a file, checked cell by cell, brought in as a whole, undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import Response

from channels.fetching import fetch
from guichet import jobs
from guichet.bulk import operations, queries
from guichet.bulk.archives import Archive, take_table
from guichet.bulk.exporting import template
from guichet.bulk.operations import Given
from guichet.bulk.reading import Finding
from guichet.bulk.tables import Row, read_csv
from guichet.bulk.tables import Table as TableRead
from guichet.bulk.unpacking import take_files, throw_away
from guichet.bulk.workbooks import is_workbook, read_workbook
from guichet.errors import Invalid
from guichet.models import PostImport
from guichet.policy import Action, require_somewhere
from guichet.publishing import files
from webapp.api.briefs import Names
from webapp.api.downloading import TABLE, download
from webapp.api.media import keep_found
from webapp.api.paging import after, cursor_of
from webapp.api.schemas.bulk import (
    ArchiveUpload,
    CellChoice,
    CellFinding,
    FilesGivenUp,
    FileWanted,
    Import,
    ImportUndone,
    Table,
    TableChecked,
    TableIn,
    TableNew,
    TableRow,
    TableUpload,
    TemplateQuery,
    Unpacked,
)
from webapp.api.schemas.common import Done, Empty, IdPath, Page, PageQuery, PersonBrief
from webapp.api.schemas.files import Media
from webapp.asking import Asked, Room
from webapp.fitting import keep_file
from webapp.languages import told

room = Room("imports")


@room.post("/imports/read", Table, scope="publish")
def read_table(asked: Asked, form: TableUpload) -> Table:
    """What a file says, row by row; nothing is checked or saved."""
    require_somewhere(asked.actor, Action.POST_WRITE)
    data = form.file.stream.read()
    found = read_workbook(data) if is_workbook(data) else read_csv(data)
    return _table(found)


@room.get("/imports/template", TABLE)
def get_template(asked: Asked, query: TemplateQuery) -> Response:
    """An empty table with one example."""
    day = (asked.now + timedelta(days=7)).date()
    data = template(asked.session, asked.actor, query.form, day)
    return download(data, f"posts.{query.form}")


@room.post("/imports/check", TableChecked, scope="publish")
def check_table(asked: Asked, body: TableIn) -> TableChecked:
    """Whether these rows can become posts, cell by cell; nothing is saved."""
    given = _given(body)
    checked = operations.check(asked.session, asked.actor, given, asked.networks.specs(), asked.now)
    earlier = operations.find_earlier(asked.session, asked.actor, given)
    timed = [plan for plan in checked.plans if plan.due_at is not None]
    return TableChecked(
        rows=len(given.rows),
        posts=len(timed),
        to_approve=sum(any(place.asks for place in plan.places) for plan in timed),
        findings=[_finding(f) for f in checked.findings],
        earlier=_import(earlier, Names(asked.session).load(people=[earlier.staff_id])) if earlier else None,
    )


@room.post("/imports", Import, scope="publish", status=201)
def bring_in_table(asked: Asked, body: TableNew) -> Import:
    """Make posts of all of these rows, or of none."""
    made = operations.bring_in(
        asked.session, asked.actor, _given(body), how=body.how, filename=body.filename, specs=asked.networks.specs(),
        now=asked.now,
    )  # fmt: skip
    asked.unit.enqueue(jobs.DRAIN)
    return _import(made, Names(asked.session).load(people=[made.staff_id]))


@room.get("/imports", Page[Import])
def list_imports(asked: Asked, query: PageQuery) -> Page[Import]:
    """Tables that one brought in, the newest first; all of them for administrators."""
    rows = queries.list_imports(asked.session, asked.actor, before=after(query.cursor), limit=query.limit + 1)
    shown = rows[: query.limit]
    names = Names(asked.session).load(people=[row.staff_id for row in shown])
    more = cursor_of(shown[-1].id) if len(rows) > query.limit else None
    return Page(items=[_import(row, names) for row in shown], next_cursor=more)


@room.post("/imports/<int:id>/undo", ImportUndone, scope="publish")
def undo_import(asked: Asked, path: IdPath, body: Empty) -> ImportUndone:
    """Throw its drafts away and cancel what is planned; what has begun to go out stays."""
    done = operations.undo(asked.session, asked.actor, path.id, asked.now)
    return ImportUndone(deleted=done.deleted, cancelled=done.cancelled, left=done.left)


@room.post("/imports/fetch", Media, scope="publish", status=201, own_units=True)
def fetch_file(asked: Asked, body: FileWanted) -> Media:
    """Get a file that a table names by its address, and keep it as if it were uploaded."""
    require_somewhere(asked.actor, Action.POST_WRITE)
    fetched = fetch(asked.networks.wire, body.url)
    return keep_found(asked, files.examine(fetched.data, fetched.name))


@room.post("/imports/unpack", Unpacked, scope="publish", status=201, own_units=True)
def unpack_files(asked: Asked, form: ArchiveUpload) -> Unpacked:
    """Take out of a ZIP the files that a table names, as if each were uploaded. The table is in
    it, or its cells are given. Of an archive that is refused nothing is kept."""
    require_somewhere(asked.actor, Action.POST_WRITE)
    archive = Archive(form.file.stream)
    name, table, cells = "", None, [form.wanted]
    if not form.wanted.strip():
        name, data = take_table(archive)
        table = read_workbook(data) if is_workbook(data) else read_csv(data)
        cells = [row.cells.get("media", "") for row in table.rows]
    kept: list[int] = []

    def keep(found: files.Found) -> int:
        kept.append(keep_file(asked, found))
        return kept[-1]

    try:
        taken = take_files(archive, cells, keep)
    except Exception:
        _throw_away(asked, kept)
        raise
    lost = {name: told(why) for name, why in taken.lost.items()}
    return Unpacked(name=name, table=_table(table) if table else None, media=taken.kept, lost=lost, unused=taken.unused)


@room.post("/imports/discard", Done, scope="publish", own_units=True)
def discard_files(asked: Asked, body: FilesGivenUp) -> Done:
    """Throw one's own files away that came for a table which is not brought in. What stands in a
    post, an answer or a brand's library stays."""
    _throw_away(asked, body.media_ids)
    return Done()


def _throw_away(asked: Asked, media_ids: Sequence[int]) -> None:
    with asked.open_unit() as session:
        keys = throw_away(session, asked.actor, media_ids, asked.now)
    for key in keys:
        asked.runtime.store.delete(key)


def _given(body: TableIn) -> Given:
    numbers = [row.row for row in body.rows]
    if len(set(numbers)) < len(numbers):
        raise Invalid("a row is named once", {"rows": "name a row twice"})
    return Given(
        rows=tuple(Row(row.row, {c: text for c, text in row.cells.items() if text}) for row in body.rows),
        accounts=tuple(body.account_ids),
        time_zone=body.time_zone or "",
        order=body.order,
        media=dict(body.media),
        lost=dict(body.lost),
    )


def _table(found: TableRead) -> Table:
    return Table(
        format=found.format,
        columns=list(found.columns),
        unread=list(found.unread),
        encoding=found.encoding,
        rows=[TableRow(row=row.number, cells=dict(row.cells)) for row in found.rows],
    )


def _finding(found: Finding) -> CellFinding:
    return CellFinding(
        row=found.row,
        column=found.column,
        name=found.name,
        message=found.message,
        choices=[CellChoice(column=c.column, value=c.value) for c in found.choices],
        error=found.is_error,
    )


def _import(row: PostImport, names: Names) -> Import:
    return Import(
        id=row.id,
        filename=row.filename,
        posts=row.post_count,
        by=names.person(row.staff_id) or PersonBrief(id=0, name="", initials=""),
        created_at=row.created_at,
        undone_at=row.undone_at,
    )
