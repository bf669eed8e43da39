"""Driving the rehearsal networks from outside: `guichet rehearsal say|fault|ledger`."""

from __future__ import annotations

from typing import Any

import click
import requests

from cli.environment import settings_or_exit, use_own_folder_if_there
from cli.output import Failed, Output, Status, WronglyAsked
from cli.programs import PROGRAMS
from guichet.config import REHEARSED

NETWORKS = click.Choice(REHEARSED)


@click.group()
def rehearsal() -> None:
    """The rehearsal networks: make customers write, plant faults, see what was published."""
    use_own_folder_if_there()


@rehearsal.command()
def serve() -> None:
    """Serve them in the foreground."""
    settings = settings_or_exit()
    if not settings.rehearsal_port:
        raise WronglyAsked("GUICHET_REHEARSAL_PORT says which ports to use")
    PROGRAMS["rehearsal"](settings)


@rehearsal.command()
@click.argument("network", type=NETWORKS)
@click.argument("who")
@click.argument("text")
@click.option("--to", default="", help="Handle of the company account that is addressed.")
@click.option("--in-reply-to", default="", help="Remote id of what is answered.")
@click.option("--direct", is_flag=True, help="In a direct message.")
@click.option("--subject", default="", help="Subject of a mail.")
@click.pass_obj
def say(output: Output, /, network: str, who: str, text: str, **how: Any) -> None:
    """WHO (a customer, made if unknown) writes TEXT on NETWORK."""
    body = {"who": who, "text": text, **{k: v for k, v in how.items() if v}}
    said = _call(network, "POST", "say", body)
    output.done(f"{who} wrote on {network}: {said.get('id', '')}", **said)


@rehearsal.command()
@click.argument("network", type=NETWORKS)
@click.argument("effect", required=False)
@click.option("--match", default=".*", help='Regular expression on "METHOD /path".')
@click.option("--times", type=click.IntRange(0), default=1, help="How often it strikes; 0: until forgotten.")
@click.option("--probability", type=click.FloatRange(0, 1), default=1.0, help="How likely it strikes each time.")
@click.option("--status", type=click.IntRange(400, 599), default=500, help="What status_before and _after answer.")
@click.option("--seconds", type=click.FloatRange(0, 3600), default=1.0, help="How long slow, drip, late and lag take.")
@click.option("--forget", is_flag=True, help="Forget all planted faults instead.")
@click.pass_obj
def fault(output: Output, /, network: str, effect: str | None, forget: bool, **how: Any) -> None:
    """Plant a fault: slow, drip, reset_before, reset_after, status_before, status_after,
    garbage_after, late or lag."""
    if forget:
        _call(network, "DELETE", "fault")
        output.done(f"{network} behaves again.", forgotten=True)
        return
    if not effect:
        raise click.UsageError("say which EFFECT, or --forget")
    planted = _call(network, "POST", "fault", {"effect": effect, **how})
    output.done(f"Planted on {network}: {effect}.", **planted)


@rehearsal.command()
@click.argument("network", type=NETWORKS)
@click.pass_obj
def ledger(output: Output, network: str) -> None:
    """What was really published on NETWORK, oldest first."""
    rows = _call(network, "GET", "ledger")
    if not output.as_json:
        rows = [{k: r[k] for k in ("number", "at", "act", "account", "remote_id", "text")} for r in rows]
    output.table(rows, empty="Nothing was published there yet.")


def _call(network: str, method: str, what: str, body: dict[str, Any] | None = None) -> Any:
    settings = settings_or_exit()
    url = f"{settings.rehearsal_url(network)}/_rehearsal/{what}"
    try:
        answer = requests.request(method, url, json=body, timeout=10)
    except requests.ConnectionError:
        raise Failed(
            f"no rehearsal network answers at {url}; is `guichet run --demo` running?", status=Status.NO_ANSWER
        ) from None
    if not answer.ok:
        raise WronglyAsked(f"the rehearsed {network} refuses: {' '.join(answer.text.split())[:300]}")
    return answer.json() if answer.content else {}


COMMANDS = (rehearsal,)
