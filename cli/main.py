"""The `guichet` command. Every command prints JSON with --json, wherever that is said, and
its exit status means something: see `cli.output.Status` and docs/cli.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from cli.commands import (
    accounts,
    approval,
    archive,
    brake,
    config,
    instance,
    operate,
    post,
    queue,
    rehearsal,
    running,
    series,
    staff,
    zones,
)
from cli.output import Failed, Output, Status, WronglyAsked, failure_of, report_failure

MODULES = (
    running,
    operate,
    staff,
    accounts,
    post,
    series,
    queue,
    zones,
    approval,
    brake,
    config,
    archive,
    instance,
    rehearsal,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.version_option("0.1.0", prog_name="guichet")
@click.pass_context
def guichet(context: click.Context, as_json: bool) -> None:
    """One counter for all of a company's outside accounts."""
    context.obj = Output(as_json)


for module in MODULES:
    for command in module.COMMANDS:
        guichet.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    as_json, rest = _without_json(list(sys.argv[1:] if arguments is None else arguments))
    try:
        ended = guichet.main(args=rest, prog_name="guichet", standalone_mode=False)
    except click.ClickException as e:
        return report_failure(as_json, WronglyAsked(e.format_message()))
    except (click.exceptions.Abort, KeyboardInterrupt):
        return Status.STOPPED
    except BrokenPipeError:  # whoever read us has enough, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Status.DONE
    except Exception as e:
        failed: Failed | None = failure_of(e)
        if failed is None:
            raise
        return report_failure(as_json, failed)
    return ended if isinstance(ended, int) else Status.DONE  # --help and --version give theirs


def _without_json(arguments: list[str]) -> tuple[bool, list[str]]:
    """Whether --json was said, and the rest with it in front. What stands after -- is text."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    ours = [a for a in arguments[:end] if a != "--json"]
    as_json = len(ours) < end
    return as_json, [*(["--json"] if as_json else []), *ours, *arguments[end:]]


if __name__ == "__main__":
    raise SystemExit(main())
