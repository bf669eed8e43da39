"""`guichet post import`, `export` and `undo`: many posts at once, as CSV or XLSX. The rows are
read, checked and brought in by the same operations as in the page; all of them or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from channels import registry
from channels.errors import ChannelError
from channels.fetching import fetch
from channels.networks import open_networks
from cli.opening import act_as, find_account, find_brand, read_file, runtime_or_exit
from cli.output import Failed, Output, Status, WronglyAsked, as_table
from guichet import jobs
from guichet.bulk import exporting, operations
from guichet.bulk.archives import Archive, is_archive, take_table
from guichet.bulk.operations import HOWS, Given
from guichet.bulk.reading import Finding, names_of_files
from guichet.bulk.rules import Checked
from guichet.bulk.tables import Row, Table, read_csv
from guichet.bulk.times import ORDERS
from guichet.bulk.unpacking import Taken, take_files
from guichet.bulk.workbooks import is_workbook, read_workbook
from guichet.errors import Invalid
from guichet.policy import SYSTEM, Actor
from guichet.publishing import files
from guichet.publishing.queries import Filter
from guichet.publishing.rules import zone_of
from guichet.runtime import Runtime


class _OnlyLooked(Exception):
    """What was found by a dry run, or stands in the way: nothing of the transaction is kept."""

    def __init__(self, checked: Checked) -> None:
        super().__init__()
        self.checked = checked


_Files = Taken[tuple[str, files.Found]]


@click.command("import")
@click.argument("file")
@click.option("--as", "email", required=True, metavar="EMAIL", help="Who writes them, and in whose right they go out.")
@click.option("--dry-run", is_flag=True, help="Only say what would stand in the way.")
@click.option(
    "--how",
    type=click.Choice(HOWS),
    default="schedule",
    show_default=True,
    help="What becomes of the posts; scheduled ones wait for an approval where one is needed.",
)
@click.option(
    "--account", "accounts", multiple=True, metavar="ACCOUNT", help="For rows that name none; repeat for several."
)
@click.option("--zone", default="", metavar="ZONE", help="IANA zone of rows that name none. Default: the brand's.")
@click.option("--dates", type=click.Choice(ORDERS), help="How 03/04/2026 is meant: day first, or month first.")
@click.option("--media", "folder", metavar="FOLDER", help="Where the files are that cells name: a folder, or a ZIP.")
@click.option("--fetch", "is_fetching", is_flag=True, help="Get the files that cells name by their address.")
@click.pass_obj
def import_(
    output: Output, file: str, email: str, dry_run: bool, how: str, accounts: tuple[str, ...], zone: str,
    dates: str | None, folder: str | None, is_fetching: bool,
) -> None:  # fmt: skip
    """Bring the posts of FILE (CSV or XLSX, - for standard input, or a ZIP of one and the files
    that it names) in: all of them or none.

    The columns are in docs/bulk.md; Buffer's and Hootsuite's files are recognised.
    """
    if zone:
        zone_of(zone)
    runtime = runtime_or_exit()
    stored: list[str] = []
    try:
        table, taken = _read(runtime, file, folder, is_fetching, stored)
        with runtime.unit() as unit:
            session, now = unit.session, runtime.now()
            actor = act_as(session, email, now)
            ids_of = {key: _add(runtime, session, actor, one, key) for key, one in taken.kept.values()}
            media = {name: ids_of[key] for name, (key, _) in taken.kept.items()}
            ids = tuple(find_account(session, actor, wanted).id for wanted in accounts)
            given = Given(table.rows, ids, zone, dates or "", media, taken.lost)
            checked = operations.check(session, actor, given, registry.specs_by_name(), now)
            if dry_run or checked.wrong:
                raise _OnlyLooked(checked)
            made = operations.bring_in(
                session, actor, given, how=how, filename=Path(file).name, specs=registry.specs_by_name(), now=now
            )
            unit.enqueue(jobs.DRAIN)
    except _OnlyLooked as looked:
        _drop(runtime, stored)
        _report(output, table, looked.checked, dry_run=dry_run)
        return
    except BaseException:
        _drop(runtime, stored)
        raise
    shown = _shown(checked.findings, table.rows)
    text = f"{made.post_count} posts are brought in as import {made.id}; `guichet post undo {made.id}` takes them back."
    output.done("\n".join([text, as_table(shown)]).rstrip(), id=made.id, posts=made.post_count, findings=shown)


def _read(
    runtime: Runtime, file: str, source: str | None, is_fetching: bool, stored: list[str]
) -> tuple[Table, _Files]:
    """The table, and the files that its cells name: from an archive, a folder or their addresses. They are stored
    as they are read, `stored` under these keys. What is missing is told by the check."""

    def keep(found: files.Found) -> tuple[str, files.Found]:
        stored.append(runtime.store.put(found.data))
        return stored[-1], replace(found, data=b"")

    with _archive(file) as packed, _archive(source) as beside:
        data = take_table(packed)[1] if packed else read_file(file)
        table = read_workbook(data) if is_workbook(data) else read_csv(data)
        cells = [row.cells.get("media", "") for row in table.rows]
        folder = _folder(source) if source and not beside else None
        archive = beside or packed
        taken: _Files = take_files(archive, cells, keep) if archive else Taken()
    _take_others(runtime, cells, folder, is_fetching, keep, taken)
    return table, taken


@contextmanager
def _archive(path: str | None) -> Iterator[Archive | None]:
    """A ZIP that is no workbook, to be read as a stream; None for anything else."""
    if not path or path == "-" or not Path(path).is_file() or not os.access(path, os.R_OK):
        yield None
        return
    with Path(path).open("rb") as stream:
        archive = Archive(stream) if is_archive(stream.read(4)) else None
        yield None if archive is None or archive.is_workbook else archive


def _folder(path: str) -> Path:
    if not Path(path).is_dir():
        raise WronglyAsked(f"--media {path!r}: is neither a folder nor a ZIP")
    return Path(path)


def _take_others(
    runtime: Runtime, cells: Sequence[str], folder: Path | None, is_fetching: bool,
    keep: Callable[[files.Found], tuple[str, files.Found]], taken: _Files,
) -> None:  # fmt: skip
    """The files of a folder, and those that are named by their address. Raises Failed for an address that does
    not answer."""
    here = {p.name for p in folder.iterdir() if p.is_file()} if folder else set()
    wanted = [name for cell in cells for name in names_of_files(cell, dict.fromkeys(here))]
    wire = open_networks(**runtime.settings.network_options()).wire
    for name in dict.fromkeys(wanted):
        try:
            if folder and name in here:
                taken.kept[name] = keep(files.examine(read_file(str(folder / name)), name))
            elif is_fetching and name.startswith(("http://", "https://")):
                fetched = fetch(wire, name)
                taken.kept[name] = keep(files.examine(fetched.data, fetched.name))
        except Invalid as e:
            taken.lost[name] = e.fields.get("file", e.message)
        except ChannelError as e:
            raise Failed(f"{name}: {e.detail}", status=Status.NO_ANSWER, code=e.code) from None


def _add(runtime: Runtime, session: Session, actor: Actor, found: files.Found, key: str) -> int:
    whole = replace(found, data=runtime.store.get(key))
    return files.add_media(session, actor, whole, storage_key=key, now=runtime.now()).id


def _drop(runtime: Runtime, stored: Sequence[str]) -> None:
    for name in stored:
        runtime.store.delete(name)


def _report(output: Output, table: Table, checked: Checked, *, dry_run: bool) -> None:
    shown = _shown(checked.findings, table.rows)
    rows = {f.row for f in checked.wrong}
    facts: dict[str, Any] = {"format": table.format, "rows": len(table.rows), "wrong": len(rows), "findings": shown}
    if rows:
        raise Failed(
            f"nothing was brought in: {len(rows)} of {len(table.rows)} rows are wrong\n{as_table(shown)}",
            status=Status.WRONGLY_ASKED, **facts,
        )  # fmt: skip
    unread = f" Not read: {', '.join(table.unread)}." if table.unread else ""
    text = f"All {len(table.rows)} rows can be brought in; nothing was saved.{unread}"
    output.done("\n".join([text, as_table(shown)]).rstrip(), dry_run=dry_run, unread=list(table.unread), **facts)


def _shown(findings: Sequence[Finding], rows: Sequence[Row]) -> list[Mapping[str, Any]]:
    cells = {row.number: row.cells for row in rows}
    return [
        {
            "row": f.row,
            "column": f.column,
            "is": cells.get(f.row, {}).get(f.column, "")[:40],
            "name": f.name,
            "message": f.message,
            "error": f.is_error,
        }
        for f in findings
    ]


@click.command("export")
@click.option("--to", "target", required=True, metavar="FILE", help="A name that ends in .csv or .xlsx.")
@click.option("--as", "email", metavar="EMAIL", help="Only what this person sees. Default: everything.")
@click.option("--brand", "brand_name", metavar="BRAND", help="Only this brand's.")
@click.option(
    "--account", "accounts", multiple=True, metavar="ACCOUNT", help="Only this account's; repeat for several."
)
@click.option(
    "--state", "states", multiple=True, metavar="STATE", help="Only posts that stand so: scheduled, failed, …"
)
@click.pass_obj
def export(
    output: Output, target: str, email: str | None, brand_name: str | None, accounts: tuple[str, ...],
    states: tuple[str, ...],
) -> None:  # fmt: skip
    """Posts as a table, planned and published, which can be brought in again."""
    form = target.rsplit(".", 1)[-1].lower()
    if form not in exporting.FORMS:
        raise WronglyAsked(f"--to {target!r}: must end in .csv or .xlsx")
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        actor = act_as(session, email, runtime.now()) if email else SYSTEM
        data = exporting.export(session, actor, _filter(session, actor, brand_name, accounts, states), form)
    try:
        Path(target).write_bytes(data)
    except OSError as e:
        raise WronglyAsked(f"{target} cannot be written: {e.strerror or type(e).__name__}") from None
    output.done(f"The posts are in {target}.", file=target, bytes=len(data))


def _filter(
    session: Session, actor: Actor, brand_name: str | None, accounts: Sequence[str], states: Sequence[str]
) -> Filter:
    wanted: Filter = {"states": states or None}
    if brand_name:
        wanted["brand_id"] = find_brand(session, actor, brand_name).id
    if accounts:
        wanted["account_ids"] = [find_account(session, actor, name).id for name in accounts]
    return wanted


@click.command("undo")
@click.argument("number", type=click.IntRange(1))
@click.option("--as", "email", required=True, metavar="EMAIL", help="Who takes it back.")
@click.pass_obj
def undo(output: Output, number: int, email: str) -> None:
    """Take the import NUMBER back: its drafts are thrown away, what is planned is cancelled."""
    runtime = runtime_or_exit()
    with runtime.unit() as unit:
        actor = act_as(unit.session, email, runtime.now())
        done = operations.undo(unit.session, actor, number, runtime.now())
    left = f" {done.left} had begun to go out and stay as they are." if done.left else ""
    output.done(
        f"{done.deleted} drafts are thrown away, {done.cancelled} posts cancelled.{left}",
        deleted=done.deleted, cancelled=done.cancelled, left=done.left,
    )  # fmt: skip


COMMANDS = (import_, export, undo)
