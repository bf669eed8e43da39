"""`guichet account`: connecting, listing and checking outside accounts.

A secret is never taken from the command line, where everybody on the machine can read it
and the shell remembers it: it comes from a prompt, standard input or an environment variable.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

import click

from channels import registry
from channels.contract import AuthKind, ChannelSpec, Connected, Connector
from channels.errors import ChannelError
from channels.networks import Networks, open_networks
from cli.opening import find_account, find_brand, runtime_or_exit
from cli.output import Failed, Output, WronglyAsked, as_table
from guichet.accounts import operations, queries
from guichet.metering.queries import list_allowances, posts_wait_until, spendings
from guichet.metering.rules import MICROS
from guichet.policy import SYSTEM
from guichet.publishing.rules import zone_of
from guichet.runtime import Runtime
from guichet.timing import phrases
from guichet.timing.suggesting import suggest


@click.group()
def account() -> None:
    """Outside accounts."""


@account.command()
@click.argument("network")
@click.option("--brand", "brand_name", help="Name or number of the brand that it belongs to.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="What the network asks for, but secrets.")
@click.option("--secret-stdin", "from_stdin", multiple=True, metavar="NAME", help="Read a secret's line from stdin.")
@click.option(
    "--secret-env", "from_env", multiple=True, nargs=2, metavar="NAME VARIABLE", help="Take a secret from a variable."
)
@click.option("--reconnect", metavar="ACCOUNT", help="Give this account new secrets; it must come back as the same.")
@click.option("--rehearsal", is_flag=True, help="On the rehearsal network of this machine.")
@click.pass_obj
def add(
    output: Output,
    network: str,
    brand_name: str | None,
    fields: tuple[str, ...],
    from_stdin: tuple[str, ...],
    from_env: tuple[tuple[str, str], ...],
    reconnect: str | None,
    rehearsal: bool,
) -> None:
    """Connect an account of NETWORK.

    Where the network asks for consent on its own page, the address is printed; open it,
    consent, and paste the address that the browser is then sent to.
    """
    runtime = runtime_or_exit()
    networks = open_networks(**runtime.settings.network_options())
    spec = _spec(network, networks)
    typed = _typed(spec, fields)
    connector = networks.connector(spec.name, rehearsal)
    brand_id, account_id = _where(runtime, brand_name, reconnect)
    form = {**(spec.rehearsal_fields(networks.rehearsal[spec.name]) if rehearsal else {}), **typed}
    _require_complete(spec, form)
    form.update(_secrets(spec, from_stdin, from_env))
    signs_in = AuthKind.PASSWORD in spec.auth and (len(spec.auth) == 1 or bool(form.get("password")))
    connected = connector.sign_in(form) if signs_in else _ask_consent(output, runtime, spec, connector, form)
    made = _save(runtime, spec.name, connected, rehearsal, brand_id, account_id)
    output.done(f"{connected.handle} on {spec.title} is connected; its number is {made}.", id=made, network=spec.name,
                handle=connected.handle, brand_id=brand_id)  # fmt: skip


def _spec(network: str, networks: Networks) -> ChannelSpec:
    offered = networks.offered()
    if network not in offered:
        raise WronglyAsked(f"no network is called {network!r}: there are {', '.join(offered)}")
    return registry.get_spec(network)


def _typed(spec: ChannelSpec, fields: tuple[str, ...]) -> dict[str, str]:
    known = {f.name: f for f in spec.fields}
    form: dict[str, str] = {}
    for given in fields:
        name, equals, value = given.partition("=")
        if not equals or name not in known:
            raise WronglyAsked(f"--field {name!r}: {spec.title} takes {', '.join(known)}, as NAME=VALUE")
        if known[name].kind == "secret":
            raise WronglyAsked(f"{name} is a secret: give it by --secret-stdin {name}, --secret-env or when asked")
        form[name] = value
    return form


def _require_complete(spec: ChannelSpec, form: Mapping[str, str]) -> None:
    missing = [f.name for f in spec.fields if f.required and f.kind != "secret" and not (form.get(f.name) or f.default)]
    if missing:
        raise WronglyAsked("something is missing", fields={f"--field {n}": "is needed" for n in missing})


def _secrets(spec: ChannelSpec, from_stdin: tuple[str, ...], from_env: tuple[tuple[str, str], ...]) -> dict[str, str]:
    known = [f for f in spec.fields if f.kind == "secret"]
    found: dict[str, str] = {}
    for name in (*from_stdin, *(n for n, _ in from_env)):
        if name not in {f.name for f in known}:
            raise WronglyAsked(f"{spec.title} has no secret called {name!r}")
    for name in from_stdin:
        found[name] = sys.stdin.readline().rstrip("\r\n")
    for name, variable in from_env:
        found[name] = os.environ.get(variable, "")
    for name, value in found.items():
        if not value:
            raise WronglyAsked(f"the secret {name!r} is empty")
    for field in known:
        if field.required and field.name not in found:
            if not sys.stdin.isatty():
                raise WronglyAsked(f"{field.name} is needed: use --secret-stdin {field.name} or --secret-env")
            found[field.name] = click.prompt(field.name, hide_input=True, err=True)
    return found


def _where(runtime: Runtime, brand_name: str | None, reconnect: str | None) -> tuple[int, int | None]:
    if (brand_name is None) == (reconnect is None):
        raise WronglyAsked("say either --brand or --reconnect")
    with runtime.reading() as session:
        if reconnect is not None:
            known = find_account(session, SYSTEM, reconnect)
            return known.brand_id, known.id
        return find_brand(session, SYSTEM, brand_name or "").id, None


def _ask_consent(
    output: Output, runtime: Runtime, spec: ChannelSpec, connector: Connector, form: Mapping[str, str]
) -> Connected:
    """The dance within one process: what is remembered never leaves its memory."""
    state = secrets.token_urlsafe(32)
    consent = connector.begin(form, f"{runtime.settings.public_url}/connect/{spec.name}/callback", state)
    output.say(
        f"Open this in a browser, signed in as the account, and consent:\n\n  {consent.authorize_url}\n\n"
        "The browser is then sent to an address of Guichet, which will say that the connection was not\n"
        "begun there. Copy that address from the browser's address bar and paste it here:",
        authorize_url=consent.authorize_url,
    )
    back = sys.stdin.readline().strip()
    query = dict(parse_qsl(urlsplit(back).query))
    if not query:
        raise Failed("no address came back: nothing is connected")
    if not secrets.compare_digest(query.get("state", "").encode(), state.encode()):
        raise Failed("that address belongs to another consent: begin again")
    return connector.complete(consent.memory, query)


def _save(
    runtime: Runtime, network: str, connected: Connected, rehearsal: bool, brand_id: int, account_id: int | None
) -> int:
    with runtime.unit() as unit:
        known = None if account_id is None else queries.get_account(unit.session, SYSTEM, account_id)
        brand = queries.get_brand(unit.session, SYSTEM, brand_id)
        made = operations.save_connected(
            unit.session, SYSTEM, runtime.sealer, brand, network, connected, rehearsal, runtime.now(), account=known
        )
        return made.id


@account.command("list")
@click.pass_obj
def list_(output: Output) -> None:
    """Which accounts are connected."""
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        rows = [
            {
                "id": a.id,
                "network": a.network,
                "handle": a.handle,
                "brand": a.brand.name,
                "state": a.state,
                "rehearsal": a.is_rehearsal,
                "reason": a.state_reason,
            }
            for a in queries.list_accounts(session, SYSTEM, limit=100_000)
        ]
    output.table(rows, empty="No account is connected yet: guichet account add, or sign in and open Accounts.")


@account.command()
@click.argument("account", metavar="ACCOUNT")
@click.pass_obj
def check(output: Output, account: str) -> None:
    """Ask the network who we are there. ACCOUNT is a number, a handle or NETWORK:HANDLE."""
    runtime = runtime_or_exit()
    networks: Networks = open_networks(**runtime.settings.network_options())
    with runtime.reading() as session:
        found = find_account(session, SYSTEM, account)
        keys = networks.keys_for(found.network, found.is_rehearsal)
        used = queries.kept_at(session, found.id)
        connection = operations.connection_of(session, runtime.sealer, found, keys)
    try:
        connected = networks.connector(found.network, found.is_rehearsal).check(connection)
    except ChannelError as e:
        _note(runtime, found.id, e, used, runtime.now())
        raise
    output.done(
        f"{connected.handle} on {found.network} is well.",
        handle=connected.handle,
        id=found.id,
    )


@account.command()
@click.argument("account", metavar="ACCOUNT")
@click.pass_obj
def limits(output: Output, account: str) -> None:
    """What ACCOUNT may still send, by each limit of its network, and what it has cost this month.

    "posts" is how many posts that is; it is empty where posts take nothing of a limit. "known" says
    whether the network told what is left, or it was counted here, from what went out from here.
    """
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        found, now = find_account(session, SYSTEM, account), runtime.now()
        spec = registry.get_spec(found.network)
        rows = [
            {
                "limit": a.quota.name, "of": a.limit, "left": a.remaining, "posts": a.posts, "unit": a.quota.unit,
                "seconds": a.quota.seconds, "until": a.reset_at, "known": "network" if a.is_heard else "counted",
                "shared": a.quota.of_app,
            }
            for a in list_allowances(session, SYSTEM, found, spec, now)
        ]  # fmt: skip
        waits = posts_wait_until(session, [found], now).get(found.id)
        money = spendings(session, [found], {found.network: spec}, now).get(found.id)
        handle, account_id = found.handle, found.id
    cost = None if money is None else {
        "currency": money.currency, "spent": money.spent / MICROS,
        "limit": None if money.limit is None else money.limit / MICROS,
    }  # fmt: skip
    parts = [as_table(rows) or f"{handle} has no limit that we know of."]
    if waits is not None:
        parts.append(f"Posts wait until {waits:%Y-%m-%d %H:%M} UTC.")
    if cost is not None:
        most = "no limit" if cost["limit"] is None else f"of {cost['limit']:.2f} at most"
        parts.append(f"This month: {cost['spent']:.2f} {cost['currency']}, {most}.")
    output.done("\n".join(parts), id=account_id, limits=rows, posts_wait_until=waits, spending=cost)


@account.command()
@click.argument("account", metavar="ACCOUNT")
@click.pass_obj
def times(output: Output, account: str) -> None:
    """Times of the week at which posts of ACCOUNT did better, and the next ones that are free.

    Judged by its own posts of the last 90 days: where they are too few, or nothing stands out, it
    says so, and suggests none.
    """
    runtime = runtime_or_exit()
    with runtime.reading() as session:
        found, now = find_account(session, SYSTEM, account), runtime.now()
        suggested = suggest(session, SYSTEM, [found], now=now)
        measure, judged = suggested.judged[found.id]
        zone, account_id = zone_of(found.time_zone), found.id
    rows = [
        {
            "time": f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}", "zone": zone.key,
            "why": phrases.why(one.reasons[account_id], judged.usual, measure),
        }
        for one in suggested.times
    ]  # fmt: skip
    said = phrases.summed_up(judged)
    output.done("\n".join(filter(None, (as_table(rows), said))), id=account_id, verdict=judged.verdict.value, said=said,
                times=rows)  # fmt: skip


def _note(runtime: Runtime, account_id: int, error: ChannelError, used: datetime | None, now: datetime) -> None:
    with runtime.unit() as unit:
        found = queries.get_account(unit.session, SYSTEM, account_id)
        operations.note_check_failed(unit.session, SYSTEM, found, error, now, used=used)


COMMANDS = (account,)
