"""`guichet config`: how a company has set up its Guichet, out to a document and in again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from channels.networks import open_networks
from cli.opening import read_text, runtime_or_exit
from cli.output import Output, WronglyAsked, as_table
from guichet.configuration import document as documents
from guichet.configuration.operations import Step, import_configuration
from guichet.configuration.queries import export_configuration
from guichet.policy import SYSTEM

_NOT_FILTERS = ("view", "cursor", "limit")


class _DryRun(Exception):
    """Rolls back what was tried."""


@click.group()
def config() -> None:
    """Brands, approvals, accounts without secrets, staff, teams, grants, rules, texts, views: one document."""


@config.command()
@click.argument("file", default="-")
@click.pass_obj
def export(output: Output, file: str) -> None:
    """Write it to FILE (default: standard output). It holds no secret."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        document = export_configuration(session, SYSTEM, runtime.now())
    text = documents.render(document)
    if file == "-":
        click.echo(text, nl=False)
        return
    _write(Path(file), text)
    counts = {name: len(part) for name, part in document if isinstance(part, list)}
    output.done(f"Written to {file}: {', '.join(f'{n} {name}' for name, n in counts.items())}.", file=file, **counts)


def _write(path: Path, text: str) -> None:
    """All of it or nothing, readable for its owner: it names everybody who works here."""
    partial = path.with_name(path.name + ".part")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(text)
        partial.replace(path)
    except OSError as e:
        raise WronglyAsked(f"{path} cannot be written: {e.strerror}") from None


@config.command("import")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Show what would be created and changed, and do nothing.")
@click.pass_obj
def import_(output: Output, file: str, dry_run: bool) -> None:
    """Make what is here agree with FILE (- for standard input).

    Nothing is ever taken away. One error anywhere, and nothing is imported.
    """
    document = documents.parse(read_text(file))
    runtime = runtime_or_exit()
    specs = open_networks(**runtime.settings.network_options()).specs()
    networks = {name: spec.tariff.dearest if spec.tariff else None for name, spec in specs.items()}
    steps: list[Step] = []
    try:
        with runtime.unit() as unit:
            steps = import_configuration(
                unit.session, SYSTEM, document, networks=networks, filter_problems=filter_problems,
                specs=specs, now=runtime.now(),
            )  # fmt: skip
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    _print(output, steps, dry_run)


def filter_problems(filters: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a filter of the inbox, by field: what the list itself would refuse."""
    from webapp.api.schemas.inbox import ConversationQuery

    wrong = {name: "is no filter" for name in _NOT_FILTERS if name in filters}
    try:
        ConversationQuery.model_validate(dict(filters))
    except ValidationError as e:
        wrong.update({".".join(map(str, one["loc"])): one["msg"] for one in e.errors(include_url=False)})
    return wrong


def _print(output: Output, steps: Sequence[Step], dry_run: bool) -> None:
    counts = Counter(step.does for step in steps)
    told = [{"does": s.does, "what": s.kind, "name": s.name, "fields": ", ".join(s.fields)} for s in steps]
    shown = as_table([row for row in told if row["does"] != "leave"])
    would = "Would be" if dry_run else "Imported:"
    summary = f"{would} {counts['create']} created, {counts['change']} changed, {counts['leave']} left as they are."
    output.done(
        f"{shown}\n{summary}".lstrip(),
        dry_run=dry_run, created=counts["create"], changed=counts["change"], left=counts["leave"],
        steps=[asdict(s) for s in steps],
    )  # fmt: skip


COMMANDS = (config,)
