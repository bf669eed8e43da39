"""The `guichet` command. Every command prints JSON with --json, and its exit status
means something: 0 done, 1 refused or failed, 2 wrongly asked."""

from __future__ import annotations

import sys

import click

from cli.commands import operate, rehearsal, running, staff
from cli.output import Failed, Output, report_failure
from guichet.errors import GuichetError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.version_option("0.1.0", prog_name="guichet")
@click.pass_context
def guichet(context: click.Context, as_json: bool) -> None:
    """One counter for all of a company's outside accounts."""
    context.obj = Output(as_json)


for module in (running, operate, staff, rehearsal):
    for command in module.COMMANDS:
        guichet.add_command(command)


def main() -> int:
    """Run the command line; returns the exit status."""
    as_json = "--json" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--json"]
    if as_json:
        arguments.insert(0, "--json")  # wherever it was said
    try:
        guichet.main(args=arguments, prog_name="guichet", standalone_mode=False)
    except click.ClickException as e:
        return report_failure(as_json, e.format_message(), status=2)
    except click.exceptions.Abort:
        return 130
    except (GuichetError, Failed) as e:
        return report_failure(as_json, str(e), fields=getattr(e, "fields", None))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
