"""`guichet export`, `guichet backup` and `guichet restore`."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from cli.opening import runtime_of_any_schema, runtime_or_exit
from cli.output import Failed, Output, WronglyAsked
from guichet.archive import backing_up, exporting, restoring
from guichet.archive.manifest import Manifest
from guichet.db.dialect import begin_snapshot
from guichet.db.migrate import upgrade
from guichet.policy import SYSTEM
from guichet.runtime import Runtime

_PAGE = 1000  # rows
_PROGRESS = "progress.json"


# ---------------------------------------------------------------- export


@click.command()
@click.argument("sets", nargs=-1)
@click.option("--to", "target", default="-", metavar="FOLDER", help="A file for each set; - is standard output.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--after", default="", metavar="KEY", help="With one set: only what comes after this key.")
@click.option("--list", "only_list", is_flag=True, help="Only say which sets there are.")
@click.pass_obj
def export(output: Output, sets: tuple[str, ...], target: str, form: str, after: str, only_list: bool) -> None:
    """What the company owns, table by table: conversations, messages, posts, waits, customers…

    Without SETS, all of them. Holds no secret. Into a FOLDER it goes on where it stopped.
    """
    known = exporting.set_names()
    unknown = sorted(set(sets) - set(known))
    if unknown:
        raise WronglyAsked(f"there is no set {', '.join(unknown)}; there are: {', '.join(known)}")
    if only_list:
        output.table([{"set": name} for name in known], "")
        return
    start = _key(after)
    wanted = sets or tuple(known)
    if len(wanted) > 1 and (target == "-" or start):
        raise WronglyAsked("several sets need a folder (--to) and take no --after: name one set")
    runtime = runtime_or_exit()
    if target == "-":
        _stream(runtime, wanted[0], start, form)
        return
    counts = _Export(runtime, Path(target), form, start).run(wanted)
    output.done(f"{sum(counts.values())} rows of {len(counts)} sets are in {target}.", folder=target, rows=counts)


def _key(text: str) -> list[Any]:
    """A key as it stands in the progress file: 17, or ["a", 3] for one of several columns."""
    if not text:
        return []
    try:
        key = json.loads(text)
    except ValueError:
        raise WronglyAsked(f"--after {text!r}: must be a number, or a JSON list for a key of several columns") from None
    return key if isinstance(key, list) else [key]


def _stream(runtime: Runtime, name: str, after: list[Any], form: str) -> None:
    columns = [column for column, _ in exporting.shape_of_set(name).columns]
    write = _writer(sys.stdout, columns, form, with_header=not after)
    for rows, _ in _pages(runtime, name, after):
        write(rows)


def _pages(runtime: Runtime, name: str, after: list[Any]) -> Iterator[tuple[list[list[Any]], list[Any]]]:
    while True:
        with runtime.reading() as session:
            rows, after = exporting.read_page(session, SYSTEM, name, after, _PAGE)
        yield rows, after
        if len(rows) < _PAGE:
            return


def _writer(into: TextIO, columns: Sequence[str], form: str, *, with_header: bool) -> Callable[[list[list[Any]]], None]:
    if form == "jsonl":
        return lambda rows: into.writelines(
            json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n" for row in rows
        )
    table = csv.writer(into, lineterminator="\n")
    if with_header:
        table.writerow(columns)
    return lambda rows: table.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else value


class _Export:
    """Into a folder: a file for each set, and how far each has come. What was written after
    the last note of that is cut off before it goes on."""

    def __init__(self, runtime: Runtime, folder: Path, form: str, start: list[Any]) -> None:
        self._runtime, self._folder, self._form, self._start = runtime, folder, form, start
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            noted = (folder / _PROGRESS).read_text() if (folder / _PROGRESS).exists() else "{}"
            self._done: dict[str, dict[str, Any]] = json.loads(noted)
        except (OSError, ValueError) as e:
            raise WronglyAsked(f"{folder} cannot be exported to: {e}") from None

    def run(self, names: Sequence[str]) -> dict[str, int]:
        """How many rows each set has in the folder now."""
        return {name: self._run(name) for name in names}

    def _run(self, name: str) -> int:
        file = f"{name}.{self._form}"
        noted = self._done.setdefault(file, {"after": self._start, "rows": 0, "bytes": 0})
        columns = [column for column, _ in exporting.shape_of_set(name).columns]
        path = self._folder / file
        path.touch(mode=0o600)
        with path.open("r+", encoding="utf-8", newline="") as f:
            f.truncate(noted["bytes"])
            f.seek(0, os.SEEK_END)
            write = _writer(f, columns, self._form, with_header=not noted["bytes"])
            for rows, after in _pages(self._runtime, name, noted["after"]):
                write(rows)
                f.flush()
                os.fsync(f.fileno())
                noted.update(after=after, rows=noted["rows"] + len(rows), bytes=os.fstat(f.fileno()).st_size)
                self._note()
        return int(noted["rows"])

    def _note(self) -> None:
        partial = self._folder / (_PROGRESS + ".part")
        partial.write_text(json.dumps(self._done, indent=1))
        partial.replace(self._folder / _PROGRESS)


# ---------------------------------------------------------------- backup and restore


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.pass_obj
def backup(output: Output, folder: Path) -> None:
    """Write everything, as it is in one moment, to FOLDER, while Guichet runs.

    The keys (GUICHET_SECRET_KEYS) are not in it: keep them elsewhere.
    """
    runtime = runtime_or_exit()
    settings = runtime.settings
    try:
        with runtime.engine.connect().execution_options(writes=False) as connection:
            begin_snapshot(connection)
            made = backing_up.back_up(
                connection, SYSTEM, folder.absolute(), store=runtime.store, keys=dict(settings.secret_keys),
                public_url=settings.public_url, now=runtime.now(),
            )  # fmt: skip
    except OSError as e:
        raise Failed(f"{folder} cannot be written: {e.strerror}") from None
    rows = sum(part.rows for part in made.tables)
    lost = f" Not there any more: {len(made.files.missing)} files." if made.files.missing else ""
    output.done(
        f"{rows} rows and {made.files.count} files are in {folder}.{lost} Restoring it takes the same keys.",
        folder=str(folder), **_facts(made),
    )  # fmt: skip


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Only check the backup and the keys; touch nothing.")
@click.pass_obj
def restore(output: Output, folder: Path, only_check: bool) -> None:
    """Put a backup into an empty database, of either kind.

    Afterwards a brake is on for everything and nothing is read: look at what is overdue and
    what may be out, then `guichet instance confirm`.
    """
    runtime = runtime_of_any_schema()
    made = restoring.examine(folder, dict(runtime.settings.secret_keys))
    if only_check:
        output.done(f"The backup of {made.made_at:%Y-%m-%d %H:%M} UTC is whole, and the keys open it.", **_facts(made))
        return
    with runtime.engine.begin() as connection:
        restoring.require_empty(connection, made)
    restoring.restore_files(SYSTEM, folder, made, runtime.store)
    upgrade(runtime.engine, made.schema_revision)
    with runtime.engine.begin() as connection:
        rows = restoring.restore_rows(connection, SYSTEM, folder, made, runtime.now())
    upgrade(runtime.engine)
    with runtime.engine.begin() as connection:
        restoring.mark(connection, SYSTEM, runtime.now())
    output.done(
        f"{rows} rows and {made.files.count} files of {made.made_at:%Y-%m-%d %H:%M} UTC are back. A brake is on for "
        "everything and nothing is read: look at what is overdue, then `guichet instance confirm`.",
        **_facts(made),
    )


def _facts(made: Manifest) -> dict[str, Any]:
    return {
        "made_at": made.made_at,
        "schema": made.schema_revision,
        "database": made.database,
        "rows": sum(part.rows for part in made.tables),
        "files": made.files.count,
        "bytes": made.files.bytes,
        "missing": made.files.missing,
        "keys": sorted(made.keys),
    }


COMMANDS = (export, backup, restore)
