"""The page docs/cli.md, made from the commands themselves: a test compares the two.

python -m cli.reference    writes it anew
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from cli.main import guichet
from cli.output import MEANING

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"

_HEAD = """\
# The command line

`guichet` acts as the operator of the machine: whoever can run it on the server can read its
keys. It finds its settings in the environment ([settings.md](settings.md)); in a checkout it
takes those that `guichet run` made in `var/`. `post` needs an author, who is named by `--as`,
and goes out in that person's right.

With `--json`, wherever it is said, a command prints one JSON document on standard output and,
where it fails, one on standard error: `{"error": …, "fields": {where: what}, …}`. No command
takes a secret as an argument.

This page is made from the commands by `python -m cli.reference`.

## Exit statuses

| status | meaning |
|---|---|
"""


def render() -> str:
    """The page."""
    statuses = "".join(f"| {int(status)} | {meaning} |\n" for status, meaning in MEANING.items())
    return _HEAD + statuses + "\n## Commands\n" + "".join(_section(c) for c in _commands(guichet, None))


def _commands(group: click.Group, parent: click.Context | None) -> Iterator[click.Context]:
    above = click.Context(group, parent, info_name="guichet" if parent is None else group.name)
    for name in group.list_commands(above):
        command = group.commands[name]
        if isinstance(command, click.Group):
            yield from _commands(command, above)
        else:
            yield click.Context(command, above, info_name=name)


def _section(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *(p.make_metavar(context) for p in _arguments(command))])
    lines = [f"\n### `{usage}`\n\n{_help(command)}\n"]
    options = [o.get_help_record(context) for o in command.params if isinstance(o, click.Option)]
    shown = [record for record in options if record is not None]
    if shown:
        lines.append("\n| option | |\n|---|---|\n")
        lines += [f"| `{_cell(name)}` | {_cell(text)} |\n" for name, text in shown]
    return "".join(lines)


def _arguments(command: click.Command) -> list[click.Argument]:
    return [p for p in command.params if isinstance(p, click.Argument)]


def _help(command: click.Command) -> str:
    paragraphs = (command.help or "").split("\n\n")
    return "\n\n".join(" ".join(p.split()) for p in paragraphs)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
